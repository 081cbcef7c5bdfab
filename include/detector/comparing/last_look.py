"""The last look: do two originals differ anywhere by more than coding and scaling leave behind?

Thumbnails cannot see another number in a form. So before one of two pictures goes for good, both are laid
onto each other at full size and compared place by place. One of them is coded once more, as strongly as
the pair differs: that is the noise to expect at each place, and what people do stands out from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.coding import QUALITIES, coarseness, coding_noise, missed_by, quality
from include.detector.comparing.laying import at_one_size, laid_onto, misses_ratio, shrunk

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.detector.comparing.planes import Plane


@dataclass(frozen=True, slots=True)
class Change:
    """Where two pictures differ, as shares of the picture's width and height from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def place(self) -> str:
        return ",".join(f"{share:.4f}" for share in (self.left, self.top, self.right, self.bottom))

    @property
    def told(self) -> str:
        across, down = (
            f"{one:.0%} to {other:.0%}" for one, other in ((self.left, self.right), (self.top, self.bottom))
        )
        return f"at {across} of the width and {down} of the height"


WHOLE = Change(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """One size of changes: smoothed by ``sigma`` pixels, they are more than ``most`` times the noise."""

    sigma: float
    most: float


LUMA = (Scale(0.8, 5.0), Scale(2.0, 3.5), Scale(5.0, 3.0))
CHROMA = (Scale(1.0, 3.5), Scale(2.0, 3.0), Scale(4.0, 2.6))
"""Of chroma at half the size, as most codecs keep it."""
AROUND = 9  # pixels of the square in which a picture varies around a place
BESIDE = 17  # pixels of the square in which the noise of coding is measured: two blocks
ROUNDING = 1.0  # levels that are no difference
BLURRED = 0.1  # share of the variation that coding at quality 50 takes away beside its noise
GREY, PALE = 128.0, 4.0  # chroma of no colour; square levels around it that make no difference
LARGEST_GAIN, LARGEST_CONTRAST = 0.15, 0.13  # log ratios of two saturations, and of two contrasts
BRIGHTER = 2.5  # levels of mean brightness
EDGE = 2  # pixels at the sides into which nothing is known to be moved
SEEN = 0.6  # excess above which the strongest change counts where the places like it differ far less
STANDS_OUT = 1.6  # times as much as the most of the places like it
TILE = 24  # pixels of the side of such a place
ALIKE, FEWEST_ALIKE = 1.5, 64  # times the variation, and places, that tell what coding does to one of them
CALM, BLANK = 4.0, 0.15  # times less variation, and the share of places that have so little: those of a page
MISSED = 1.25  # times as much as the nearest colour of a palette, for programs do not always take it


def differing(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Change | None:
    """Return where two pictures differ by more than coding and scaling; None if they do not.

    Args:
        first: uint8 [height, width, 3] in R, G, B, upright.
        second: the same; its size may be another one.
    """
    if first.shape == second.shape and np.array_equal(first, second):
        return None
    if misses_ratio(first, second):
        return WHOLE
    pictures = at_one_size(first, second)
    one, two = laid_onto(*pictures)
    if _has_gained(one, two):
        return WHOLE
    found = [quality(picture, two[..., 0] - one[..., 0]) for picture in pictures]
    if not any(found):
        return WHOLE
    at = [one or QUALITIES[-1] for one in found]
    noises = [coding_noise(*one) for one in zip(pictures, at, strict=True)]
    layers = [one, two, *noises, *missed_by(first, two), *missed_by(second, one)]
    blurred = BLURRED * (coarseness(at[0]) + coarseness(at[1])) / 2
    excess = _excess([np.ascontiguousarray(layer[..., 0]) for layer in layers], blurred, LUMA)
    halves = [shrunk(np.ascontiguousarray(layer[..., 1:]), 2) for layer in layers]
    colour = cv2.resize(_excess(halves, blurred, CHROMA), excess.shape[::-1])
    np.maximum(excess, colour, out=excess)
    return _place(excess, SEEN if _stands_out(excess, one, two) else 1.0)


def _has_gained(one: NDArray[np.float32], two: NDArray[np.float32]) -> bool:
    """Whether one of two pictures is brighter or has more contrast or more colour, as a whole."""
    left, right = (cv2.blur(picture, (AROUND, AROUND))[::2, ::2] for picture in (one, two))
    middle = float(left[..., 0].mean())
    if abs(float(right[..., 0].mean()) - middle) > BRIGHTER:
        return True
    contrast = _gain(left[..., 0] - middle, right[..., 0] - middle)
    return contrast > LARGEST_CONTRAST or _gain(left[..., 1:] - GREY, right[..., 1:] - GREY) > LARGEST_GAIN


def _gain(one: NDArray[np.float32], two: NDArray[np.float32]) -> float:
    """How much farther one of two go from a middle, as a logarithm: the least that noise in either allows."""
    both = float((one * two).mean()) + PALE
    less, more = (both / (float((planes * planes).mean()) + PALE) for planes in (one, two))
    bounds = sorted((math.log(max(less, 1e-3)), -math.log(max(more, 1e-3))))
    return max(bounds[0], -bounds[1], 0.0)


def _variation(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standard deviation around each place, levels."""
    square = AROUND, AROUND
    mean = cv2.blur(planes, square)
    return cast(
        "NDArray[np.float32]", np.sqrt(np.maximum(cv2.blur(planes * planes, square) - mean * mean, 0))
    )


def _excess(layers: Sequence[NDArray[np.float32]], blurred: float, scales: Sequence[Scale]) -> Plane:
    """How much stronger each place differs than coding makes it; above 1 it is a change.

    Args:
        layers: float32 [height, width] or [height, width, channels]: the two pictures, what coding does to
            either, and by how much palettes miss each value.
        blurred: share of the variation around a place that coding may take away beside its noise.
        scales: sizes of changes.
    """
    one, two, noise, other, *coarse = layers
    varies = np.minimum(*(_strongest(_variation(planes)) for planes in (one, two)))
    varies = ROUNDING + np.float32(blurred) * varies
    difference = one - two
    found = np.zeros(varies.shape, np.float32)
    for scale in scales:
        left = _strongest(np.abs(_smoothed(difference, scale.sigma)))
        for missed in coarse:
            left -= np.float32(MISSED) * _smoothed(_strongest(missed), scale.sigma)
        usual = varies + _strength((noise, other), scale.sigma)
        np.maximum(found, left / (np.float32(scale.most) * usual), out=found)
    edge = min(EDGE, min(found.shape) // 100)  # of a small picture, every pixel counts
    if edge:
        found[:edge] = found[-edge:] = found[:, :edge] = found[:, -edge:] = 0
    return found


def _stands_out(excess: Plane, one: NDArray[np.float32], two: NDArray[np.float32]) -> bool:
    """Whether the strongest change of a page is an outlier among the many places of it that vary as much.

    What coding does to lines on paper is known from the others of them, better than from a picture that is
    coded once more.
    """
    if not SEEN < float(excess.max()) <= 1:
        return False
    variation = np.minimum(*(_variation(np.ascontiguousarray(picture[..., 0])) for picture in (one, two)))
    rows, columns = (max(1, length // TILE) for length in excess.shape)
    size = columns * TILE, rows * TILE
    tiles = (rows, TILE, columns, TILE)
    strongest = cv2.resize(excess, size, interpolation=cv2.INTER_NEAREST).reshape(tiles).max(axis=(1, 3))
    varies = cv2.resize(variation, size, interpolation=cv2.INTER_AREA).reshape(tiles).mean(axis=(1, 3))
    row, column = np.unravel_index(int(strongest.argmax()), strongest.shape)
    its = varies[row, column]
    alike = (varies > its / ALIKE) & (varies < its * ALIKE)
    alike[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = False
    if int(alike.sum()) < FEWEST_ALIKE or float((varies < its / CALM).mean()) < BLANK:
        return False
    return float(strongest.max()) > max(SEEN, STANDS_OUT * float(strongest[alike].max()))


def _strength(noises: Sequence[NDArray[np.float32]], sigma: float) -> Plane:
    """How strong smoothed noises are around each place, levels (root of the mean square)."""
    squares = [_strongest(np.square(_smoothed(noise, sigma))) for noise in noises]
    around = cv2.blur(np.mean(squares, axis=0), (BESIDE, BESIDE))
    return cast("Plane", np.sqrt(np.maximum(around, 0)))


def _strongest(planes: NDArray[np.float32]) -> Plane:
    return planes if planes.ndim == 2 else cast("Plane", planes.max(axis=2))


def _smoothed(planes: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Blur; widely at half the size, which is four times faster."""
    if sigma < 4 or min(planes.shape[:2]) < 64:
        return cast("NDArray[np.float32]", cv2.GaussianBlur(planes, (0, 0), sigma).reshape(planes.shape))
    small = cv2.GaussianBlur(shrunk(planes, 2), (0, 0), sigma / 2)
    return cast(
        "NDArray[np.float32]", cv2.resize(small, (planes.shape[1], planes.shape[0])).reshape(planes.shape)
    )


def _place(excess: Plane, least: float) -> Change | None:
    """Return the rectangle around the strongest change; None if none is stronger than ``least``."""
    if float(excess.max()) <= least:
        return None
    height, width = excess.shape
    _, marked = cv2.connectedComponents((excess > least).astype(np.uint8))
    top, left = np.unravel_index(int(excess.argmax()), excess.shape)
    rows, columns = np.nonzero(marked == marked[top, left])
    return Change(
        float(columns.min()) / width,
        float(rows.min()) / height,
        float(columns.max() + 1) / width,
        float(rows.max() + 1) / height,
    )
