"""Sketch: a picture in a few pixels, by which it is known again when it is gone.

Saved anew, scaled or in another format, a picture keeps its sketch but for rounding. A sketch shows no
detail: two that agree are for a person to look at, never a reason to reject or to delete.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from include.safe_picture import UnreadableImageError, decode

SIDE = 16
"""Pixels across and down, whatever the picture's shape."""
MOST_AT_A_PIXEL, MOST_ON_AVERAGE = 12, 2.0
"""Steps of 255 by which one picture's sketches may differ."""
LEAST_CONTRAST = 4.0
"""Standard deviation below which a sketch shows nothing by which a picture could be known."""
Sketches = npt.NDArray[np.int16]


def sketch(data: bytes) -> str:
    """Return the sketch of a picture's first frame as text; empty where it is unreadable or shows nothing."""
    try:
        rgb = decode(data).rgb
    except UnreadableImageError:
        return ""
    small = cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return base64.b64encode(small.tobytes()).decode() if small.std() >= LEAST_CONTRAST else ""


def read_sketches(texts: Sequence[str]) -> Sketches:
    """Return sketches as rows of one array, int16 [sketch, value]."""
    rows = [np.frombuffer(base64.b64decode(text), np.uint8) for text in texts]
    return np.array(rows, np.int16).reshape(len(rows), SIDE * SIDE * 3)


def closest(text: str, known: Sketches) -> int:
    """Return the row of the sketch that agrees best with this one; -1 where none does."""
    if not text or not len(known):
        return -1
    apart = np.abs(known - read_sketches([text]))
    average = np.where(apart.max(axis=1) <= MOST_AT_A_PIXEL, apart.mean(axis=1), np.inf)
    best = int(average.argmin())
    return best if average[best] <= MOST_ON_AVERAGE else -1
