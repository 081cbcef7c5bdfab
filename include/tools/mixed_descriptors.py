"""Descriptors of no picture, drawn from those of real ones: as close to each other as these are.

To analyse a hundred thousand pictures takes longer than what is to be measured on them.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from include.detector.comparing.closeness import vectors
from include.detector.imaging.embedding import LEVELS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from include.detector.imaging import Descriptor

SEED = 23
LARGEST_SHARE = 0.8  # of one of the two pictures that are mixed


def mixed(pictures: Sequence[Descriptor], count: int) -> Iterator[Descriptor]:
    """So many descriptors, each between two of `pictures`, with the thumbnail of a third one.

    Embeddings and hashes are mixed, so that searches meet neighbours that are close, as in a real collection
    of many pictures of a kind; on their thumbnails these turn out to be others.
    """
    rng = np.random.default_rng(SEED)
    for number in range(count):
        first, second, third = (pictures[place] for place in rng.choice(len(pictures), 3, replace=False))
        share = rng.uniform(1 - LARGEST_SHARE, LARGEST_SHARE)
        yield replace(
            third,
            content_hash=hashlib.sha256(f"mixed {number}".encode()).hexdigest(),
            flat=False,
            embedding=_between(vectors(first), vectors(second), share).tobytes(),
            pdq=_bits(first.pdq, second.pdq, share, rng),
            pdq_content=_bits(first.pdq_content, second.pdq_content, share, rng),
        )


def _between(one: NDArray[np.float32], other: NDArray[np.float32], share: float) -> NDArray[np.int8]:
    found = share * one + (1 - share) * other
    found *= LEVELS / np.linalg.norm(found, axis=1, keepdims=True)
    codes: NDArray[np.int8] = np.clip(np.round(found), -127, 127).astype(np.int8)
    return codes


def _bits(one: bytes, other: bytes, share: float, rng: np.random.Generator) -> bytes:
    """Each bit of one of the two hashes."""
    bits, others = (np.unpackbits(np.frombuffer(each, np.uint8)) for each in (one, other))
    return np.packbits(np.where(rng.random(len(bits)) < share, bits, others)).tobytes()
