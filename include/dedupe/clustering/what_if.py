"""What if: what every threshold would group, and delete of it, from pairs that are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Documents:
    """What counts of each document, by its place.

    ``rank``: of two the lower one stays. ``deletable``: it may go at all. ``sizes``: bytes, NaN for unknown.
    """

    rank: Sequence[int]
    deletable: Sequence[bool]
    sizes: Sequence[float]


@dataclass(frozen=True, slots=True)
class Point:
    """What there would be if all pairs from ``threshold`` up were duplicates.

    ``deletes`` are the documents that have a pair with the one that stays of their cluster and may go;
    ``bytes`` are theirs, as far as known, and ``unknown`` how many of them tell none.
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
) -> list[Point]:
    """Return a point for each threshold, the lowest first.

    Args:
        pairs: places of two documents in each row; each unordered pair once.
        scores: of each pair.
        among: the documents.
        thresholds: in any order.
    """
    grouping = _Grouping(among)
    order = np.argsort(-scores, kind="stable")
    rows, sorted_scores = pairs[order].tolist(), scores[order].tolist()
    points, at = [], 0
    for threshold in sorted(set(thresholds), reverse=True):
        while at < len(rows) and sorted_scores[at] >= threshold:
            grouping.join(*rows[at])
            at += 1
        points.append(grouping.point(threshold))
    return points[::-1]


class _Grouping:
    """Clusters that grow pair by pair. What would go are the neighbours of each cluster's keeper."""

    def __init__(self, among: Documents) -> None:
        count = len(among.rank)
        self._rank = list(among.rank)
        known = [size == size for size in among.sizes]  # noqa: PLR0124 - NaN is not itself
        self._gain = [
            (int(goes), int(size) if goes and is_known else 0, int(goes and not is_known))
            for goes, size, is_known in zip(among.deletable, among.sizes, known, strict=True)
        ]
        self._beside = [(0, 0, 0)] * count
        self._parent = list(range(count))
        self._size = [1] * count
        self._keeper = list(range(count))
        self._clusters = self._documents = 0
        self._total = (0, 0, 0)

    def join(self, one: int, other: int) -> None:
        first, second = self._root(one), self._root(other)
        for root in {first, second}:
            self._count(root, -1)
        self._beside[one] = _plus(self._beside[one], self._gain[other])
        self._beside[other] = _plus(self._beside[other], self._gain[one])
        if first != second:
            first = self._unite(first, second)
        self._count(first, 1)

    def point(self, threshold: float) -> Point:
        return Point(threshold, self._clusters, self._documents, *self._total)

    def _count(self, root: int, sign: int) -> None:
        self._total = _plus(self._total, self._beside[self._keeper[root]], sign)

    def _unite(self, first: int, second: int) -> int:
        sizes = self._size[first], self._size[second]
        self._documents += sum(1 for size in sizes if size == 1)
        self._clusters += 1 - sum(1 for size in sizes if size > 1)
        large, small = (first, second) if sizes[0] >= sizes[1] else (second, first)
        self._parent[small] = large
        self._size[large] = sum(sizes)
        self._keeper[large] = min(self._keeper[first], self._keeper[second], key=self._rank.__getitem__)
        return large

    def _root(self, place: int) -> int:
        parent = self._parent
        while parent[place] != place:
            parent[place] = parent[parent[place]]
            place = parent[place]
        return place


def _plus(one: tuple[int, int, int], other: tuple[int, int, int], sign: int = 1) -> tuple[int, int, int]:
    return one[0] + sign * other[0], one[1] + sign * other[1], one[2] + sign * other[2]
