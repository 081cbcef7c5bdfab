"""Whether all of a picture was made brighter, darker, of more or less contrast or colour than another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.laying import sampled, shrunk
from include.detector.comparing.planes import briefly_blurred

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.detector.comparing.layer import Layer
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
TONED = 6.0  # levels by which a class is brighter, beside what coding does to it
CODED = 1.5  # times as much as coding does once more


def is_toned(brightness: Layer, colours: Sequence[Layer]) -> bool:
    """Whether brightness, contrast or colour differ as a whole, or one tone does wherever it is.

    The grey lines of a white page are few: their mean over the page hides what was done to them, their own
    mean does not.
    """
    left, right = (shrunk(plane, 2) for plane in brightness.pair)
    middle = float(left.mean())
    if abs(float(right.mean()) - middle) > BRIGHTER:
        return True
    if _gain(*([_around(plane) - np.float32(middle)] for plane in (left, right))) > LARGEST_CONTRAST:
        return True
    return _is_recoloured(colours) or _is_one_tone_toned(left, right, brightness)


def _around(plane: Plane) -> Plane:
    """Means of squares around a part of the pixels, float32 [n]."""
    return sampled(cast("Plane", cv2.blur(plane, (AROUND, AROUND))))


def _is_recoloured(colours: Sequence[Layer]) -> bool:
    """Whether the whole has more or less colour, or the few places that have any; on a page, some lines."""
    one, two = (
        [_around(plane) - np.float32(GREY) for plane in planes]
        for planes in zip(*(layer.pair for layer in colours), strict=True)
    )
    everywhere = np.ones(one[0].shape, np.bool_)
    if _gain(one, two) > LARGEST_GAIN or _is_lost(one, two, colours, everywhere, LARGEST_LOSS):
        return True
    far = np.maximum.reduce([np.abs(plane) for plane in (*one, *two)]) > COLOURED
    if np.count_nonzero(far) < FEWEST:
        return False
    one, two = ([plane[far] for plane in planes] for planes in (one, two))
    return _gain(one, two) > LARGEST_OF_FEW or _is_lost(one, two, colours, far, LARGEST_LOSS_OF_FEW)


def _gain(one: Sequence[Plane], two: Sequence[Plane]) -> float:
    """How much farther one of two go from a middle, as a logarithm: the least that noise in either allows."""
    both, own, other = (
        sum(float((left * right).mean()) for left, right in zip(*pair, strict=True)) / len(one) + PALE
        for pair in ((one, two), (one, one), (two, two))
    )
    less, more = both / own, both / other
    bounds = sorted((math.log(max(less, 1e-3)), -math.log(max(more, 1e-3))))
    return max(bounds[0], -bounds[1], 0.0)


def _is_lost(
    one: Sequence[Plane],
    two: Sequence[Plane],
    colours: Sequence[Layer],
    places: NDArray[np.bool_],
    largest: float,
) -> bool:
    """Whether one has less colour in these places by more than a logarithm, and than coding takes.

    Next to a grey picture, all colours of the other could be noise as far as ``_gain`` can tell.
    """
    less, more = sorted((_energy(one), _energy(two)))
    if math.log((more + PALE) / (less + PALE)) / 2 <= largest:
        return False
    coded = zip(*(layer.noises for layer in colours), strict=True)
    most = max(_energy([_around(noise)[places] for noise in noises]) for noises in coded)
    return more - less > LOST * (most + 1)


def _energy(planes: Sequence[Plane]) -> float:
    """Mean square, square levels."""
    return sum(float((plane * plane).mean()) for plane in planes) / len(planes)


def _is_one_tone_toned(one: Plane, two: Plane, brightness: Layer) -> bool:
    """Whether some tone differs, beside what coding does to it; of pictures at half the size.

    Tones are told by the mean of both pictures, so that noise in either moves none of them.
    """
    left, right = _smoothed(one), _smoothed(two)
    tones = np.clip((left + right) * np.float32(0.5 / TONES), 0, CLASSES - 1).astype(np.intp)
    counts = np.bincount(tones, minlength=CLASSES)
    tells = counts >= max(FEWEST * left.size / one.size, RAREST * left.size)

    def differing(levels: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.abs(np.bincount(tones, levels, CLASSES) / np.maximum(counts, 1)) * tells

    differs = differing(right - left)
    if float(differs.max()) <= TONED:
        return False
    noisy = [differing(_smoothed(shrunk(noise, 2))) for noise in brightness.noises]
    return float((differs - CODED * np.maximum.reduce(noisy)).max()) > TONED


def _smoothed(plane: Plane) -> NDArray[np.float32]:
    return sampled(briefly_blurred(plane, SMOOTHED))
