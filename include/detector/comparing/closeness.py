"""How close two pictures are before they are laid onto each other: by embedding and by perceptual hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from include.detector.imaging.embedding import DIMENSIONS, LEVELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.imaging.descriptor import Descriptor

HASH_RANGE = 136  # bits of distance at which hashes say nothing any more


def codes(descriptor: Descriptor) -> NDArray[np.int8]:
    """Embeddings of the whole and of the parts as stored, int8 [6, 256]."""
    return np.frombuffer(descriptor.embedding, np.int8).reshape(-1, DIMENSIONS)


def vectors(descriptor: Descriptor) -> NDArray[np.float32]:
    """Embeddings of the whole and of the parts, float32 [6, 256] with the values of the int8 codes."""
    return codes(descriptor).astype(np.float32)


def similarity(first: Descriptor, second: Descriptor) -> float:
    """Largest cosine between one picture as a whole and the other as a whole or a part of it."""
    one, two = vectors(first), vectors(second)
    return float(max((one @ two[0]).max(), (two @ one[0]).max())) / LEVELS**2


def hash_distance(first: Descriptor, second: Descriptor) -> int:
    """Least distance in bits over whole pictures and contents."""
    one, two = (
        [int.from_bytes(bits) for bits in (descriptor.pdq, descriptor.pdq_content)]
        for descriptor in (first, second)
    )
    return min((bits ^ others).bit_count() for bits in one for others in two)
