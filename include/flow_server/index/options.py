"""What a search may be asked for, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from include.detector.comparing.explain import Explanation

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
class Hit:
    """One document found: the store's key and its score, >= 0.95 exact, >= 0.70 near."""

    key: int
    score: float
    explanation: Explanation | None = None
