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
OF = 16  # pictures that one is mixed of; of fewer, each is closer to some of them than pictures of a kind are
EVEN = 5.0  # how alike their shares are, of a Dirichlet distribution


def mixed(pictures: Sequence[Descriptor], count: int) -> Iterator[Descriptor]:
    """So many descriptors, each between OF of `pictures`, with the thumbnail of one of them.

    Embeddings vary around their mean as those of the pictures do, so that searches meet neighbours as in a
    collection of many pictures of a kind; on their thumbnails these turn out to be others.
    """
    rng = np.random.default_rng(SEED)
    embeddings = np.stack([vectors(one) for one in pictures])
    mean = embeddings.mean(axis=0)
    hashes = {name: _unpacked([getattr(one, name) for one in pictures]) for name in ("pdq", "pdq_content")}
    of = min(OF, len(pictures))
    for number in range(count):
        places, shares = rng.choice(len(pictures), of, replace=False), rng.dirichlet(np.full(of, EVEN))
        spread = np.tensordot(shares, embeddings[places] - mean, 1) / np.linalg.norm(shares)
        bits = places[rng.choice(of, hashes["pdq"].shape[1], p=shares)]
        chosen = {name: each[bits, np.arange(len(bits))] for name, each in hashes.items()}
        yield replace(
            pictures[places[0]],
            content_hash=hashlib.sha256(f"mixed {number}".encode()).hexdigest(),
            flat=False,
            embedding=_codes(mean + spread).tobytes(),
            **{name: np.packbits(each).tobytes() for name, each in chosen.items()},
        )


def _codes(found: NDArray[np.float32]) -> NDArray[np.int8]:
    scaled = found * (LEVELS / np.linalg.norm(found, axis=1, keepdims=True))
    codes: NDArray[np.int8] = np.clip(np.round(scaled), -127, 127).astype(np.int8)
    return codes


def _unpacked(packed: Sequence[bytes]) -> NDArray[np.uint8]:
    return np.stack([np.unpackbits(np.frombuffer(each, np.uint8)) for each in packed])
