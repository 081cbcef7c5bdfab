"""Measure: the figures of a calibration, from what edits and neighbours score."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.calibration import LOWEST, THRESHOLDS
from include.detector.editing.kinds import Expected, Kind

DEVIATIONS = 1.959963984540054
"""Standard deviations on either side that hold 95 % of a normal distribution."""
BINS = tuple(number / 50 for number in range(25, 50))
Scores = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """How many of ``asked`` copies are found at each of THRESHOLDS, and the bounds of that share."""

    asked: int
    found: tuple[int, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def of(cls, scores: Scores) -> Curve:
        found = tuple(int((scores >= threshold).sum()) for threshold in THRESHOLDS)
        bounds = [wilson(one, len(scores)) for one in found]
        return cls(len(scores), found, tuple(low for low, _ in bounds), tuple(high for _, high in bounds))


@dataclass(frozen=True, slots=True)
class Strength:
    """One strength of a kind; ``middle`` is the median of its scores, ``called_exact`` a share."""

    name: str
    curve: Curve
    middle: float
    called_exact: float


@dataclass(frozen=True, slots=True)
class KindFound:
    """What was found of one kind."""

    name: str
    expected: Expected
    curve: Curve
    called_exact: float
    strengths: tuple[Strength, ...]


def wilson(found: int, asked: int) -> tuple[float, float]:
    """Return the 95 % bounds of a share, by Wilson's formula; (0, 1) where nothing was asked."""
    if not asked:
        return 0.0, 1.0
    share, square = found / asked, DEVIATIONS**2
    middle = share + square / (2 * asked)
    spread = DEVIATIONS * math.sqrt(share * (1 - share) / asked + square / (4 * asked**2))
    low, high = ((middle + sign * spread) / (1 + square / asked) for sign in (-1, 1))
    return (0.0 if found == 0 else low), (1.0 if found == asked else high)


def kinds_found(edited: pd.DataFrame, kinds: Iterable[Kind], exact_threshold: float) -> list[KindFound]:
    """Return what was found of each kind; ``edited`` are rows of EDITED without problems."""
    scores_of = {
        (str(kind), str(strength)): rows["score"].to_numpy(np.float64)
        for (kind, strength), rows in edited.groupby(["kind", "strength"], sort=False)
    }
    none = np.zeros(0)
    found = []
    for kind in kinds:
        by_strength = {name: scores_of.get((kind.name, name), none) for name in kind.strengths}
        strengths = tuple(
            Strength(
                name,
                Curve.of(scores),
                float(np.median(scores)) if len(scores) else 0.0,
                _share(scores, exact_threshold),
            )
            for name, scores in by_strength.items()
        )
        together = np.concatenate(list(by_strength.values()))
        exact = _share(together, exact_threshold)
        found.append(KindFound(kind.name, kind.expected, Curve.of(together), exact, strengths))
    return found


def scores_by_class(edited: pd.DataFrame, kinds: Iterable[Kind]) -> dict[str, Scores]:
    """Return the scores of all edits, and of those whose copies are exact and near."""
    expected = {kind.name: kind.expected for kind in kinds}
    classes, scores = edited["kind"].map(expected), edited["score"].to_numpy(np.float64)
    return {
        "all": scores,
        "exact": scores[(classes == "exact").to_numpy()],
        "near": scores[(classes == "near").to_numpy()],
    }


def histogram(scores: Scores) -> list[int]:
    """Return how many scores from LOWEST up each of BINS holds; the last one holds 1, too."""
    inside = scores[scores >= LOWEST]
    places = np.minimum(((inside - LOWEST) * 50 + 1e-9).astype(int), len(BINS) - 1)
    return [int(one) for one in np.bincount(places, minlength=len(BINS))]


def _share(scores: Scores, threshold: float) -> float:
    return float((scores >= threshold).mean()) if len(scores) else 0.0
