"""Proof by sample: how often decisions of a score band are wrong, at most, by what people judged at random.

The upper bound is that of Clopper and Pearson, one-sided: with 95 % confidence the error rate is below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv

from include.dedupe.settings.config import CollectionConfig
from include.dedupe.verdicts import Verdict, not_undone

CONFIDENCE = 0.95
MOST_NEEDED = 10_000_000


@dataclass(frozen=True, slots=True)
class Band:
    """Scores from ``lowest`` to below ``highest``; the last band holds 1, too."""

    lowest: float
    highest: float

    def holds(self, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Tell which scores are in the band."""
        below = scores <= 1.0 if self.highest >= 1.0 else scores < self.highest
        return (scores >= self.lowest) & below

    @property
    def label(self) -> str:
        return f"{self.lowest:g} to {self.highest:g}"


@dataclass(frozen=True, slots=True)
class BandErrors:
    """What people judged in a band."""

    band: Band
    judged: int
    wrong: int

    @property
    def upper_bound(self) -> float:
        return upper_bound(self.judged, self.wrong)


def bands_of(config: CollectionConfig) -> tuple[Band, ...]:
    """Return the score bands of the settings, the lowest first; together they hold all scores of pairs."""
    threshold = config.scan.threshold
    starts = [threshold, *sorted({one for one in config.guards.error_bands if threshold < one < 1.0})]
    return tuple(Band(low, high) for low, high in zip(starts, [*starts[1:], 1.0], strict=True))


def upper_bound(judged: int, wrong: int) -> float:
    """Return what the error rate is below with 95 % confidence, when ``wrong`` of ``judged`` were wrong."""
    return 1.0 if wrong >= judged else float(betaincinv(wrong + 1, judged - wrong, CONFIDENCE))


def more_needed(judged: int, wrong: int, rate: float) -> int | None:
    """Return how many more right judgements bring the upper bound below ``rate``; None if no number would."""
    return least_enough(lambda more: upper_bound(judged + more, wrong) < rate)


def least_enough(is_enough: Callable[[int], bool]) -> int | None:
    """Return the least number that is enough, as all above it are; None if none up to MOST_NEEDED is."""
    if is_enough(0):
        return 0
    low, high = 0, 1
    while not is_enough(high):
        low, high = high, 2 * high
        if high > MOST_NEEDED:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def judged_pairs(verdicts: list[Verdict], detector: str) -> dict[frozenset[str], Verdict]:
    """Return the last standing judgement of each pair that was judged with this detector."""
    return {
        frozenset(verdict.ids): verdict
        for verdict in not_undone(verdicts)
        if verdict.kind in ("right", "wrong") and verdict.detector == detector
    }


def count_errors(judgements: Iterable[Verdict], bands: Sequence[Band]) -> list[BandErrors]:
    """Return how many were judged, and judged wrong, in each band."""
    judged = list(judgements)
    scores = np.array([one.score or 0.0 for one in judged], dtype=np.float64)
    wrong = np.array([one.kind == "wrong" for one in judged], dtype=bool)
    inside = [band.holds(scores) for band in bands]
    return [
        BandErrors(band, int(rows.sum()), int((rows & wrong).sum()))
        for band, rows in zip(bands, inside, strict=True)
    ]


def unproven_bands(verdicts: list[Verdict], detector: str, config: CollectionConfig) -> tuple[Band, ...]:
    """Return the bands in which nothing may be deleted yet; none where the settings ask for no proof."""
    rate = config.guards.max_error_rate
    if rate is None:
        return ()
    judged = judged_pairs(verdicts, detector).values()
    return tuple(one.band for one in count_errors(judged, bands_of(config)) if one.upper_bound >= rate)
