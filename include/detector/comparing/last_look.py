"""The last look: do two originals differ anywhere by more than coding and scaling leave behind?

Thumbnails cannot see another number in a form. So before one of two pictures goes for good, both are laid
onto each other at full size and compared place by place. One of them is coded once more, as strongly as
the pair differs: that is the noise to expect at each place, and what people do stands out from it. Noise is
measured in cells of a few pixels, and wide changes at a fraction of the size: it costs a third of the time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.coding import (
    MISSED,
    QUALITIES,
    Noises,
    coarseness,
    detail,
    missed_by,
    quality,
    resampling_noise,
)
from include.detector.comparing.laying import Planes, laid_onto, misses_ratio, one_size, shrunk, split
from include.detector.comparing.planes import briefly_blurred, resize
from include.detector.comparing.tone import is_toned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.detector.comparing.planes import Plane

    Sizes = tuple[Plane, Plane, Plane]
    """A plane at its full, half and quarter size."""


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
OTHER = 2  # rows of which one tells it, of many
SMALL = 64  # pixels of a side below which every pixel is a cell
AROUND, BESIDE = 12, 20  # pixels of the squares in which a picture varies, and in which noise is averaged
ROUNDING = 1.0  # levels that are no difference
STRONG = 88  # quality from which down both are coded
BLURRED = 0.1  # share of the variation that coding at quality 50 takes away beside its noise
RESAMPLED = 0.6  # share of what moving by half a pixel takes away that scaling may take away
PLACE = 2  # pixels of the side of a place: of such squares is told how much they differ
EDGE = 2  # pixels at the sides into which nothing is known to be moved
SEEN = 0.6  # excess above which the strongest change counts where the places like it differ far less
STANDS_OUT = 1.6  # times as much as the most of the places like it
IDLE = SEEN / STANDS_OUT  # excess up to which nothing depends on how much it is
TILE = 12  # places of the side of a tile, which is compared with others like it
ALIKE, FEWEST_ALIKE = 1.5, 64  # times the variation, and tiles, that tell what coding does to one of them
CALM, BLANK = 4.0, 0.15  # times less variation, and the share of tiles that have so little: those of a page
FAINT = 0.75  # share of the excess of a change down to which what touches it is of it
TOUCHING = 5  # places of the side of a square in which two touch


@dataclass(frozen=True)
class Layer:
    """One plane of a pair, which of Y, Cr and Cb it is, and what coding either picture does to them.

    ``size``: how many places what the pictures show is high and wide; beside it is their mirrored rim.

    What is derived from it is kept once derived.
    """

    pair: tuple[Plane, Plane]
    of: int
    size: tuple[int, int]
    noises: tuple[Noises, ...]

    @property
    def places(self) -> tuple[int, int]:
        """How many there are, down and across, with the rim."""
        height, width = self.pair[0].shape
        return (height, width) if self.of else (height // PLACE, width // PLACE)

    @property
    def edge(self) -> int:
        """Places at each side that tell nothing; of a small picture, every pixel counts."""
        pixels = min(EDGE, min(self.pair[0].shape) // 100)
        return pixels if self.of else pixels // PLACE

    @cached_property
    def varies(self) -> Plane:
        """Standard deviation around each cell of the calmer of the two, levels."""
        squares = []
        for plane in self.pair:
            mean, square = (_cells(each, AROUND) for each in (plane, cv2.multiply(plane, plane)))
            squares.append(square - mean * mean)
        return cast("Plane", np.sqrt(np.maximum(np.minimum(*squares), 0)))

    @cached_property
    def coded(self) -> list[Sizes]:
        return [_sizes(noise.of(self.of)) for noise in self.noises]

    @cached_property
    def resampled(self) -> Sizes:
        return _sizes(resampling_noise(self.pair[1]))

    def noise(self, sigma: float) -> Plane:
        """What coding and scaling do around each cell, smoothed by ``sigma`` pixels: levels."""
        cells = self.varies.shape[::-1]
        coding = _power([_smoothed(noise, sigma) for noise in self.coded], cells)
        scaling = _power([_smoothed(self.resampled, sigma)], cells)
        return cast("Plane", np.sqrt(coding + scaling * np.float32(RESAMPLED * RESAMPLED)))


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
    size = one_size(first, second)
    coded = [split(picture, size) for picture in (first, second)]
    laid = laid_onto(*coded)
    if laid is None:
        return WHOLE
    one, two = laid
    noises = _noises(coded, (one.y, two.y))
    if not noises or is_toned(one, two, noises):
        return WHOLE
    width, height = size
    places = -(-height // PLACE), -(-width // PLACE)
    layers = [Layer((one[of], two[of]), of, places, noises) for of in range(3)]
    blurred = BLURRED * sum(coarseness(each.at) for each in noises) / len(noises)
    excess = _strongest(layers, blurred, [], SEEN)
    if float(excess.max()) <= SEEN:
        return None
    missed = [planes for planes in (missed_by(first, second), missed_by(second, first)) if planes]
    if missed or float(excess.max()) <= 1:
        excess = _strongest(layers, blurred, missed, IDLE)
    return _place(excess, SEEN if _stands_out(excess, layers[0]) else 1.0)


def _noises(pair: Sequence[Planes[np.uint8]], laid: Sequence[Plane]) -> tuple[Noises, ...]:
    """Return what coding does, to one or to both; nothing if it explains too little.

    That is the one with more detail; where it has to be coded strongly, both, for much of the other is noise.
    """
    (richer, details), (poorer, fewer) = sorted(
        ((planes, detail(planes.y)) for planes in pair), key=lambda each: float(each[1].sum()), reverse=True
    )
    at = quality(richer.y, details, laid)
    if at > STRONG:
        return (Noises(richer, at),)
    other = quality(poorer.y, fewer, laid)
    if not at and not other:
        return ()
    return Noises(richer, at or QUALITIES[-1]), Noises(poorer, other or QUALITIES[-1])


def _fitted(plane: Plane, layer: Layer) -> Plane:
    """Scale down to the size of a layer."""
    height, width = layer.pair[0].shape
    return resize(plane, width, height)


def _strongest(
    layers: Sequence[Layer], blurred: float, missed: Sequence[Planes[np.float32]], idle: float
) -> Plane:
    """How much stronger each place differs than coding and scaling make it; above 1 it is a change.

    Places are ``PLACE`` pixels wide and high.

    Args:
        layers: all of the pair.
        blurred: share of the variation around a place that coding may take away beside its noise.
        missed: by how much palettes miss each value.
        idle: what is not above it may be told to be as much as that, or nothing.
    """
    excess, *colours = (
        _excess(layer, blurred, [each[layer.of] for each in missed], idle) for layer in layers
    )
    for colour in colours:
        np.maximum(excess, colour, out=excess)
    return excess


def _excess(layer: Layer, blurred: float, missed: Sequence[Plane], idle: float) -> Plane:
    """Return what one plane has of it, the widest changes first and each at its own size.

    What coding does is looked up where rounding and variation alone do not tell that there is no change.
    """
    apart = cast("Plane", cv2.subtract(*layer.pair))
    found = np.zeros(layer.places, np.float32)
    if apart.any():
        difference, coarse = _sizes(apart), [_sizes(_fitted(plane, layer)) for plane in missed]
        allowed = ROUNDING + np.float32(blurred) * layer.varies
        for scale in CHROMA if layer.of else LUMA:
            left = _smoothed(difference, scale.sigma)
            np.abs(left, out=left)
            for each in coarse:
                left -= np.float32(MISSED) * _smoothed(each, scale.sigma)
            left = _strongest_of_each(left, layer.places)
            size = left.shape[::-1]
            left /= cv2.resize(np.float32(scale.most) * allowed, size)
            if float(left.max()) > idle:
                left *= cv2.resize(allowed / (allowed + layer.noise(scale.sigma)), size)
                found = np.maximum(found, cv2.resize(left, found.shape[::-1]))
    found = found[: layer.size[0], : layer.size[1]]
    edge = layer.edge
    if edge:
        found[:edge] = found[-edge:] = found[:, :edge] = found[:, -edge:] = 0
    return found


def _strongest_of_each(left: Plane, places: tuple[int, int]) -> Plane:
    """Return the most in each place of a plane that has more pixels than places."""
    if left.shape[0] == places[0] * PLACE:
        left = np.maximum(left[::PLACE], left[1::PLACE])
    if left.shape[1] == places[1] * PLACE:
        left = np.maximum(left[:, ::PLACE], left[:, 1::PLACE])
    return left


def _sizes(plane: Plane) -> Sizes:
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


def _power(smooth: Sequence[Plane], cells: tuple[int, ...]) -> Plane:
    """Mean square of smoothed noises around each cell, square levels; ``cells``: how many across and down."""
    rows = slice(None, None, OTHER if smooth[0].shape[0] > OTHER * cells[1] else 1)
    squares = np.zeros_like(smooth[0][rows])
    for plane in smooth:
        cv2.accumulateSquare(plane[rows], squares)
    power = cv2.resize(squares, cells, interpolation=cv2.INTER_AREA)
    beside = BESIDE // CELL if min(cells) * CELL >= SMALL else BESIDE
    power = cv2.blur(power, (beside | 1, beside | 1))
    return cast("Plane", np.maximum(power, 0) / np.float32(len(smooth)))


def _smoothed(sizes: Sizes, sigma: float) -> Plane:
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
    varies = cv2.resize(layer.varies, (columns, rows), interpolation=cv2.INTER_AREA)
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
