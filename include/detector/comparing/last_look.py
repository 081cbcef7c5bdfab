"""The last look: do two originals differ anywhere by more than coding and scaling leave behind?

Thumbnails cannot see another number in a form. So before one of two pictures goes for good, both are laid
onto each other at full size and compared place by place. One of them is coded once more, as strongly as
the pair differs: that is the noise to expect at each place, and what people do stands out from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from include.detector.comparing.coding import (
    MISSED,
    QUALITIES,
    coarseness,
    detail,
    missed_by,
    of_colours,
    quality,
)
from include.detector.comparing.layer import PLACE, Layer, sizes, smoothed
from include.detector.comparing.laying import Planes, laid_onto, misses_ratio, one_size, split
from include.detector.comparing.planes import resize
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
ROUNDING = 1.0  # levels that are no difference
STRONG = 88  # quality from which down both are coded
BLURRED = 0.1  # share of the variation that coding at quality 50 takes away beside its noise
GLANCE = 64  # rows of which one tells most pictures apart
EDGE = 2  # pixels at the sides into which nothing is known to be moved
SEEN = 0.6  # excess above which the strongest change counts where the places like it differ far less
CLEAR = 2.0  # excess of a change that needs no other plane to be one
STANDS_OUT = 1.6  # times as much as the most of the places like it
IDLE = SEEN / STANDS_OUT  # excess up to which nothing depends on how much it is
TILE = 12  # places of the side of a tile, which is compared with others like it
ALIKE, FEWEST_ALIKE = 1.5, 64  # times the variation, and tiles, that tell what coding does to one of them
CALM, BLANK = 4.0, 0.15  # times less variation, and the share of tiles that have so little: those of a page
FAINT = 0.75  # share of the excess of a change down to which what touches it is of it
TOUCHING = 5  # places of the side of a square in which two touch


def differing(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Change | None:
    """Return where two pictures differ by more than coding and scaling; None if they do not.

    Args:
        first: uint8 [height, width, 3] in R, G, B, upright.
        second: the same; its size may be another one.
    """
    if _is_same(first, second):
        return None
    if misses_ratio(first, second):
        return WHOLE
    size = one_size(first, second)
    coded = [split(picture, size) for picture in (first, second)]
    laid = laid_onto(*coded)
    codings = _codings(coded, [planes.y for planes in laid]) if laid else []
    if not laid or not codings:
        return WHOLE
    layers = [_layer(of, *laid, codings) for of in range(3)]
    if is_toned(layers[0], layers[1:]):
        return WHOLE
    blurred = BLURRED * sum(coarseness(at) for _, at in codings) / len(codings)
    excess = _strongest(layers, size, blurred, [], SEEN)
    if float(excess.max()) <= SEEN:
        return None
    missed = [planes for planes in (missed_by(first, second), missed_by(second, first)) if planes]
    if missed or ((alike := _alike(excess, layers[0])) and alike[1] <= SEEN):
        excess = _strongest(layers, size, blurred, missed, IDLE)
    return _place(excess, SEEN if _stands_out(excess, layers[0]) else 1.0)


def _is_same(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    if first.shape != second.shape or not np.array_equal(first[::GLANCE], second[::GLANCE]):
        return False
    return np.array_equal(first, second)


def _codings(pair: Sequence[Planes[np.uint8]], laid: Sequence[Plane]) -> list[tuple[Planes[np.uint8], int]]:
    """Return which to code, and how strongly, to see what coding does; nothing if it explains too little.

    That is the one with more detail; where it has to be coded strongly, both, for much of the other is noise.
    """
    (richer, details), (poorer, fewer) = sorted(
        ((planes, detail(planes.y)) for planes in pair), key=lambda each: float(each[1].sum()), reverse=True
    )
    at = quality(richer.y, details, laid)
    if at > STRONG:
        return [(richer, at)]
    other = quality(poorer.y, fewer, laid)
    if not at and not other:
        return []
    return [(richer, at or QUALITIES[-1]), (poorer, other or QUALITIES[-1])]


def _layer(
    of: int, one: Planes[np.float32], two: Planes[np.float32], codings: Sequence[tuple[Planes[np.uint8], int]]
) -> Layer:
    coded = tuple((planes[of], of_colours(at) if of else at) for planes, at in codings)
    return Layer((one[of], two[of]), coded, is_colour=of > 0)


def _strongest(
    layers: Sequence[Layer],
    size: tuple[int, int],
    blurred: float,
    missed: Sequence[Planes[np.float32]],
    idle: float,
) -> Plane:
    """How much stronger each place differs than coding and scaling make it; above 1 it is a change.

    Args:
        layers: brightness and colours.
        size: width and height of what they show, in pixels of brightness; beside it is their mirrored rim.
        blurred: share of the variation around a place that coding may take away beside its noise.
        missed: by how much palettes miss each value.
        idle: what is not above it may be told to be anything up to it.
    """
    width, height = size
    strongest = np.zeros((-(-height // PLACE), -(-width // PLACE)), np.float32)
    for of, layer in enumerate(layers):
        if float(strongest.max()) > CLEAR and not missed:
            break
        excess = _excess(layer, blurred, [each[of] for each in missed], idle)
        excess = excess[: strongest.shape[0], : strongest.shape[1]]
        edge = min(EDGE, min(layer.pair[0].shape) // 100) // layer.pixels  # of a small one, all pixels count
        inside = np.s_[edge : len(excess) - edge, edge : len(excess[0]) - edge]
        np.maximum(strongest[inside], excess[inside], out=strongest[inside])
    return strongest


def _excess(layer: Layer, blurred: float, missed: Sequence[Plane], idle: float) -> Plane:
    """Return what one plane has of it, of any width.

    What coding does is looked up where rounding and variation alone do not tell that there is no change.
    """
    found = np.zeros(layer.places, np.float32)
    if not cv2.countNonZero(layer.apart[0]):
        return found
    most = [_unexplained(layer, blurred, scale, missed) for scale in _scales(layer)]
    for each in most:
        if float(each.max()) > idle:
            found = np.maximum(found, cv2.resize(each, found.shape[::-1]))
    if float(found.max()) <= idle:
        return found
    tiles = [] if missed else layer.tiles(found > idle)
    if not tiles:
        return _explained(layer, blurred, most, idle)
    few = layer.cut(tiles)
    most = [_unexplained(few, blurred, scale, []) for scale in _scales(few)]
    layer.paste(_explained(few, blurred, most, idle), tiles, into=found)
    return found


def _unexplained(layer: Layer, blurred: float, scale: Scale, missed: Sequence[Plane]) -> Plane:
    """Return how many times what rounding and variation tell they differ, at a scale's own size."""
    left = smoothed(layer.apart, scale.sigma)
    np.abs(left, out=left)
    for plane in missed:
        height, width = layer.pair[0].shape
        left -= np.float32(MISSED) * smoothed(sizes(resize(plane, width, height)), scale.sigma)
    left = _strongest_of_each(left, layer.places)
    left /= cv2.resize(np.float32(scale.most) * _allowed(layer, blurred), left.shape[::-1])
    return left


def _explained(layer: Layer, blurred: float, most: Sequence[Plane], idle: float) -> Plane:
    """Return the strongest of what is left when coding and scaling are allowed for."""
    found, allowed = np.zeros(layer.places, np.float32), _allowed(layer, blurred)
    for scale, left in zip(_scales(layer), most, strict=True):
        if float(left.max()) > idle:
            share = allowed / (allowed + layer.noise(scale.sigma))
            excess = left * cv2.resize(share, left.shape[::-1])
            found = np.maximum(found, cv2.resize(excess, found.shape[::-1]))
    return found


def _scales(layer: Layer) -> tuple[Scale, ...]:
    return CHROMA if layer.is_colour else LUMA


def _allowed(layer: Layer, blurred: float) -> Plane:
    """Levels by which each cell may differ whatever coding does."""
    return ROUNDING + np.float32(blurred) * layer.varies


def _strongest_of_each(left: Plane, places: tuple[int, int]) -> Plane:
    """Return the most in each place of a plane that has more pixels than places."""
    if left.shape[0] == places[0] * PLACE:
        left = np.maximum(left[::PLACE], left[1::PLACE])
    if left.shape[1] == places[1] * PLACE:
        left = np.maximum(left[:, ::PLACE], left[:, 1::PLACE])
    return left


def _stands_out(excess: Plane, layer: Layer) -> bool:
    """Whether the strongest change of a page is an outlier among the many places of it that vary as much.

    What coding does to lines on paper is known from the others of them, better than from a picture that is
    coded once more.
    """
    if (found := _alike(excess, layer)) is None:
        return False
    strongest, others = found
    return strongest > max(SEEN, STANDS_OUT * others)


def _alike(excess: Plane, layer: Layer) -> tuple[float, float] | None:
    """Return the strongest change, and that of the tiles that vary as its own does; None if too few do.

    None, too, where it is none or one in any case, and where the picture is no page.
    """
    if not SEEN < float(excess.max()) <= 1:
        return None
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
        return None
    return float(strongest.max()), float(strongest[alike].max())


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
