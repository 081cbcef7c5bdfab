"""Margins of one colour: frames, letterbox bars and white paper around the content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 14
FLAT_SHARE = 0.985
DEEPEST = 0.35

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels, right and bottom exclusive


def content_box(rgb: NDArray[np.uint8]) -> Box:
    """Find what is left when rows and columns of one colour are taken from each side.

    Args:
        rgb: uint8 [height, width, 3].

    Returns:
        The content; each side loses at most 35 % of the extent.
    """
    height, width = rgb.shape[:2]
    top = _margin(rgb, int(height * DEEPEST))
    bottom = _margin(rgb[::-1], int(height * DEEPEST))
    columns = rgb[top : height - bottom].transpose(1, 0, 2)
    left = _margin(columns, int(width * DEEPEST))
    right = _margin(columns[::-1], int(width * DEEPEST))
    return left, top, width - right, height - bottom


def _margin(lines: NDArray[np.uint8], deepest: int) -> int:
    """Number of leading lines of one colour, at most `deepest`; most pictures have none."""
    for depth in range(deepest):
        channels = lines[depth].T.astype(np.int16)
        far = np.abs(channels - _medians(channels)).max(axis=0) >= TOLERANCE
        if np.count_nonzero(far) > (1 - FLAT_SHARE) * far.size:
            return depth
    return deepest


def _medians(channels: NDArray[np.int16]) -> NDArray[np.float64]:
    """Of each channel [channels, 1]; `np.median` takes twice the time for so few numbers."""
    length = channels.shape[1]
    ordered = np.sort(channels)
    return (ordered[:, (length - 1) // 2, None] + ordered[:, length // 2, None]) / 2
