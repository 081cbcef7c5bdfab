"""Stage 1: which documents could be duplicates of a query, by perceptual hash.

Every document is known by several hashes (whole, without margins, a few crops), every query too; the
distance of two pictures is the least over the pairs in which one of them is not cropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pdqhash

from include.flow_server.imaging.thumbnail import decode_thumbnail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.flow_server.imaging.descriptor import Descriptor

WHOLE = 2  # the first hashes of a document: whole and without margins
CROP_SHARES = (0.9, 0.75, 0.6, 0.5)  # of the area
PLACES = ((0.5, 0.5), (0, 0), (0, 1), (1, 0), (1, 1))
HASHES = WHOLE + len(CROP_SHARES) * len(PLACES)
BITS = 256


def hashes(descriptor: Descriptor) -> NDArray[np.uint64]:
    """All hashes of a picture, uint64 [HASHES, 4]."""
    rgb = decode_thumbnail(descriptor.thumbnail)
    packed = [np.frombuffer(descriptor.pdq, np.uint8), np.frombuffer(descriptor.pdq_content, np.uint8)]
    height, width = rgb.shape[:2]
    for share in CROP_SHARES:
        crop_height, crop_width = round(height * share**0.5), round(width * share**0.5)
        for right, down in PLACES:
            top, left = round((height - crop_height) * down), round((width - crop_width) * right)
            crop = rgb[top : top + crop_height, left : left + crop_width]
            packed.append(np.packbits(pdqhash.compute(np.ascontiguousarray(crop))[0]))
    return np.stack(packed).view(np.uint64)


class Candidates:
    """Hashes of all documents, searched exactly."""

    def __init__(self) -> None:
        self._keys = np.zeros(0, np.int64)
        self._hashes = np.zeros((0, HASHES, BITS // 64), np.uint64)

    def __len__(self) -> int:
        return len(self._keys)

    def nbytes(self) -> int:
        """Bytes of memory held."""
        return self._keys.nbytes + self._hashes.nbytes

    def add(self, keys: Sequence[int], found: Sequence[NDArray[np.uint64]]) -> None:
        """Take in documents that are not there yet."""
        self._keys = np.concatenate([self._keys, np.array(keys, np.int64)])
        self._hashes = np.concatenate([self._hashes, np.stack(found)])

    def remove(self, keys: Sequence[int]) -> None:
        """Forget documents; unknown keys are none of its business."""
        stay = ~np.isin(self._keys, np.array(keys, np.int64))
        self._keys, self._hashes = self._keys[stay], self._hashes[stay]

    def nearest(
        self, query: NDArray[np.uint64], allowed: NDArray[np.int64] | None, most: int
    ) -> list[tuple[int, float]]:
        """Up to `most` documents with their similarity (1 = same hash, 0 = opposite), best first."""
        keys, known = self._keys, self._hashes
        if allowed is not None:
            stay = np.isin(keys, allowed)
            keys, known = keys[stay], known[stay]
        if not len(keys):
            return []
        distance = np.full(len(keys), BITS, np.int64)
        for place, one in enumerate(query):
            against = known if place < WHOLE else known[:, :WHOLE]
            found = np.bitwise_count(against ^ one).sum(axis=2, dtype=np.int64).min(axis=1)
            distance = np.minimum(distance, found)
        order = np.lexsort([keys, distance])[:most]
        return [(int(keys[place]), 1 - float(distance[place]) / BITS) for place in order]
