"""Whether the smaller of two pictures shows enough of the larger one to tell that both say the same.

Shapes live on in a small copy, print does not: nobody can read there whether a form has the same number. A
page is mostly paper, and most of what it shows are strokes of a pixel or two, which scaling down takes away
first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.laying import LONGEST, shrunk
from include.detector.comparing.planes import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.comparing.planes import Plane

LEAST_SCALE = 0.55  # of the larger one as it is compared, from which another digit was always seen
COARSE = 3  # pixels that are brought to one to see what stays
PRINT = 0.17  # share of what a page shows that is finer; on paper, 1 of 40 photographs has as much
PAPER = 0.5  # share of one brightness
FAINT = 4.0  # square levels of variation that are none


def is_legible(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    """Return whether two pictures, uint8 [height, width, 3], can be compared at the size of the smaller one.

    They cannot where one is half as large as the other, or less, and that is mostly print or thin lines.
    """
    smaller, larger = sorted((first, second), key=lambda picture: math.prod(picture.shape[:2]))
    compared = min(1.0, LONGEST / max(larger.shape[:2]))
    if max(smaller.shape[:2]) >= LEAST_SCALE * compared * max(larger.shape[:2]):
        return True
    size = (max(1, round(length * compared)) for length in larger.shape[1::-1])
    grey = np.asarray(
        cv2.resize(cv2.cvtColor(larger, cv2.COLOR_RGB2GRAY), tuple(size), interpolation=cv2.INTER_AREA),
        np.uint8,
    )
    return plain(grey) < PAPER or _fine_share(grey.astype(np.float32)) < PRINT


def _fine_share(luma: Plane) -> float:
    """Share of the variation of brightness that goes when it is scaled down."""
    kept = cv2.resize(shrunk(luma, COARSE), luma.shape[::-1], interpolation=cv2.INTER_CUBIC)
    fine = cast("Plane", luma - kept)
    return float((fine * fine).mean()) / (float(luma.var()) + FAINT)
