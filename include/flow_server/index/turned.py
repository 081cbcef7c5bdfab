"""Stage 1 of turned and mirrored copies: hashes of all documents, searched in all orientations at once.

To show a picture in another orientation inverts blocks of its hash or transposes them, but one block is only
transposed. So that block alone is searched for, in its two forms, and few documents are looked at further.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

os.environ.setdefault("OMP_NUM_THREADS", "1")  # faiss' searches are short: waiting threads would cost more
import faiss

from include.detector.comparing.orientation import BLOCK_BITS, hash_blocks, turned_distances

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.detector.comparing.orientation import Orientation

LARGEST_DISTANCE = (
    76  # bits of 256; of plain turned copies the most had 42, of other pictures hardly one has it
)
LARGEST_IN_BLOCK = 18  # bits of 64


class TurnedHashes:
    """Hashes by row; not thread-safe by itself. `orientations` are those that count beside upright."""

    def __init__(self, orientations: Sequence[Orientation]) -> None:
        self._orientations = orientations
        self._blocks = [np.zeros((0, 4), np.uint64)]
        self._first = faiss.IndexBinaryFlat(BLOCK_BITS)

    def nbytes(self) -> int:
        """Bytes of memory held."""
        return self._first.ntotal * 5 * BLOCK_BITS // 8

    def add(self, hashes: Sequence[bytes]) -> None:
        """Append rows."""
        blocks = hash_blocks(hashes)[:, 0]
        self._blocks.append(blocks)
        self._first.add(_codes(blocks))

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Drop the rows that are not `kept`; the others move up."""
        self._blocks = [self._joined()[kept]]
        self._first.remove_ids(faiss.IDSelectorBatch(np.flatnonzero(~kept)))

    def search(
        self, hashes: Sequence[bytes]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Where a hash in another orientation is within LARGEST_DISTANCE.

        Returns:
            rows, numbers of hashes, and distances in bits, of one length; a row may come twice for a hash.
        """
        if not self._orientations or not hashes:
            return (np.zeros(0, np.int64),) * 3
        own = hash_blocks(hashes)
        ends, _, rows = self._first.range_search(_codes(own.reshape(-1, own.shape[2])), LARGEST_IN_BLOCK + 1)
        numbers = np.repeat(np.arange(len(own)).repeat(2), np.diff(ends.astype(np.int64)))
        distances = turned_distances(own[numbers], self._joined()[rows], self._orientations).min(axis=1)
        close = distances <= LARGEST_DISTANCE
        return rows[close], numbers[close], distances[close]

    def _joined(self) -> NDArray[np.uint64]:
        """All blocks as one array, [rows, blocks]."""
        if len(self._blocks) > 1:
            self._blocks = [np.concatenate(self._blocks)]
        return self._blocks[0]


def _codes(blocks: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """The first blocks as faiss takes them, uint8 [n, BLOCK_BITS / 8]."""
    return np.ascontiguousarray(blocks[:, :1]).view(np.uint8)
