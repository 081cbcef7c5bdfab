"""Many comparisons in one call, as a process of a pool makes them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from include.detector.comparing.keypoints import KeptKeypoints
    from include.detector.imaging.descriptor import Descriptor

KEPT = 1000  # prepared thumbnails


def score_pairs(
    pictures: Sequence[Descriptor],
    pairs: Sequence[tuple[int, int]],
    *,
    mirror: bool,
    turn: bool = True,
    kept: KeptKeypoints | None = None,
) -> list[float]:
    """Scores of pairs of `pictures`, given by their places; `kept` may have their keypoints."""
    scores = [
        score_pair(_prepared(pictures[one], kept), _prepared(pictures[other], kept), mirror=mirror, turn=turn)
        for one, other in pairs
    ]
    if kept is not None:
        kept.flush()
    return scores


@lru_cache(KEPT)
def _prepared(descriptor: Descriptor, kept: KeptKeypoints | None) -> Thumb:
    return Thumb.of(descriptor, kept)
