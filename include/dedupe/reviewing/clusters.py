"""Clusters: those of a run page by page, straight from its index, with all verdicts counted in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from include.dedupe.clustering.facts import judged_fields, needs_facts
from include.dedupe.errors import UnknownError
from include.dedupe.planning.plan import read_plan
from include.dedupe.reviewing.filtering import Filters, Sort, arrange
from include.dedupe.reviewing.state import open_state
from include.dedupe.reviewing.views import ClusterRow, show_clusters
from include.dedupe.rundir import RunDir

MOST_OF_A_PAGE = 500


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
        UnknownError: the run has no clusters yet, there is no such order, or ``after`` is no such mark.
    """
    state = open_state(run)
    order = arrange(state, filters, sort)
    behind = order.behind(after, state)
    rows = [int(row) for row in behind[: min(limit, MOST_OF_A_PAGE)]]
    shown = show_clusters(state, rows)
    is_last = len(rows) == len(behind)
    mark = "" if is_last or not rows else order.mark(rows[-1], shown[-1].name)
    return ClusterPage(tuple(shown), len(order.rows), mark)


def neighbours(run: RunDir, name: str, filters: Filters, sort: Sort = "size") -> Neighbours:
    """Return what stands before and after a cluster in that order, also when it does not fit any more.

    Raises:
        UnknownError: the run has no such cluster.
    """
    state = open_state(run)
    row = state.place(name)
    if row < 0:
        raise UnknownError(f"Run {run.run_id} has no cluster {name!r:.80}.")
    order = arrange(state, filters, sort)
    keys, own = order.key[order.rows], order.key[row]
    is_before = (keys < own) | ((keys == own) & (order.rows < row))
    before, behind = order.rows[is_before], order.rows[~is_before & (order.rows != row)]
    return Neighbours(
        previous=state.name(int(before[-1])) if len(before) else "",
        next=state.name(int(behind[0])) if len(behind) else "",
        place=len(before) + 1 if np.isin(row, order.rows) else 0,
        total=len(order.rows),
    )


def filter_fields(run: RunDir) -> tuple[str, ...]:
    """Return the fields that ``Filters.fields`` can go by in this run, besides ``id``."""
    config = read_plan(run).config
    if not needs_facts(config):
        return ()
    return tuple(dict.fromkeys([*config.shown_fields, *judged_fields(config)]))
