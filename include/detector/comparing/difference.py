"""Exact or near: do two pictures differ by more than coding and scaling leave behind?

Their colour layouts are laid onto each other frame on frame, without any search: a copy that was moved,
cropped or stretched is near by definition. Cells are so large that coding noise averages out, and as many in
either direction whatever the shape.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from include.detector.comparing.ink import words
from include.detector.comparing.patches import beside_patch
from include.detector.comparing.planes import blur, share
from include.detector.imaging.layout import CELLS
from include.detector.imaging.thumbnail import AREA

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.comparing.alignment import Alignment
    from include.detector.comparing.planes import Plane
    from include.detector.comparing.refine import Overlay
    from include.detector.comparing.thumb import Thumb
    from include.detector.imaging.descriptor import Descriptor

SMOOTHING = 2.0  # pixels of the smaller original, whose scaling shifted them
LEAST_SIGMA = 0.3  # cells
TAIL = 8  # cells
FAINT_CHROMA = 3.0  # levels of saturation that strong coding takes away
EQUAL_LUMA, EQUAL_CHROMA = 2.5, 3.5  # levels within which usual coding keeps a cell
FEW_EQUAL = 0.15  # share of the cells with detail
GREY = 2.0  # levels of saturation that are none
SPOT, SLIGHT = 3, 0.5  # pixels of the thumbnail; levels
SHEET = 0.5  # share of one brightness that printed pages have at least
# Levels by which ink is darker than paper, and the share of a page that is surely paper; the fewest pixels of
# ink that tell anything.
INK, PAPER, FEW_INKED = 8.0, 0.3, 100
WRITTEN = 25.0  # energy of words, square levels
SKEWED_BY_NOTHING = 0.05  # cubic levels
EDGE = 2  # cells that a patch covers in part, in either direction


@dataclass(frozen=True, slots=True)
class Difference:
    """How two pictures differ frame on frame; brightness and colour in levels of 0..255."""

    aspect: float  # how much the ratios of width to height differ, as a logarithm, beyond rounding to pixels
    luma_cell: float  # largest difference of a cell
    chroma_cell: float
    luma_tail: float  # TAIL-th largest difference
    chroma_tail: float
    luma_mean: float  # mean over the cells
    chroma_mean: float
    contrast_gain: float  # log ratio of the brightness deviations
    chroma_gain: float  # log ratio of the mean saturations
    correlation: float  # of brightness
    texture: float  # mean detail of the smoother thumbnail, levels: what coding noise grows with
    sharpness_gain: float  # absolute log ratio of the details
    resolution: float  # log ratio of the smaller original's side to the thumbnail's: small ones may be soft
    offset: float  # how far the best alignment moves a corner, as a share of the side
    outstanding: float  # how much more the brightness differs at one place than it does on the whole
    lopsided: float  # how much farther ink differs one way than the other, of pages: as under a watermark


def difference(first: Thumb, second: Thumb, alignment: Alignment, laid: Overlay) -> Difference:
    """Compare two pictures frame on frame; `laid` is how they really lie on each other, by `alignment`."""
    smaller = _smaller_side(first.descriptor, second.descriptor)
    one, two = (_smooth(thumb.layout, smaller) for thumb in (first, second))
    luma, chroma = _changes(one, two)
    grey_one, grey_two = (colours[..., 0] - colours[..., 0].mean() for colours in (one, two))
    norms = float(np.sqrt((grey_one**2).sum() * (grey_two**2).sum()))
    saturation = [float(np.abs(colours[..., 1:] - 128).mean()) + FAINT_CHROMA for colours in (one, two)]
    details = first.pixels.shades.detail, second.pixels.shades.detail
    return Difference(
        aspect=_aspect_change(first.descriptor, second.descriptor),
        luma_cell=float(luma.max()),
        chroma_cell=float(chroma.max()),
        luma_tail=_tail(luma),
        chroma_tail=_tail(chroma),
        luma_mean=float(luma.mean()),
        chroma_mean=float(chroma.mean()),
        contrast_gain=abs(float(np.log((grey_one.std() + 1) / (grey_two.std() + 1)))),
        chroma_gain=abs(float(np.log(saturation[0] / saturation[1]))),
        correlation=float((grey_one * grey_two).sum()) / max(norms, 1e-6),
        texture=min(details),
        sharpness_gain=abs(float(np.log((details[0] + 0.3) / (details[1] + 0.3)))),
        resolution=float(np.clip(np.log(smaller / AREA**0.5), -1.5, 1.5)),
        offset=_offset(first, second, alignment),
        outstanding=_outstanding(laid),
        lopsided=_lopsided(laid) if min(first.plain, second.plain) > SHEET else 0.0,
    )


def equal_cells(first: Thumb, second: Thumb, *, blurred: bool = False) -> tuple[float, float]:
    """Shares of the frame's cells that have the same colours in both pictures.

    The first is of all cells; the second of those with detail outside the one patch that differs most. A
    label leaves nearly all of these as they are; of another photograph hardly one is the same, and even of
    packages that differ in their label a fifth is not.

    With `blurred`, both are compared as blurred as a tiny original is. Blurred pages of text are all alike:
    something else must speak for such a pair.
    """
    one, two = first.layout.astype(np.float32), second.layout.astype(np.float32)
    sigma = _uncertainty(_smaller_side(first.descriptor, second.descriptor))
    if blurred and sigma > LEAST_SIGMA:
        one, two = blur(one, sigma), blur(two, sigma)
    luma, chroma = _changes(one, two)
    equal = (luma < EQUAL_LUMA) & (chroma < EQUAL_CHROMA)
    detailed = first.detailed | second.detailed
    beside = share(equal[detailed]) if detailed.any() else 0.0
    if beside > FEW_EQUAL:
        beside = beside_patch(equal.astype(np.float32), detailed, edge=EDGE)
    return share(equal), beside


def same_colours(first: Thumb, second: Thumb) -> float:
    """Share of the cells that can be paired by colour, wherever they lie; 1 where one picture has none."""
    if min(first.colourful, second.colourful) < GREY:
        return 1.0
    return float(np.minimum(first.colours, second.colours).sum())


def _changes(one: Plane, two: Plane) -> tuple[Plane, Plane]:
    """Absolute differences of brightness and of the colour that differs more, by cell."""
    change = np.abs(one - two)
    return change[..., 0], np.maximum(change[..., 1], change[..., 2])


def _smooth(layout: NDArray[np.uint8], smaller_side: float) -> Plane:
    """A layout as it would be of a picture whose pixels are as uncertain as the smaller original's."""
    return blur(layout.astype(np.float32), max(LEAST_SIGMA, _uncertainty(smaller_side)))


def _uncertainty(smaller_side: float) -> float:
    """How far cells may be off, as a sigma in cells: SMOOTHING pixels of the smaller original."""
    return SMOOTHING * CELLS / smaller_side


def _tail(change: Plane) -> float:
    return float(np.sort(change, axis=None)[-TAIL])


def _smaller_side(first: Descriptor, second: Descriptor) -> float:
    """Geometric mean of the sides of the smaller original, pixels."""
    return math.sqrt(min(first.width * first.height, second.width * second.height))


def _aspect_change(first: Descriptor, second: Descriptor) -> float:
    """Difference of the logarithms of width/height; scaling rounds either side by up to half a pixel."""
    change = abs(float(np.log(first.width * second.height / (first.height * second.width))))
    rounding = sum(
        0.5 / min(lengths) for lengths in ((first.width, second.width), (first.height, second.height))
    )
    return max(0.0, change - rounding)


def _outstanding(laid: Overlay) -> float:
    """Ratio of the largest difference of a place to that of the whole picture, root mean squares.

    Coding and scaling leave about as much behind everywhere; another number on a page is at one place.
    """
    squares = np.square((laid.first.luma - laid.second.luma) * laid.inside)
    largest = float(cv2.blur(squares, (SPOT, SPOT)).max())
    return math.sqrt(largest) / (math.sqrt(float(squares.mean())) + SLIGHT)


def _lopsided(laid: Overlay) -> float:
    """Skewness of what no tone curve explains of the ink; 0 where there is hardly any.

    Coding and scaling take something from all strokes alike, and from some a little more or less. What is
    laid half-transparent over a page changes some of them, all in one direction.
    """
    first, second = laid.first.luma, laid.second.luma
    mean = (first + second) * np.float32(0.5)
    apart, ink = blur((second - first) * laid.inside, 1.0).ravel(), 255 - blur(mean, 1.0).ravel()
    written = blur(np.square(words(mean)), 1.0).ravel() > WRITTEN
    inked = written & (ink > np.quantile(ink, PAPER) + INK)
    if np.count_nonzero(inked) < FEW_INKED:
        return 0.0
    apart, ink = apart[inked].astype(np.float64), ink[inked].astype(np.float64)
    rest = apart - np.polyval(np.polyfit(ink, apart, 2), ink)
    rest -= np.median(rest)
    return abs(float((rest**3).mean())) / (float(rest.std()) ** 3 + SKEWED_BY_NOTHING)


def _offset(first: Thumb, second: Thumb, alignment: Alignment) -> float:
    size, other = np.array([first.width, first.height]), np.array([second.width, second.height])
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * size
    moved = corners @ alignment.matrix[:, :2].T + alignment.matrix[:, 2]
    return float((np.abs(moved - corners / size * other) / other).max())
