"""Whether one picture lies in the other, seen from far: the whole of one held against windows of the other.

A few hundred windows of a picture, each as the local contrast of a small square, cost a tenth of its
keypoints. They tell where a crop was taken, and most pairs apart that are only of one kind.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from include.detector.comparing.alignment import Alignment, box_onto_box
from include.detector.comparing.orientation import ALL
from include.detector.comparing.planes import local_contrast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from include.detector.comparing.orientation import Orientation
    from include.detector.comparing.thumb import Thumb
    from include.detector.imaging.margins import Box

CELLS = 12  # of a window, in either direction
SIDE = 64  # pixels of the whole picture, squeezed to a square
STEP = 1 / 16  # between windows, as a share of the side
EVEN = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)  # sides of windows as shares of the picture's
UNEVEN = ((1.0, 0.88), (1.0, 0.75), (1.0, 0.6))  # of letterboxes and columns
WIDE = 0.72  # share from which a window's cells are averaged over more pixels
UNIT = 500.0  # of a vector of unit length, whose entries are below a quarter


def _boxes() -> NDArray[np.float64]:
    """Left, top, width and height of each window as shares of the picture's sides; the first is the whole."""
    sides = [(side, side) for side in EVEN]
    sides += [either for one, other in UNEVEN for either in ((one, other), (other, one))]
    return np.array(
        [
            (left, top, wide, high)
            for wide, high in sides
            for left in np.linspace(0, 1 - wide, round((1 - wide) / STEP) + 1)
            for top in np.linspace(0, 1 - high, round((1 - high) / STEP) + 1)
        ]
    )


def _pixels_of(boxes: NDArray[np.float64]) -> NDArray[np.intp]:
    """Places of the pixels that each window's cells are read from, in the finer plane or that behind it."""
    middles = (np.arange(CELLS) + 0.5) / CELLS
    columns, rows = (
        ((boxes[:, axis, None] + middles * boxes[:, axis + 2, None]) * SIDE).astype(np.intp)
        for axis in (0, 1)
    )
    is_wide = (boxes[:, 2] * boxes[:, 3]) ** 0.5 > WIDE
    within = (rows[:, :, None] * SIDE + columns[:, None, :]).reshape(len(boxes), -1)
    places: NDArray[np.intp] = np.where(is_wide[:, None], SIDE * SIDE, 0) + within
    return places


BOXES = _boxes()
PIXELS = _pixels_of(BOXES)
SHOWN = {
    orientation: orientation.grid(np.arange(CELLS * CELLS).reshape(CELLS, CELLS)).ravel()
    for orientation in ALL
}


def windows(luma: NDArray[np.uint8]) -> NDArray[np.int8]:
    """All windows of a picture as vectors of length UNIT, int8 [windows, CELLS * CELLS]."""
    squeezed = cv2.resize(luma, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    contrast = local_contrast(squeezed, 0.7, 8.0, 6.0)
    fine, coarse = (cv2.blur(contrast, (pixels, pixels)) for pixels in (3, 5))
    vectors = np.take(np.concatenate([fine.ravel(), coarse.ravel()]), PIXELS, mode="clip")
    vectors -= vectors.mean(axis=1, keepdims=True)
    vectors *= UNIT / (np.sqrt(np.einsum("ij,ij->i", vectors, vectors)) + 1e-3)[:, None]
    np.rint(vectors, out=vectors)
    np.clip(vectors, -127, 127, out=vectors)
    return vectors.astype(np.int8)


def nested(first: Thumb, second: Thumb) -> tuple[float, Alignment]:
    """How well one whole fits the window of the other that it fits best, -1..1; and how they then lie."""
    inside, place = _best(first.windows, second.windows[0])
    outside, other_place = _best(second.windows, first.windows[0])
    if inside >= outside:
        return inside, box_onto_box(_box(place, first), (0, 0, second.width, second.height))
    return outside, box_onto_box((0, 0, first.width, first.height), _box(other_place, second))


def nested_otherwise(first: Thumb, second: Thumb, orientations: Sequence[Orientation]) -> NDArray[np.float32]:
    """How well one whole fits the best window of the other, -1..1, with `second` shown in each of these."""
    places, inverse_places = _shown(tuple(orientations))
    there, here = second.windows[0, places], first.windows[0, inverse_places]
    inside, outside = (
        (own.astype(np.float32) @ wholes.T.astype(np.float32)).max(axis=0)
        for own, wholes in ((first.windows, there), (second.windows, here))
    )
    best: NDArray[np.float32] = np.maximum(inside, outside) / np.float32(UNIT**2)
    return best


@lru_cache
def _shown(orientations: tuple[Orientation, ...]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where the cells of a window come from in each orientation, and in the one that undoes it."""
    there = [SHOWN[one] for one in orientations]
    return np.stack(there), np.stack([SHOWN[one.inverse()] for one in orientations])


def _best(own: NDArray[np.int8], whole: NDArray[np.int8]) -> tuple[float, int]:
    products = own.astype(np.float32) @ whole.astype(np.float32)
    place = int(products.argmax())
    return float(products[place]) / UNIT**2, place


def _box(place: int, thumb: Thumb) -> Box:
    left, top, wide, high = (BOXES[place] * (thumb.width, thumb.height, thumb.width, thumb.height)).tolist()
    return left, top, left + wide, top + high
