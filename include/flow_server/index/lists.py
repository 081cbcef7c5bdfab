"""Hashes in lists of alike ones: a search looks at the lists nearest to what it asks for, and no others.

The lists are learnt from the collection itself, in the background. They make a search of many hashes several
times as fast and miss some of those that differ in many bits, so only approximate searches use them.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")  # faiss' searches are short: waiting threads would cost more
import faiss

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray

LEAST_HASHES = 50_000  # fewer are searched as fast one by one
PROBED = 1 / 8  # share of the lists that a search looks at
LEARNT_FROM = 40  # hashes for each list
OUTGROWN = 4  # times as many hashes as were learnt from

LEARNING = ThreadPoolExecutor(1, "lists")


class Lists:
    """Hashes by key; not thread-safe by itself."""

    def __init__(self, codes: NDArray[np.uint8], keys: NDArray[np.int64]) -> None:
        """`codes` uint8 [n, bytes], `keys` [n]."""
        bits, count = 8 * codes.shape[1], max(1, math.isqrt(len(codes)))
        self._learnt = len(codes)
        self._nearest = faiss.IndexBinaryFlat(bits)  # the lists' centres; faiss does not keep it alive
        self._index = faiss.IndexBinaryIVF(self._nearest, bits, count)
        self._index.nprobe = max(1, round(PROBED * count))
        step = max(1, len(codes) // (LEARNT_FROM * count))
        self._index.train(np.ascontiguousarray(codes[::step]))
        self.add(codes, keys)

    @property
    def is_outgrown(self) -> bool:
        """Whether there are so many more hashes by now that the lists should be learnt anew."""
        return bool(self._index.ntotal > OUTGROWN * self._learnt)

    def nbytes(self) -> int:
        """Bytes of memory held."""
        return int(self._index.ntotal * (self._index.d // 8 + 8))

    def add(self, codes: NDArray[np.uint8], keys: NDArray[np.int64]) -> None:
        """Take in hashes of keys that are not there."""
        self._index.add_with_ids(np.ascontiguousarray(codes), keys)

    def remove(self, keys: Sequence[int]) -> None:
        """Forget keys; unknown ones are none of its business."""
        self._index.remove_ids(faiss.IDSelectorBatch(np.array(keys, np.int64)))

    def within(
        self, codes: NDArray[np.uint8], radius: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Hashes that differ in less than `radius` bits.

        Returns:
            numbers of `codes`, distances in bits, and keys, of one length.
        """
        ends, distances, keys = self._index.range_search(codes, radius)
        numbers = np.repeat(np.arange(len(codes)), np.diff(ends.astype(np.int64)))
        return numbers, distances.astype(np.int64), keys


class LearntLists:
    """Lists of several kinds of hashes of the same documents; not thread-safe by itself."""

    def __init__(self) -> None:
        self._lists: list[Lists] = []
        self._learning: Future[list[Lists]] | None = None
        self._missed: list[Callable[[Lists, int], None]] = []  # changes since the learning began

    def nbytes(self) -> int:
        """Bytes of memory held."""
        return sum(lists.nbytes() for lists in self._lists)

    def add(self, codes: Sequence[NDArray[np.uint8]], keys: NDArray[np.int64]) -> None:
        """Take in documents that are not there: of each kind uint8 [n, bytes]."""
        self._change(lambda lists, kind: lists.add(codes[kind], keys))

    def remove(self, keys: Sequence[int]) -> None:
        """Forget documents; unknown keys are none of its business."""
        self._change(lambda lists, _: lists.remove(keys))

    def current(
        self, codes: Callable[[], Sequence[NDArray[np.uint8]]], keys: NDArray[np.int64]
    ) -> list[Lists]:
        """The lists of each kind; none until they are learnt, which this begins.

        Args:
            codes: returns copies of all hashes, of each kind uint8 [n, bytes].
            keys: of all documents, never to be changed.
        """
        if self._learning and self._learning.done():
            learning, missed = self._learning, self._missed
            self._learning, self._missed = None, []
            self._lists = learning.result()
            for change in missed:
                self._change(change)
        if not self._learning and (not self._lists or self._lists[0].is_outgrown):
            self._learning = LEARNING.submit(_learnt, codes(), keys)
        return self._lists

    def _change(self, change: Callable[[Lists, int], None]) -> None:
        for kind, lists in enumerate(self._lists):
            change(lists, kind)
        if self._learning:
            self._missed.append(change)


def _learnt(codes: Sequence[NDArray[np.uint8]], keys: NDArray[np.int64]) -> list[Lists]:
    return [Lists(each, keys) for each in codes]
