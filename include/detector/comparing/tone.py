"""Whether all of a picture was made brighter, darker, of more or less contrast or colour than another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from include.detector.comparing.planes import blur

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.detector.comparing.laying import Planes
    from include.detector.comparing.planes import Plane

AROUND, AROUND_COLOUR = 9, 5  # pixels of squares; colours are at half the size
GREY, PALE = 128.0, 4.0  # chroma of no colour; square levels around it that make no difference
LARGEST_GAIN, LARGEST_CONTRAST = 0.15, 0.13  # log ratios of two saturations, and of two contrasts
BRIGHTER = 2.5  # levels of mean brightness
SMOOTHED = 1.5  # pixels by which brightness is smoothed, so that lines of any sharpness have one level
TONES = 16  # levels of a class of brightness
CLASSES = 256 // TONES
FEWEST, RAREST = 100, 0.002  # pixels, and share of all, from which a class tells something
TONED = 6.0  # levels by which a class is brighter, beside what coding does to it
CODED = 1.5  # times as much as coding does once more


def is_toned(one: Planes[np.float32], two: Planes[np.float32], noises: Sequence[Plane]) -> bool:
    """Whether brightness, contrast or colour differ as a whole, or one tone does wherever it is.

    The grey lines of a white page are few: their mean over the page hides what was done to them, their own
    mean does not. ``noises``: of coding the brightness of either.
    """
    left, right = (cv2.blur(plane, (AROUND, AROUND))[::2, ::2] for plane in (one.y, two.y))
    middle = float(left.mean())
    if abs(float(right.mean()) - middle) > BRIGHTER:
        return True
    if _gain([left - middle], [right - middle]) > LARGEST_CONTRAST:
        return True
    square = AROUND_COLOUR, AROUND_COLOUR
    colours = [
        [cv2.blur(plane, square) - np.float32(GREY) for plane in (planes.cr, planes.cb)]
        for planes in (one, two)
    ]
    return _gain(*colours) > LARGEST_GAIN or _tones(one.y, two.y, noises) > TONED


def _gain(one: Sequence[Plane], two: Sequence[Plane]) -> float:
    """How much farther one of two go from a middle, as a logarithm: the least that noise in either allows."""
    both, own, other = (
        sum(float((left * right).mean()) for left, right in zip(*pair, strict=True)) / len(one) + PALE
        for pair in ((one, two), (one, one), (two, two))
    )
    less, more = both / own, both / other
    bounds = sorted((math.log(max(less, 1e-3)), -math.log(max(more, 1e-3))))
    return max(bounds[0], -bounds[1], 0.0)


def _tones(one: Plane, two: Plane, noises: Sequence[Plane]) -> float:
    """By how many levels the tone that differs most differs, beside what coding does to it.

    Tones are told by the mean of both pictures, so that noise in either moves none of them.
    """
    left, right = _sampled(one), _sampled(two)
    differs = np.abs(_by_tone(right - left, (left + right) / np.float32(2)))
    coded = np.maximum.reduce([np.abs(_by_tone(_sampled(noise), left)) for noise in noises])
    return float((differs - CODED * coded).max())


def _sampled(plane: Plane) -> Plane:
    return blur(plane, SMOOTHED)[::2, ::2].ravel()


def _by_tone(levels: Plane, tones: Plane) -> NDArray[np.float64]:
    """Mean of ``levels`` where a picture has each class of tones, float64 [classes]; 0 where it has few."""
    classes = np.clip(tones / TONES, 0, CLASSES - 1).astype(np.intp)
    counts = np.bincount(classes, minlength=CLASSES)
    sums = np.bincount(classes, levels, minlength=CLASSES)
    tells = counts >= max(FEWEST, RAREST * len(levels))
    return np.where(tells, sums / np.maximum(counts, 1), 0.0)
