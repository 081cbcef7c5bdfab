"""Approving: what will happen after all verdicts, and the answer that is bound to exactly that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from include.dedupe.rundir import RunDir


@dataclass(frozen=True, slots=True)
class Count:
    """Documents with one decision in one class."""

    decision: str
    duplicates: str
    documents: int
    before: int
    """As many as those decisions had that are compared with."""


@dataclass(frozen=True, slots=True)
class Change:
    """A document whose decision or keeper is not what it was; an empty decision: it was or is in no cluster."""

    id: str
    cluster: str
    before: str
    now: str
    reason: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens if ``hash`` is approved, and how that differs from the decisions ``compared``.

    ``acts``: documents that are written to. ``changes``: the first of ``changed`` ones. ``problems``: guards
    that forbid it; then nothing can be approved.
    """

    hash: str
    compared: str
    counts: tuple[Count, ...]
    acts: int
    deletes: int
    bytes_to_free: int | None
    bytes_unknown: int
    changes: tuple[Change, ...]
    changed: int
    problems: tuple[str, ...]


def effect(run: RunDir, digest: str = "") -> Effect:
    """Return what will happen now, compared with the decisions ``digest``; empty: those of the question.

    Raises:
        ApprovalError: the run never made such decisions.
        UnknownError: the run has not decided.
    """
    raise NotImplementedError


def answer(run: RunDir, digest: str, *, approve: bool) -> Mapping[str, object]:
    """Return the answer to the run's question that carries this hash, as Airflow takes it.

    Raises:
        ChangedError: the decisions have changed since the person looked; its ``effect`` says how.
        GuardError: a guard forbids them.
        ApprovalError: the run is superseded, or has no such decisions.
    """
    raise NotImplementedError
