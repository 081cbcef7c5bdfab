"""What a search may be asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass

SMART_FILTERS = ("off", "low", "medium", "high", "extreme")


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """Settings of one search.

    `threshold`: least score of a hit, 0..1. `approximate` and `smartfilter` (one of SMART_FILTERS) trade
    completeness for time.
    """

    threshold: float = 0.7
    approximate: bool = False
    smartfilter: str = "off"

    def __post_init__(self) -> None:
        if self.smartfilter not in SMART_FILTERS:
            raise ValueError(
                f"smartfilter is {self.smartfilter!r}, must be one of {', '.join(SMART_FILTERS)}"
            )
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold}, must lie between 0 and 1")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a hit has its score.

    `crop`: the part of the match that the query covers, as (left, top, right, bottom) in 0..1 of the
    match's width and height, reaching beyond where the query shows more. `scale`: (x, y) size of the query's
    content in the match, 1 = the same share of the picture. `agreeing`: share of the `blocks` compared
    blocks that agree.
    """

    similarity: float  # of stage 1, 0..1
    same_pixels: bool = False
    crop: tuple[float, float, float, float] | None = None
    scale: tuple[float, float] | None = None
    mirrored: bool = False
    agreeing: float | None = None
    blocks: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One document found: the store's key and its score, >= 0.95 exact, >= 0.70 near."""

    key: int
    score: float
    explanation: Explanation | None = None
