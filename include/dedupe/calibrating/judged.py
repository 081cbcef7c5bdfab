"""Judged: how often pairs are wrong from each threshold up, by the samples that people judged.

A sample is drawn band by band, as many pairs of a band that holds few as of one that holds many. So a judged
pair stands for the known pairs of its band, and the error rate is that of a stratified sample: of each band
the share of wrong pairs, weighted by how many pairs of the collection it holds.

The bounds are those of Fay and Feuer for a weighted sum of Poisson counts ("Confidence intervals for directly
standardized rates: a method based on the gamma distribution", Statistics in Medicine 16, 1997, 791-801),
one-sided, with 95 % confidence. With one band they are the exact ones of a Poisson count, a little wider than
those of Clopper and Pearson. Known pairs of a band in which nothing was judged count as wrong in the upper
bound, and below the score down to which all pairs are known nothing is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import chdtri

from include.dedupe.calibration import LOWEST, THRESHOLDS
from include.dedupe.deciding.proof import CONFIDENCE, Band, least_enough
from include.dedupe.verdicts import Verdict

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Known:
    """The scores of all pairs that are known of a collection, and the score down to which all are."""

    scores: Scores
    floor: float


@dataclass(frozen=True, slots=True)
class Stratum:
    """A band from a threshold up: pairs that are known of it, those of them that were judged, and wrong."""

    pairs: int
    judged: int
    wrong: int


@dataclass(frozen=True, slots=True)
class Errors:
    """What is known of pairs from a threshold up. ``rate``: None where nothing was judged."""

    threshold: float
    judged: int
    wrong: int
    rate: float | None
    lower_bound: float
    upper_bound: float
    strata: tuple[Stratum, ...]

    def more_needed(self, rate: float) -> int | None:
        """Return how many more right judgements bring the upper bound to ``rate``; None if no number would.

        As many of each band, as samples are drawn.
        """

        def is_enough(more: int) -> bool:
            return upper_bound([Stratum(one.pairs, one.judged + more, one.wrong) for one in strata]) <= rate

        strata = self.strata or (Stratum(1, 0, 0),)
        of_each = least_enough(is_enough)
        return None if of_each is None else of_each * len(strata)


def error_rates(judged: Sequence[Verdict], known: Known, bands: Sequence[Band]) -> list[Errors]:
    """Return the errors at each of THRESHOLDS; ``bands`` are those that samples are drawn from."""
    starts = np.array([one.lowest for one in bands if one.lowest > LOWEST])
    scores = np.array([one.score or 0.0 for one in judged], dtype=np.float64)
    is_wrong = np.array([one.kind == "wrong" for one in judged], dtype=bool)
    every = [(one, np.digitize(one, starts)) for one in (known.scores, scores, scores[is_wrong])]
    found = []
    for threshold in THRESHOLDS:
        counts = [np.bincount(part[one >= threshold], minlength=len(starts) + 1) for one, part in every]
        counts[0] = np.maximum(counts[0], counts[1])
        strata = tuple(Stratum(*(int(one) for one in row)) for row in zip(*counts, strict=True) if row[0])
        is_known = threshold >= known.floor - 1e-9
        found.append(
            Errors(
                threshold=threshold,
                judged=sum(one.judged for one in strata),
                wrong=sum(one.wrong for one in strata),
                rate=rate_of(strata),
                lower_bound=lower_bound(strata) if is_known else 0.0,
                upper_bound=upper_bound(strata) if is_known else 1.0,
                strata=strata,
            )
        )
    return found


def rate_of(strata: Sequence[Stratum]) -> float | None:
    """Return the error rate of the bands in which pairs were judged; None where none was."""
    covered = sum(one.pairs for one in strata if one.judged)
    wrong = sum(one.pairs * one.wrong / one.judged for one in strata if one.judged)
    return wrong / covered if covered else None


def upper_bound(strata: Sequence[Stratum]) -> float:
    """Return what the error rate is below with 95 % confidence."""
    weights, wrong, unjudged = _weighted(strata)
    if not len(weights):
        return 1.0
    widest = weights.max()
    rate, variance = (weights * wrong).sum() + widest, (weights**2 * wrong).sum() + widest**2
    bound = variance / (2 * rate) * chdtri(2 * rate**2 / variance, 1 - CONFIDENCE)
    return min(1.0, unjudged + float(bound))


def lower_bound(strata: Sequence[Stratum]) -> float:
    """Return what the error rate is above with 95 % confidence."""
    weights, wrong, _ = _weighted(strata)
    rate, variance = (weights * wrong).sum(), (weights**2 * wrong).sum()
    if not rate:
        return 0.0
    return float(variance / (2 * rate) * chdtri(2 * rate**2 / variance, CONFIDENCE))


def _weighted(strata: Sequence[Stratum]) -> tuple[Scores, Scores, float]:
    """Return what a judged pair stands for and how many were wrong, by judged band, and the unjudged rest.

    All but the wrong ones are shares of the pairs.
    """
    every = sum(one.pairs for one in strata)
    seen = [one for one in strata if one.judged]
    weights = np.array([one.pairs / every / one.judged for one in seen])
    wrong = np.array([float(one.wrong) for one in seen])
    return weights, wrong, sum(one.pairs for one in strata if not one.judged) / every if every else 0.0
