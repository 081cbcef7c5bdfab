"""Clusters: those of a run page by page, straight from its index, with all verdicts counted in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from include.dedupe.rundir import RunDir

Sort = Literal["size", "weakest", "bytes"]
"""The largest first, the weakest link first, or those that free most bytes first."""
MEMBERS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Filters:
    """Which clusters are wanted: those that fit all that is given.

    Args:
        duplicates: exact, near, mixed; none given: any.
        least: fewest documents.
        most: most documents.
        chained: whether some two members are no pair.
        hub: whether it is known in part only.
        decisions: some document of it has one of these decisions.
        fields: some document of it has this value in this field; ``id`` is the document's id.
        text: part of an id or of a field's value of some document, whatever the case.
        judged: whether people have said of it what they have to say; None: both.
    """

    duplicates: frozenset[str] = frozenset()
    least: int | None = None
    most: int | None = None
    chained: bool | None = None
    hub: bool | None = None
    decisions: frozenset[str] = frozenset()
    fields: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    judged: bool | None = False


@dataclass(frozen=True, slots=True)
class Member:
    """One document of a cluster. ``decision`` is empty where the run has no policies.

    ``fields`` are what rules go by and what the settings let the page show. ``score``: with the keeper, 0
    where it is no pair of it. ``bytes``: None where no size is known.
    """

    id: str
    image: str
    fields: Mapping[str, Any]
    decision: str
    reason: str
    score: float
    is_keeper: bool
    is_protected: bool
    bytes: int | None


@dataclass(frozen=True, slots=True)
class Said:
    """A standing verdict on a cluster or some of it. ``name`` is what undoes it."""

    name: str
    kind: str
    by: str
    at: str
    ids: tuple[str, ...]
    note: str
    run_id: str


@dataclass(frozen=True, slots=True)
class ClusterRow:
    """One cluster of a page.

    ``duplicates``, ``bridges``, ``chained`` and ``hub`` as in the table CLUSTERS. ``decisions``: documents by
    decision. ``members``: the first of its ``size`` documents, the keeper first. ``state``: changes with
    every verdict on it; what is said of the cluster names it, so that two people do not talk past each other.
    """

    name: str
    size: int
    duplicates: str
    weakest_score: float
    strongest_score: float
    pairs: int
    bridges: int
    chained: bool
    hub: bool
    decisions: Mapping[str, int]
    rule: str
    why: str
    bytes_to_free: int | None
    bytes_unknown: int
    judged: bool
    said: tuple[Said, ...]
    state: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class ClusterPage:
    """``total`` counts all that fit; ``next`` is ``after`` of the next page, empty at the end."""

    rows: tuple[ClusterRow, ...]
    total: int
    next: str


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The clusters before and after one, and its place among all that fit, from 1; 0 if it does not fit."""

    previous: str
    next: str
    place: int
    total: int


def list_clusters(
    run: RunDir, filters: Filters, sort: Sort = "size", *, after: str = "", limit: int = 50
) -> ClusterPage:
    """Return a page of clusters. Pages stay as they are while others judge: no cluster is skipped.

    Raises:
        UnknownError: the run has no clusters yet, or ``after`` is no such mark.
    """
    raise NotImplementedError


def neighbours(run: RunDir, name: str, filters: Filters, sort: Sort = "size") -> Neighbours:
    """Return what stands before and after a cluster in that order, also when it does not fit any more."""
    raise NotImplementedError


def filter_fields(run: RunDir) -> tuple[str, ...]:
    """Return the fields that ``Filters.fields`` can go by in this run."""
    raise NotImplementedError
