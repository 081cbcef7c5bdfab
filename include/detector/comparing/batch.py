"""Many comparisons in one call, as a process of a pool makes them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.detector.imaging.descriptor import Descriptor

KEPT = 1000  # prepared thumbnails


def score_pairs(
    pictures: Sequence[Descriptor], pairs: Sequence[tuple[int, int]], *, mirror: bool, turn: bool = True
) -> list[float]:
    """Scores of pairs of `pictures`, given by their places."""
    return [
        score_pair(_prepared(pictures[one]), _prepared(pictures[other]), mirror=mirror, turn=turn)
        for one, other in pairs
    ]


@lru_cache(KEPT)
def _prepared(descriptor: Descriptor) -> Thumb:
    return Thumb.of(descriptor)
