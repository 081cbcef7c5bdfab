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
    rows = _flat_lines(rgb)
    top, bottom = _run(rows, int(height * DEEPEST)), _run(rows[::-1], int(height * DEEPEST))
    columns = _flat_lines(rgb[top : height - bottom].transpose(1, 0, 2))
    left, right = _run(columns, int(width * DEEPEST)), _run(columns[::-1], int(width * DEEPEST))
    return left, top, width - right, height - bottom


def _flat_lines(rgb: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """For each row: nearly every pixel is close to the row's median colour."""
    values = rgb.astype(np.int16)
    median = np.median(values, axis=1, keepdims=True)
    close: NDArray[np.bool_] = np.abs(values - median).max(axis=2) < TOLERANCE
    flat: NDArray[np.bool_] = close.mean(axis=1) > FLAT_SHARE
    return flat


def _run(flat: NDArray[np.bool_], longest: int) -> int:
    """Length of the leading run of True, at most `longest`."""
    busy = np.flatnonzero(~flat[:longest])
    return int(busy[0]) if len(busy) else longest
