"""Errors of the engine: each says what is wrong, where, and what to do."""

from __future__ import annotations

from include.safe_text import shown


class DedupeError(Exception):
    """Base of the family. A retry does not help unless a subclass says so.

    Its text may quote ids and answers from outside, and ends in terminals and logs: it is shown escaped.
    """

    def __str__(self) -> str:
        return shown(super().__str__())


class ConfigError(DedupeError):
    """A collection's settings are wrong."""


class ScopeError(DedupeError):
    """It is not clear which documents the run is to scan."""


class PlanError(DedupeError):
    """The collection cannot be partitioned as its settings ask."""


class ArtifactError(DedupeError):
    """A file of the run is missing, damaged or of another format version."""


class StorageError(DedupeError):
    """The storage of the runs does not answer, or refuses; a retry may help."""


class OvertakenError(DedupeError):
    """A later attempt of the same task has begun: this one writes nothing more."""


class ScanFailedError(DedupeError):
    """More queries of a partition failed than the settings allow; a retry may help."""


class ScanRefusedError(DedupeError):
    """Flow refuses more queries of a partition than the settings allow, now and later."""


class OutageError(DedupeError):
    """Flow did not answer for longer than the settings wait; a retry may help."""


class CoverageError(DedupeError):
    """Part of the scope was not scanned; the report exists and says which part."""


class VerdictError(DedupeError):
    """What a person said does not make sense."""


class GuardError(DedupeError):
    """A run would do more than the settings allow; nothing was done."""


class CheckError(DedupeError):
    """The collection has not proven that what the policies do can be undone."""


class LeaseError(DedupeError):
    """Somebody else writes to the collection; a retry may help."""


class ClaimError(DedupeError):
    """Another storage writes to the collection; nothing was written."""


class StoppedError(DedupeError):
    """A person has stopped all writing to the collection."""


class ActionError(DedupeError):
    """Some of what was approved could not be carried out; the others were."""


class ApprovalError(DedupeError):
    """The answer does not belong to decisions of this run."""


class GateError(DedupeError):
    """The gate cannot work on what it was given, or too much of it failed."""


class UnknownError(DedupeError):
    """There is no such collection, run, cluster, document or verdict."""


class VerdictConflictError(VerdictError):
    """Somebody else has said something since, or what was said is carried out already."""


class CalibrationError(DedupeError):
    """The collection's own pictures cannot be tried, or too few of them."""
