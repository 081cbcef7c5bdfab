"""What if: what every threshold would group, and delete of it, from pairs that are known.

From the highest threshold to the lowest, clusters only grow. So each threshold joins the clusters that its
own pairs connect, and only these are decided again: exact groups among themselves first, then what stays of
each, as ``decide`` does it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from include.dedupe.deciding.groups import Rows, settle_groups
from include.dedupe.deciding.keeper import Column, Keys, PairRows, ranked_by

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Documents:
    """What counts of each document, by its place: ids ascend.

    ``ranking``: what they are ranked by. ``deletable``: it may go at all. ``readable``: others may go in its
    favour. ``is_hub``: more hits than were read, so that nothing of its cluster goes. ``sizes``: bytes, NaN
    for unknown.
    """

    ranking: Sequence[Column]
    deletable: Mask
    readable: Mask
    is_hub: Mask
    sizes: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Point:
    """What there would be if all pairs from ``threshold`` up were duplicates.

    ``deletes`` are the documents that would go if exact and near ones were deleted; ``bytes`` are theirs, as
    far as known, and ``unknown`` how many of them tell none.
    """

    threshold: float
    clusters: int
    documents: int
    deletes: int
    bytes: int
    unknown: int


def what_if(
    pairs: npt.NDArray[np.int64],
    scores: npt.NDArray[np.float64],
    among: Documents,
    thresholds: Sequence[float],
    *,
    exact_threshold: float,
    max_size: int,
) -> list[Point]:
    """Return a point for each threshold, the lowest first.

    Args:
        pairs: places of two documents in each row; each unordered pair once.
        scores: of each pair.
        among: the documents.
        thresholds: in any order.
        exact_threshold: lowest score of an exact pair; a threshold above it is that of exact ones, too.
        max_size: of a cluster with more documents nothing goes.
    """
    order = np.argsort(-scores, kind="stable")
    one, other = (pairs[order, side] for side in (0, 1))
    sorted_scores = scores[order]
    known = PairRows(one, other, sorted_scores >= exact_threshold)
    sweep = _Sweep(replace(among, ranking=condensed(among.ranking)), known, max_size)
    points, at = [], 0
    for threshold in sorted(set(thresholds), reverse=True):
        begin, at = at, int(np.searchsorted(-sorted_scores, -threshold, side="right"))
        if at > begin:
            sweep.join(begin, at)
        points.append(sweep.point(threshold))
    return points[::-1]


def condensed(columns: Sequence[Column]) -> list[Column]:
    """Return fewer columns that rank in the same way: neighbours that no cluster changes become one."""
    found: list[Column] = []
    for (is_fixed, _), run in groupby(columns, lambda one: (_is_fixed(one), one.among)):
        together = list(run)
        if is_fixed:
            keys = _places([one.keys for one in together if one.keys is not None])
            together = [replace(together[0], keys=keys)]
        found += together
    return found


def _is_fixed(column: Column) -> bool:
    return column.keys is not None and column.times == 1.0


def _places(keys: Sequence[Keys]) -> Keys:
    """Return the place of each row among all, the same one where all keys are the same."""
    order = np.lexsort(tuple(reversed(keys)))
    differs = np.zeros(len(order), bool)
    for key in keys:
        differs[1:] |= key[order[1:]] != key[order[:-1]]
    places = np.empty(len(order))
    places[order] = np.cumsum(differs)
    return places


class _Sweep:
    """Clusters that grow from threshold to threshold, and what would go of each."""

    def __init__(self, among: Documents, pairs: PairRows, max_size: int) -> None:
        count = len(among.sizes)
        self._among = among
        self._pairs = pairs
        self._max_size = max_size
        self._cluster = np.arange(count)
        self._size = np.ones(count, np.int64)
        self._place = np.zeros(count, np.int64)
        self._gone = np.zeros((count, 3))  # of each cluster: documents, bytes, and how many tell none
        self._clusters = self._documents = 0
        self._total = np.zeros(3)
        known = ~np.isnan(among.sizes)
        self._gain = np.column_stack([np.ones(count), np.where(known, among.sizes, 0.0), ~known])

    def join(self, begin: int, end: int) -> None:
        """Let the pairs from ``begin`` to ``end`` be duplicates, too."""
        new = slice(begin, end)
        clusters, rows, part = self._unite(self._pairs.one[new], self._pairs.other[new])
        is_row = np.zeros(len(self._size), bool)
        is_row[rows] = True
        used = np.flatnonzero(is_row[self._pairs.one[:end]])
        self._place[rows] = np.arange(len(rows))
        one, other = (self._place[ends[used]] for ends in (self._pairs.one, self._pairs.other))
        goes = self._goes(rows, part, PairRows(one, other, self._pairs.exact[used]))
        for number, gain in enumerate(self._gain[rows[goes]].T):
            self._gone[clusters, number] = np.bincount(part[goes], gain, len(clusters))
        self._total += self._gone[clusters].sum(axis=0)

    def point(self, threshold: float) -> Point:
        deletes, size, unknown = (int(one) for one in self._total)
        return Point(threshold, self._clusters, self._documents, deletes, size, unknown)

    def _unite(self, one: Rows, other: Rows) -> tuple[Rows, Rows, Rows]:
        """Join the clusters at both ends of new pairs.

        Return the names of those that there are of them now, the documents in them, and the place of each
        document's cluster among the names.
        """
        one, other = self._cluster[one], self._cluster[other]
        is_end = np.zeros(len(self._size), bool)
        is_end[one] = is_end[other] = True
        old = np.flatnonzero(is_end)
        rows = np.flatnonzero(is_end[self._cluster])
        self._place[old] = np.arange(len(old))
        codes = (self._place[one], self._place[other])
        graph = coo_array((np.ones(len(one), np.int8), codes), shape=(len(old), len(old)))
        count, part = connected_components(graph, directed=False)
        name = np.zeros(count, np.int64)
        name[part[::-1]] = old[::-1]
        self._total -= self._gone[old].sum(axis=0)
        self._gone[old] = 0.0
        sizes = self._size[old]
        self._clusters += count - int((sizes > 1).sum())
        self._documents += int((sizes == 1).sum())
        self._size[name] = np.bincount(part, sizes, count).astype(np.int64)
        of_row = part[self._place[self._cluster[rows]]].astype(np.int64)
        self._cluster[rows] = name[of_row]
        return name, rows, of_row

    def _goes(self, rows: Rows, cluster: Rows, pairs: PairRows) -> Mask:
        """Tell which of ``rows`` would go; ``pairs`` and ``cluster`` are by their places in it."""
        among = self._among
        ranking = [
            column if column.keys is None else replace(column, keys=column.keys[rows])
            for column in among.ranking
        ]
        group = _groups(ranking, cluster, pairs)
        own = np.arange(len(rows))
        stays = np.flatnonzero(group == own)
        columns = ranked_by(ranking, pairs, cluster, "near", stays)
        best = _best([key[stays] for key in columns.values()], cluster[stays])
        winner = stays[best][cluster]
        has_hub = np.bincount(cluster, among.is_hub[rows]) > 0
        is_held = has_hub[cluster] | (self._size[self._cluster[rows]] > self._max_size)
        deletable, readable = among.deletable[rows] & ~is_held, among.readable[rows]

        def compare(keeper: Rows) -> Mask:
            paired = np.zeros(len(rows), bool)
            for one, other in ((pairs.one, pairs.other), (pairs.other, pairs.one)):
                paired[one[keeper[one] == other]] = True
            goes: Mask = deletable & paired & readable[keeper]
            return goes

        keeper = np.where(group == own, winner, group)
        goes = compare(keeper)
        left = goes[keeper] & (group != own)
        return compare(np.where(left, winner, keeper)) if left.any() else goes


def _groups(ranking: Sequence[Column], cluster: Rows, pairs: PairRows) -> Rows:
    """Return the document that each one is grouped under, as exact duplicates settle it."""
    group = np.arange(len(cluster))
    one, other = pairs.one[pairs.exact], pairs.other[pairs.exact]
    is_in = np.zeros(len(cluster), bool)
    is_in[one] = is_in[other] = True
    rows = np.flatnonzero(is_in)
    columns = ranked_by(ranking, pairs, cluster, "exact")
    order = np.lexsort([key[rows] for key in reversed(columns.values())])
    rank = np.empty(len(rows), np.int64)
    rank[order] = np.arange(len(rows))
    place = np.zeros(len(cluster), np.int64)
    place[rows] = np.arange(len(rows))
    group[rows] = rows[settle_groups(place[one], place[other], rank)]
    return group


def _best(keys: Sequence[Keys], cluster: Rows) -> Rows:
    """Return the best row of each cluster: the lowest by the keys, then the first."""
    count = int(cluster.max()) + 1
    rows = np.arange(len(cluster))
    for key in keys:
        least = np.full(count, np.inf)
        np.minimum.at(least, cluster[rows], key[rows])
        rows = rows[key[rows] == least[cluster[rows]]]
    best = np.zeros(count, np.int64)
    best[cluster[rows[::-1]]] = rows[::-1]
    return best
