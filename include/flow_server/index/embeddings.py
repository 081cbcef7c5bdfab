"""The embeddings of all documents in memory, compared with those of many pictures at once.

They are multiplied block by block, as one matrix each: several times faster than picture by picture. The
products are sums of whole numbers below 2**24, which floating point keeps exact: a picture gets the same
ones whatever it is asked together with.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from include.detector.imaging.embedding import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Rows = NDArray[np.int64]
    Found = tuple[Rows, Rows, NDArray[np.float32]]

BLOCK = 4096  # rows multiplied at once
WAVE = 16  # blocks under way at once
AT_ONCE = 128  # pictures

_THREADS = ThreadPoolExecutor(os.cpu_count(), "embeddings")


class Embeddings:
    """int8 vectors by row; not thread-safe by itself."""

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.int8]] = []

    def add(self, codes: NDArray[np.int8]) -> None:
        """Append rows, int8 [n, DIMENSIONS]."""
        if self._blocks and len(self._blocks[-1]) < BLOCK:
            codes = np.concatenate([self._blocks.pop(), codes])
        self._blocks += _divided(codes)

    def blocks(self) -> list[NDArray[np.int8]]:
        """All rows in several arrays, which are never changed, at least one."""
        return [*self._blocks, np.zeros((0, DIMENSIONS), np.int8)]

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Drop the rows that are not `kept`; the others move up. Only blocks that lose rows are copied."""
        blocks = []
        for start, block in self._numbered():
            here = kept[start : start + len(block)]
            blocks.append(block if here.all() else block[here])
        self._blocks = [block for block in blocks if len(block)]
        if len(self._blocks) > 2 * (int(kept.sum()) // BLOCK + 1):
            self._blocks = _divided(np.concatenate(self._blocks))

    def products(self, rows: Rows, vector: NDArray[np.float32]) -> NDArray[np.float32]:
        """The products of some rows with one vector."""
        if not len(rows):
            return np.zeros(0, np.float32)
        starts = np.cumsum([0, *map(len, self._blocks)])
        numbers = np.searchsorted(starts, rows, side="right") - 1
        places = (rows - starts[numbers]).tolist()
        codes = [self._blocks[number][place] for number, place in zip(numbers.tolist(), places, strict=True)]
        products: NDArray[np.float32] = np.stack(codes).astype(np.float32) @ vector
        return products

    def search(
        self, pictures: NDArray[np.float32], least: float, allowed: NDArray[np.bool_] | None = None
    ) -> Iterator[Found]:
        """Where the largest product with any vector of a picture is above `least`, in no order.

        Args:
            pictures: float32 [n, parts, DIMENSIONS].
            least: what the product must exceed.
            allowed: for each row, whether it may be found.

        Yields:
            rows, numbers of pictures, and products, each of the same length.
        """
        groups = [
            (first, np.ascontiguousarray(pictures[first : first + AT_ONCE].transpose(2, 1, 0)))
            for first in range(0, len(pictures), AT_ONCE)
        ]

        def compare(numbered: tuple[int, NDArray[np.int8]]) -> list[Found]:
            start, block = numbered
            rows = None if allowed is None else np.flatnonzero(allowed[start : start + len(block)])
            codes = (block if rows is None else block[rows]).astype(np.float32)
            found = []
            for first, group in groups:
                places, numbers, products = _above(codes, group, least)
                found.append(((places if rows is None else rows[places]) + start, numbers + first, products))
            return found

        blocks = list(self._numbered())
        for first in range(0, len(blocks), WAVE):  # no more than the consumer can take
            wave = blocks[first : first + WAVE]
            for found in map(compare, wave) if len(wave) == 1 else _THREADS.map(compare, wave):
                yield from found

    def _numbered(self) -> Iterator[tuple[int, NDArray[np.int8]]]:
        start = 0
        for block in self._blocks:
            yield start, block
            start += len(block)


def _divided(codes: NDArray[np.int8]) -> list[NDArray[np.int8]]:
    return [codes[start : start + BLOCK].copy() for start in range(0, len(codes), BLOCK)]


def _above(codes: NDArray[np.float32], group: NDArray[np.float32], least: float) -> Found:
    """Where the largest product of a row of `codes` with any vector of a picture is above `least`."""
    parts, count = group.shape[1:]
    products = codes @ group.reshape(DIMENSIONS, parts * count)
    best = products.reshape(len(codes), parts, count).max(axis=1)
    places, numbers = np.divmod(np.flatnonzero(best > least), count)
    return places, numbers, best[places, numbers]
