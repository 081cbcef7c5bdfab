"""Judging: verdicts on clusters and documents as a run has them, one or many at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from include.dedupe.reviewing.clusters import Filters, Said
from include.dedupe.rundir import RunDir

Judgement = Literal["approve", "reject", "skip", "keep", "not_duplicate", "may_repeat"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Clusters that are meant: those named, or, with ``filters``, all that fit except those named."""

    names: tuple[str, ...] = ()
    filters: Filters | None = None


@dataclass(frozen=True, slots=True)
class Selected:
    """What a selection comes to now; ``state`` changes when it does."""

    clusters: int
    documents: int
    decisions: Mapping[str, int] = field(default_factory=dict)
    state: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """What was said. ``is_new``: False where just that stood already and nothing was written."""

    said: Said
    is_new: bool
    clusters: int


def count_selection(run: RunDir, selection: Selection) -> Selected:
    """Return what the selection comes to, to be shown before something is said of it.

    Raises:
        UnknownError: the run has no cluster of that name.
    """
    raise NotImplementedError


def judge_many(
    run: RunDir, kind: Judgement, selection: Selection, by: str, *, state: str, note: str = ""
) -> Judged:
    """Say approve, reject, skip or not_duplicate of all clusters of a selection, all or none.

    ``state``: that of ``count_selection``, which the person saw.

    Raises:
        VerdictConflictError: the selection, or what was said of it, is not what the person saw.
        VerdictError: the verdict makes no sense for many clusters.
    """
    raise NotImplementedError


def judge(
    run: RunDir,
    kind: Judgement,
    cluster: str,
    by: str,
    *,
    ids: Sequence[str] = (),
    state: str = "",
    note: str = "",
) -> Judged:
    """Say something of one cluster, or of documents in it.

    ``keep`` takes one id: this one stays instead, an earlier "keep" in the cluster is taken back.
    ``not_duplicate`` takes two ids or more, or none: the whole cluster. ``may_repeat`` takes the id of a
    document whose picture never makes a pair again. ``approve``, ``reject`` and ``skip`` take none, or ids.

    Args:
        run: the run.
        kind: what is said.
        cluster: name of the cluster that the person has before them.
        by: who says so.
        ids: documents of it.
        state: that of the cluster as the person saw it; empty: whatever was said since.
        note: why.

    Raises:
        UnknownError: the run has no such cluster, or it has no such document.
        VerdictConflictError: something else was said of the cluster since.
        VerdictError: the verdict makes no sense.
    """
    raise NotImplementedError


def take_back(run: RunDir, names: Sequence[str], by: str, note: str = "") -> Said:
    """Undo verdicts by their names, unless what rests on them was carried out by this run.

    Raises:
        UnknownError: there is no such verdict.
        VerdictConflictError: it was carried out since: only a restore takes that back.
    """
    raise NotImplementedError


def history(run: RunDir, *, limit: int = 100) -> list[Said]:
    """Return what was said last in the collection, the newest first, also what was undone."""
    raise NotImplementedError
