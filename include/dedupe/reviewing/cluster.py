"""One cluster in full: its documents, pairs and bridges, what is to become of them, why, and what became."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from include.dedupe.reviewing.clusters import ClusterRow, Member
from include.dedupe.rundir import RunDir

DOCUMENTS_SHOWN, PAIRS_SHOWN = 200, 1000


@dataclass(frozen=True, slots=True)
class PairView:
    """One pair, the strongest first. ``bridge``: without it the cluster would fall apart.

    ``found``: seen from one document, from the other, or from both. ``said_apart``: a person said that it is
    no pair of duplicates.
    """

    id_a: str
    id_b: str
    score: float
    duplicates: str
    found: str
    bridge: bool
    said_apart: bool


@dataclass(frozen=True, slots=True)
class OutcomeView:
    """What became of a decision: done, skipped, failed or planned (a dry run), and why."""

    id: str
    decision: str
    outcome: str
    reason: str
    at: str


@dataclass(frozen=True, slots=True)
class ClusterDetail:
    """A cluster with documents and pairs, both in part where there are very many.

    ``differing``: fields in which the shown documents differ, among them the measures ``pixels`` and
    ``bytes`` as the settings map them. ``rule_fields``: fields that the keeper rules go by, in their order.
    ``graph``: Cytoscape JSON of what is shown; nodes have ``image``, ``cluster`` and ``decision``, edges
    ``weight`` (the score), ``width``, ``opacity`` and ``bridge``.
    """

    row: ClusterRow
    documents: tuple[Member, ...]
    pairs: tuple[PairView, ...]
    differing: tuple[str, ...]
    rule_fields: tuple[str, ...]
    graph: Mapping[str, Any]
    outcomes: tuple[OutcomeView, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a pair has its score, as the server puts it; ``details`` as they came."""

    score: float
    reason: str
    details: Mapping[str, Any]


def read_cluster(run: RunDir, name: str, *, first: int = 0) -> ClusterDetail:
    """Return a cluster with its documents from number ``first`` (0-based) on, the keeper first of all.

    Raises:
        UnknownError: the run has no such cluster.
    """
    raise NotImplementedError


def explain(
    run: RunDir, one: str, other: str, connection: Mapping[str, Any] | None = None
) -> Explanation | None:
    """Ask the server why two documents have their score; None where it does not explain. Takes one request.

    Args:
        run: the run, for its settings.
        one: a document of a cluster.
        other: another one of it.
        connection: fields of the Airflow connection ``flow.connection``; None: from the environment.

    Raises:
        DedupeError: Flow cannot be asked.
    """
    raise NotImplementedError
