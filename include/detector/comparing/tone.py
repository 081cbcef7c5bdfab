"""Whether all of a picture was made brighter, darker, of more or less contrast or colour than another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.laying import shrunk
from include.detector.comparing.planes import briefly_blurred

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.detector.comparing.laying import Planes
    from include.detector.comparing.planes import Plane

AROUND = 5  # pixels of squares, of pictures at half the size
GREY, PALE = 128.0, 4.0  # chroma of no colour; square levels around it that make no difference
LARGEST_GAIN, LARGEST_CONTRAST = 0.15, 0.13  # log ratios of two saturations, and of two contrasts
LARGEST_OF_FEW = 0.36  # of the saturation of few places, for coding thins single coloured lines
COLOURED = 3.0  # levels from grey
LARGEST_LOSS, LARGEST_LOSS_OF_FEW = 0.25, 0.55  # log ratios of two saturations, noise or not
LOST = 3.0  # times as much colour as coding takes
BRIGHTER = 2.5  # levels of mean brightness
SMOOTHED = 0.7  # pixels, of half the size, of a blur after which lines of any sharpness have one level
TONES = 16  # levels of a class of brightness
CLASSES = 256 // TONES
FEWEST, RAREST = 100, 0.002  # pixels, and share of all, from which a class tells something
MANY = 60_000  # pixels that tell tones; of more, some are taken
TONED = 6.0  # levels by which a class is brighter, beside what coding does to it
CODED = 1.5  # times as much as coding does once more


def is_toned(one: Planes[np.float32], two: Planes[np.float32], noises: Sequence[Planes[np.float32]]) -> bool:
    """Whether brightness, contrast or colour differ as a whole, or one tone does wherever it is.

    The grey lines of a white page are few: their mean over the page hides what was done to them, their own
    mean does not. ``noises``: of coding them.
    """
    left, right, *coded = (shrunk(plane, 2) for plane in (one.y, two.y, *(noise.y for noise in noises)))
    middle = float(left.mean())
    if abs(float(right.mean()) - middle) > BRIGHTER:
        return True
    if _gain(*([_around(plane) - np.float32(middle)] for plane in (left, right))) > LARGEST_CONTRAST:
        return True
    first, second = ([plane - np.float32(GREY) for plane in _colours(planes)] for planes in (one, two))
    if _is_recoloured(first, second, [_colours(noise) for noise in noises]):
        return True
    return _tones(left, right, coded) > TONED


def _colours(planes: Planes[np.float32]) -> list[Plane]:
    return [_around(plane) for plane in (planes.cr, planes.cb)]


def _around(plane: Plane) -> Plane:
    """Means of squares, around every other pixel."""
    return cast("Plane", cv2.blur(plane, (AROUND, AROUND))[::2, ::2])


def _is_recoloured(one: Sequence[Plane], two: Sequence[Plane], noises: Sequence[Sequence[Plane]]) -> bool:
    """Whether the whole has more or less colour, or the few places that have any; on a page, some lines."""
    if _gain(one, two) > LARGEST_GAIN or _loss(one, two, noises) > LARGEST_LOSS:
        return True
    far = np.maximum.reduce([np.abs(plane) for plane in (*one, *two)]) > COLOURED
    if np.count_nonzero(far) < FEWEST:
        return False
    one, two, *noises = ([plane[far] for plane in planes] for planes in (one, two, *noises))
    return _gain(one, two) > LARGEST_OF_FEW or _loss(one, two, noises) > LARGEST_LOSS_OF_FEW


def _gain(one: Sequence[Plane], two: Sequence[Plane]) -> float:
    """How much farther one of two go from a middle, as a logarithm: the least that noise in either allows."""
    both, own, other = (
        sum(float((left * right).mean()) for left, right in zip(*pair, strict=True)) / len(one) + PALE
        for pair in ((one, two), (one, one), (two, two))
    )
    less, more = both / own, both / other
    bounds = sorted((math.log(max(less, 1e-3)), -math.log(max(more, 1e-3))))
    return max(bounds[0], -bounds[1], 0.0)


def _loss(one: Sequence[Plane], two: Sequence[Plane], noises: Sequence[Sequence[Plane]]) -> float:
    """How much less colour one has, as a logarithm; 0 where it may be what coding takes.

    Next to a grey picture, all colours of the other could be noise as far as ``_gain`` can tell.
    """
    less, more = sorted((_energy(one), _energy(two)))
    is_lost = more - less > LOST * (max(map(_energy, noises)) + 1)
    return math.log((more + PALE) / (less + PALE)) / 2 if is_lost else 0.0


def _energy(planes: Sequence[Plane]) -> float:
    """Mean square, square levels."""
    return sum(float((plane * plane).mean()) for plane in planes) / len(planes)


def _tones(one: Plane, two: Plane, noises: Sequence[Plane]) -> float:
    """By how many levels the tone that differs most differs, beside what coding does to it.

    Tones are told by the mean of both pictures, so that noise in either moves none of them.
    """
    step = max(1, one.size // MANY) | 1
    left, right, *coded = (briefly_blurred(plane, SMOOTHED).ravel()[::step] for plane in (one, two, *noises))
    tones = np.clip((left + right) * np.float32(0.5 / TONES), 0, CLASSES - 1).astype(np.intp)
    counts = np.bincount(tones, minlength=CLASSES)
    tells = counts * step >= max(FEWEST, RAREST * one.size)
    differs, *noisy = (
        np.abs(np.bincount(tones, levels, CLASSES) / np.maximum(counts, 1)) for levels in (right - left, *coded)
    )
    return float(((differs - CODED * np.maximum.reduce(noisy)) * tells).max())
