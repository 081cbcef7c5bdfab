"""PDQ, the perceptual hash of 256 bits, bit by bit as its reference implementation computes it.

Most of its time goes into filtering every pixel, which OpenCV does in less than half of that.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

SMALLEST_SIDE = 5  # pixels; below there is nothing to hash
PLACES = 64  # in either direction
FREQUENCIES = 16  # in either direction, without the constant one
PASSES = 2  # of the box filter
BEST_QUALITY = 100
_LUMA = np.array([[0.299, 0.587, 0.114]], np.float32)
_GRADIENTS = 90  # in per cent of full contrast: so many of them make one point of quality


def pdq(rgb: NDArray[np.uint8]) -> tuple[bytes, int]:
    """The hash, 32 bytes, and its quality 0..100: how much structure it rests on.

    Args:
        rgb: uint8 [height, width, 3].
    """
    height, width = rgb.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        return bytes(FREQUENCIES**2 // 8), 0
    luma = np.asarray(cv2.transform(rgb.astype(np.float32), _LUMA), np.float32)
    sampled = _smoothed(luma)[np.ix_(_places(height), _places(width))]
    transform = _cosines()
    waves = (transform @ sampled @ transform.T).ravel()
    middle = waves.size // 2 - 1
    return np.packbits((waves > np.partition(waves, middle)[middle])[::-1]).tobytes(), _quality(sampled)


def _smoothed(luma: Floats) -> Floats:
    """Means over boxes that grow with the picture; at its borders of what is there."""
    height, width = luma.shape
    (rows, above), (columns, left) = _window(height), _window(width)
    shares = _shares(height)[:, None] * _shares(width)
    size, anchor, border = (columns, rows), (left, above), cv2.BORDER_CONSTANT
    for _ in range(PASSES):
        sums = cv2.boxFilter(luma, -1, size, anchor=anchor, normalize=False, borderType=border)
        luma = np.multiply(sums, shares, dtype=np.float32)
    return luma


def _window(length: int) -> tuple[int, int]:
    """How many pixels of a line are averaged, and how many of them stand before their own place."""
    window = -(-length // (2 * PLACES))
    return window, window - (window + 2) // 2


@lru_cache(maxsize=256)
def _shares(length: int) -> Floats:
    """What one pixel counts in the mean at each place of a line."""
    window, before = _window(length)
    places = np.arange(length) - before
    return (1 / (np.minimum(places + window, length) - np.maximum(places, 0))).astype(np.float32)


def _places(length: int) -> NDArray[np.int64]:
    return ((np.arange(PLACES) + 0.5) * length / PLACES).astype(np.int64)


@cache
def _cosines() -> Floats:
    """The cosine transform, [FREQUENCIES, PLACES]."""
    frequencies, places = np.arange(1, FREQUENCIES + 1)[:, None], np.arange(PLACES)
    waves: Floats = np.cos(np.pi / 2 / PLACES * frequencies * (2 * places + 1)).astype(np.float32)
    return waves * np.float32(np.sqrt(2 / PLACES))


def _quality(sampled: Floats) -> int:
    steps = (np.diff(sampled, axis=axis) * np.float32(100) / np.float32(255) for axis in (0, 1))
    total = sum(int(np.abs(step.astype(np.int32)).sum()) for step in steps)
    return min(BEST_QUALITY, total // _GRADIENTS)
