"""How one page lies on another that was turned, cropped or scanned again: from their spectra.

Pages have few keypoints that are like no other, and whole frames do not fit once a page is turned. The
spectrum of a picture turns with it, and shrinks as it grows, wherever its content lies; so the one is found
from the spectra, and then the place (B. S. Reddy, B. N. Chatterji, 1996).
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.alignment import Alignment
from include.detector.comparing.planes import blur

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.comparing.planes import Plane
    from include.detector.comparing.thumb import Thumb

SIDE = 128  # pixels of the square that pages are laid into
TURNS = 180  # steps of a half turn
LARGEST_TURN, LARGEST_GROWTH, LARGEST_MOVE = 16, 2.0, SIDE // 3  # degrees, ratio, pixels
SMOOTHED = 1.0  # sigma of the correlation, in steps
FAINT = 1e-6  # strength of a frequency that says nothing


def by_spectra(first: Thumb, second: Thumb) -> Alignment:
    """The likeliest turn, growth and shift of the second picture against the first."""
    (one, into_one), (other, into_other) = (
        _squared(thumb.pixels.shades.contrast) for thumb in (first, second)
    )
    steps = math.log(SIDE / 2) / SIDE  # growth of one step, logarithm
    reach = LARGEST_TURN, math.ceil(math.log(LARGEST_GROWTH) / steps)
    turn, growth = _shift(_polar(one), _polar(other), reach)
    turned = np.eye(3)
    turned[:2] = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), turn * 180 / TURNS, math.exp(growth * steps))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    back = cast("Plane", cv2.warpAffine(other, turned[:2], (SIDE, SIDE), flags=flags))
    window = _window(SIDE, SIDE)
    down, across = _shift(one * window, back * window, (LARGEST_MOVE, LARGEST_MOVE))
    shifted = np.array([[1, 0, -across], [0, 1, -down], [0, 0, 1]])
    matrix: NDArray[np.float64] = np.linalg.inv(into_other) @ turned @ shifted @ into_one
    return Alignment(matrix[:2])


def _squared(plane: Plane) -> tuple[Plane, NDArray[np.float64]]:
    """A picture in the middle of a square, and where its pixels come to lie there, [3, 3]."""
    height, width = plane.shape
    longest = max(height, width)
    rows, columns = max(1, round(height * SIDE / longest)), max(1, round(width * SIDE / longest))
    flags = cv2.INTER_AREA if longest > SIDE else cv2.INTER_LINEAR
    top, left = (SIDE - rows) // 2, (SIDE - columns) // 2
    square = np.zeros((SIDE, SIDE), np.float32)
    square[top : top + rows, left : left + columns] = cv2.resize(plane, (columns, rows), interpolation=flags)
    down, across = rows / height, columns / width
    return square, np.array(
        [[across, 0, left + (across - 1) / 2], [0, down, top + (down - 1) / 2], [0, 0, 1]], np.float64
    )


def _polar(square: Plane) -> Plane:
    """The spectrum by direction, TURNS of a half turn, and by logarithm of the frequency, SIDE."""
    spectrum = cv2.dft(square * _window(SIDE, SIDE), flags=cv2.DFT_COMPLEX_OUTPUT)
    strength = np.log1p(cv2.magnitude(spectrum[..., 0], spectrum[..., 1]))
    middle = SIDE // 2
    flags = cv2.WARP_POLAR_LOG | cv2.INTER_LINEAR
    centred = np.roll(strength, (middle, middle), (0, 1))
    polar = cv2.warpPolar(centred, (SIDE, 2 * TURNS), (middle, middle), middle, flags)[:TURNS]
    return cast("Plane", (polar - polar.mean()) * _window(TURNS, SIDE))


def _shift(one: Plane, other: Plane, reach: tuple[int, int]) -> tuple[float, float]:
    """By how much `one` would have to move to lie on `other`, down and across; `reach` at most."""
    here, there = (cv2.dft(plane, flags=cv2.DFT_COMPLEX_OUTPUT) for plane in (one, other))
    product = cv2.mulSpectrums(here, there, 0, conjB=True)
    strength = cv2.magnitude(product[..., 0], product[..., 1])[..., None]
    found = cv2.idft(product / (strength + FAINT), flags=cv2.DFT_REAL_OUTPUT | cv2.DFT_SCALE)
    middle = found.shape[0] // 2, found.shape[1] // 2
    found = blur(cast("Plane", np.roll(found, middle, (0, 1))), SMOOTHED)
    rows, columns = (slice(at - most, at + most + 1) for at, most in zip(middle, reach, strict=True))
    near = found[rows, columns]
    row, column = (int(place) for place in np.unravel_index(int(near.argmax()), near.shape))
    return row + _beside(near[:, column], row) - reach[0], column + _beside(near[row], column) - reach[1]


def _beside(values: Plane, place: int) -> float:
    """How far beside the largest value the top of a parabola through it and its neighbours lies."""
    if not 0 < place < len(values) - 1:
        return 0.0
    before, largest, after = (float(value) for value in values[place - 1 : place + 2])
    bend = before - 2 * largest + after
    return (before - after) / (2 * bend) if bend < 0 else 0.0


@cache
def _window(rows: int, columns: int) -> Plane:
    """What fades a picture out towards its borders, which are no part of what it shows."""
    return cast("Plane", cv2.createHanningWindow((columns, rows), cv2.CV_32F))
