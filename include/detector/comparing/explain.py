"""Puts into words and numbers why a pair has its score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from include.detector.comparing.closeness import HASH_RANGE
from include.detector.comparing.orientation import UPRIGHT
from include.detector.comparing.score import EXACT, LARGEST_DIFFERENCE, NEAR, compared, exactness, score

if TYPE_CHECKING:
    from include.detector.comparing.comparison import Comparison
    from include.detector.comparing.thumb import Thumb


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a hit has its score.

    `crop`: the part of the match that the query covers, as (left, top, right, bottom) in 0..1 of the
    match's width and height, reaching beyond where the query shows more. `scale`: (x, y) size of the query's
    content in the match, 1 = the same share of the picture. To lie as the query does, the match must be
    flipped left to right if `mirrored`, then turned counter-clockwise by `turned` degrees. `agreeing`: share
    of the `blocks` compared blocks that agree.
    """

    similarity: float  # of stage 1, 0..1
    same_pixels: bool = False
    crop: tuple[float, float, float, float] | None = None
    scale: tuple[float, float] | None = None
    mirrored: bool = False
    turned: int = 0
    agreeing: float | None = None
    blocks: int | None = None
    reason: str = ""


def explain_pair(query: Thumb, match: Thumb, *, mirror: bool, turn: bool = True) -> Explanation | None:
    """Why `match` has its score, seen from `query`; None if no alignment was found."""
    comparison = compared(query, match, mirror=mirror, turn=turn)
    if comparison is None:
        return None
    alignment, shown = comparison.alignment(), comparison.shown
    if comparison.first is not query:
        alignment, shown = alignment.inverse(), shown.inverse()
    matrix = alignment.matrix
    corners = np.array([[0, 0, 1], [query.width - 1, query.height - 1, 1]]) @ matrix.T
    left, top = corners.min(axis=0) / (match.width - 1, match.height - 1)
    right, bottom = corners.max(axis=0) / (match.width - 1, match.height - 1)
    return Explanation(
        similarity=round(max(comparison.similarity, 1 - comparison.hash_distance / HASH_RANGE), 4),
        crop=(round(float(left), 3), round(float(top), 3), round(float(right), 3), round(float(bottom), 3)),
        scale=(round(float(right - left), 3), round(float(bottom - top), 3)),
        mirrored=shown.flipped,
        turned=90 * shown.quarters,
        agreeing=round(comparison.evidence.agreeing, 3),
        blocks=comparison.evidence.blocks,
        reason=_reason(comparison, has_same_beside=query.beside == match.beside),
    )


def _reason(comparison: Comparison, *, has_same_beside: bool) -> str:
    reached = score(comparison)
    if reached < NEAR:
        return "different: too few blocks agree"
    if comparison.same_thing:
        return "near: the same thing before another backdrop"
    if comparison.shown != UPRIGHT:
        return f"near: {comparison.shown.told}"
    if reached < EXACT:
        found = comparison.difference
        differs = found is None or exactness(found) <= 0
        return f"near: {_largest_change(comparison) if differs else 'too little agrees to be sure'}"
    if not has_same_beside:
        return "near: the same frame, but the files hold other frames or other data behind it"
    return "exact: the same frame, and colours differ no more than coding and scaling leave behind"


def _largest_change(comparison: Comparison) -> str:
    found = comparison.difference
    if found is None:
        return "not the same frame"
    if found.aspect > LARGEST_DIFFERENCE["aspect"]:
        return "another aspect ratio"
    return (
        f"brightness differs by up to {found.luma_cell:.0f} and colour by up to {found.chroma_cell:.0f} "
        "of 255 levels"
    )
