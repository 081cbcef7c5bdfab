"""The last look: do two originals differ anywhere by more than coding and scaling leave behind?

Thumbnails cannot see another number in a form. So before one of two pictures goes for good, both are laid
onto each other at full size and compared place by place. One of them is coded once more, as strongly as
the pair differs: that is the noise to expect at each place, and what people do stands out from it. Noise is
measured in cells of a few pixels, and wide changes at a fraction of the size: it costs a third of the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.coding import (
    MISSED,
    QUALITIES,
    coarseness,
    coding_noise,
    detail,
    missed_by,
    of_colours,
    quality,
    resampling_noise,
)
from include.detector.comparing.laying import Planes, at_one_size, laid_onto, misses_ratio, shrunk, split
from include.detector.comparing.planes import briefly_blurred, resize
from include.detector.comparing.tone import is_toned

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


LUMA = (Scale(0.8, 4.2), Scale(2.0, 2.3), Scale(5.0, 2.0))
CHROMA = (Scale(1.0, 3.8), Scale(2.0, 2.4), Scale(4.0, 1.8))
"""Of chroma at half the size. Of pictures to choose with, few copies reach any of them."""
CELL = 4  # pixels of a side of the cells in which noise and variation are measured
SMALL = 64  # pixels of a side below which every pixel is a cell
AROUND, BESIDE = 12, 20  # pixels of the squares in which a picture varies, and in which noise is averaged
ROUNDING = 1.0  # levels that are no difference
STRONG = 88  # quality from which down both are coded
BLURRED = 0.1  # share of the variation that coding at quality 50 takes away beside its noise
RESAMPLED = 0.6  # share of what moving by half a pixel takes away that scaling may take away
EDGE = 2  # pixels at the sides into which nothing is known to be moved
SEEN = 0.6  # excess above which the strongest change counts where the places like it differ far less
STANDS_OUT = 1.6  # times as much as the most of the places like it
TILE = 24  # pixels of the side of such a place
ALIKE, FEWEST_ALIKE = 1.5, 64  # times the variation, and places, that tell what coding does to one of them
CALM, BLANK = 4.0, 0.15  # times less variation, and the share of places that have so little: those of a page
FAINT = 0.75  # share of the excess of a change down to which what touches it is of it
TOUCHING = 9  # pixels of the square in which two places touch


@dataclass(frozen=True, slots=True)
class Layer:
    """One plane of a pair: how it differs, and what coding and scaling are known to do to it.

    ``noises`` are of coding one of them, or either; ``missed``: by how much palettes miss each value.
    """

    pair: tuple[Plane, Plane]
    noises: tuple[Plane, ...]
    missed: tuple[Plane, ...] = ()


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
    coded = [split(picture) for picture in pictures]
    laid = laid_onto(*coded)
    if laid is None:
        return WHOLE
    one, two = laid
    at = _qualities(coded, two.y - one.y)
    if not at:
        return WHOLE
    noises = [_noise(planes, each) for planes, each in at]
    if is_toned(one, two, noises):
        return WHOLE
    layers = [Layer((one[of], two[of]), tuple(noise[of] for noise in noises)) for of in range(3)]
    blurred = BLURRED * sum(coarseness(each) for _, each in at) / len(at)
    excess = _strongest(layers, blurred)
    if float(excess.max()) > SEEN:
        full = (first, second) if first.shape == second.shape else pictures  # scaling leaves no palette
        missed = [planes for planes in (missed_by(*full), missed_by(*full[::-1])) if planes]
        if missed:
            layers = [
                replace(layer, missed=tuple(_fitted(each[of], layer) for each in missed))
                for of, layer in enumerate(layers)
            ]
            excess = _strongest(layers, blurred)
    return _place(excess, SEEN if _stands_out(excess, layers[0]) else 1.0)


def _qualities(pair: Sequence[Planes[np.uint8]], difference: Plane) -> list[tuple[Planes[np.uint8], int]]:
    """Return which to code, and how strongly, to see what coding does; nothing if it explains too little.

    That is the one with more detail; where it has to be coded strongly, both, for much of the other is noise.
    """
    (richer, details), (poorer, fewer) = sorted(
        ((planes, detail(planes.y)) for planes in pair), key=lambda each: each[1][-1, -1], reverse=True
    )
    at = quality(richer.y, details, difference)
    if at > STRONG:
        return [(richer, at)]
    other = quality(poorer.y, fewer, difference)
    if not at and not other:
        return []
    return [(richer, at or QUALITIES[-1]), (poorer, other or QUALITIES[-1])]


def _noise(planes: Planes[np.uint8], at: int) -> Planes[np.float32]:
    return Planes(
        *(coding_noise(plane, each) for plane, each in zip(planes, (at, *[of_colours(at)] * 2), strict=True))
    )


def _fitted(plane: Plane, layer: Layer) -> Plane:
    """Scale down to the size of a layer."""
    height, width = layer.pair[0].shape
    return resize(plane, width, height)


def _strongest(layers: Sequence[Layer], blurred: float) -> Plane:
    """How much stronger each place differs than coding and scaling make it; above 1 it is a change.

    ``blurred``: share of the variation around a place that coding may take away beside its noise.
    """
    excess = _excess(layers[0], blurred, LUMA)
    colour = np.maximum(*(_excess(layer, blurred, CHROMA) for layer in layers[1:]))
    return cast("Plane", np.maximum(excess, cv2.resize(colour, excess.shape[::-1])))


def _excess(layer: Layer, blurred: float, scales: Sequence[Scale]) -> Plane:
    """Return what one plane has of it, the widest changes first and each at its own size."""
    apart = layer.pair[0] - layer.pair[1]
    if not apart.any():
        return np.zeros_like(apart)
    difference, resampled = _sizes(apart), _sizes(resampling_noise(layer.pair[1]))
    noises, coarse = ([_sizes(plane) for plane in planes] for planes in (layer.noises, layer.missed))
    varies = ROUNDING + np.float32(blurred) * _varies(layer.pair)
    cells = varies.shape[::-1]
    found = np.zeros((1, 1), np.float32)
    for scale in reversed(scales):
        left = np.abs(_smoothed(difference, scale.sigma))
        for missed in coarse:
            left -= np.float32(MISSED) * _smoothed(missed, scale.sigma)
        coding = sum(_power(_smoothed(noise, scale.sigma), cells) for noise in noises) / np.float32(
            len(noises)
        )
        scaling = _power(_smoothed(resampled, scale.sigma), cells) * np.float32(RESAMPLED * RESAMPLED)
        usual = np.float32(scale.most) * (varies + np.sqrt(coding + scaling))
        left /= cv2.resize(usual, left.shape[::-1])
        found = np.maximum(left, cv2.resize(found, left.shape[::-1]))
    edge = min(EDGE, min(found.shape) // 100)  # of a small picture, every pixel counts
    if edge:
        found[:edge] = found[-edge:] = found[:, :edge] = found[:, -edge:] = 0
    return cast("Plane", found)


def _sizes(plane: Plane) -> tuple[Plane, Plane, Plane]:
    """Return a plane at its full, half and quarter size; three times at its full one where it is small."""
    if min(plane.shape) < SMALL:
        return plane, plane, plane
    half = shrunk(plane, 2)
    return plane, half, shrunk(half, 2)


def _cells(plane: Plane, square: int) -> Plane:
    """Means of cells, averaged over squares of so many pixels."""
    side = _side(plane)
    beside = square // side | 1
    return cast("Plane", cv2.blur(shrunk(plane, side), (beside, beside)))


def _side(plane: Plane) -> int:
    """Pixels of the side of a cell."""
    return CELL if min(plane.shape) >= SMALL else 1


def _varies(planes: Sequence[Plane]) -> Plane:
    """Standard deviation around each cell of the calmer of two planes, levels."""
    found = []
    for plane in planes:
        mean = _cells(plane, AROUND)
        found.append(np.sqrt(np.maximum(_cells(plane * plane, AROUND) - mean * mean, 0)))
    return cast("Plane", np.minimum(*found))


def _power(smooth: Plane, cells: tuple[int, ...]) -> Plane:
    """Mean square of smoothed noise around each cell, square levels; ``cells``: how many across and down."""
    power = cv2.resize(smooth * smooth, cells, interpolation=cv2.INTER_AREA)
    beside = BESIDE // CELL if min(cells) * CELL >= SMALL else BESIDE
    return cast("Plane", np.maximum(cv2.blur(power, (beside | 1, beside | 1)), 0))


def _smoothed(sizes: tuple[Plane, Plane, Plane], sigma: float) -> Plane:
    """Blur; widely at a half or a quarter of the size, which is four and sixteen times faster."""
    plane = sizes[0 if sigma < 1.5 else 1 if sigma < 4 else 2]
    step = round(sizes[0].shape[0] / plane.shape[0])
    rest = math.sqrt(sigma * sigma - (step * step - 1) / 12) / step  # scaling down has blurred, too
    return briefly_blurred(plane, rest)


def _stands_out(excess: Plane, layer: Layer) -> bool:
    """Whether the strongest change of a page is an outlier among the many places of it that vary as much.

    What coding does to lines on paper is known from the others of them, better than from a picture that is
    coded once more.
    """
    if not SEEN < float(excess.max()) <= 1:
        return False
    rows, columns = (max(1, length // TILE) for length in excess.shape)
    size = columns * TILE, rows * TILE
    tiles = cv2.resize(excess, size, interpolation=cv2.INTER_NEAREST).reshape(rows, TILE, columns, TILE)
    strongest = tiles.max(axis=(1, 3))
    varies = cv2.resize(_varies(layer.pair), (columns, rows), interpolation=cv2.INTER_AREA)
    row, column = np.unravel_index(int(strongest.argmax()), strongest.shape)
    its = varies[row, column]
    alike = (varies > its / ALIKE) & (varies < its * ALIKE)
    alike[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2] = False
    if int(alike.sum()) < FEWEST_ALIKE or float((varies < its / CALM).mean()) < BLANK:
        return False
    return float(strongest.max()) > max(SEEN, STANDS_OUT * float(strongest[alike].max()))


def _place(excess: Plane, least: float) -> Change | None:
    """Return the rectangle around the changes above ``least`` and what touches them; None if none is."""
    if float(excess.max()) <= least:
        return None
    height, width = excess.shape
    faint = excess > FAINT * least
    square = np.ones((TOUCHING, TOUCHING), np.uint8)
    count, marked = cv2.connectedComponents(cv2.dilate(faint.view(np.uint8), square))
    is_of_it = np.zeros(count, np.bool_)
    is_of_it[marked[excess > least]] = True
    rows, columns = np.nonzero(is_of_it[marked] & faint)
    return Change(
        float(columns.min()) / width,
        float(rows.min()) / height,
        float(columns.max() + 1) / width,
        float(rows.max() + 1) / height,
    )
