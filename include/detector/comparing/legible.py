"""Whether the smaller of two pictures shows enough of the larger one to tell that both say the same.

Shapes live in a thumbnail, print does not: nobody can read there whether a form has the same number. Most of
what a page shows are strokes of a pixel or two, which is what scaling down takes away first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.laying import LONGEST, shrunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.comparing.planes import Plane

LEAST_SCALE = 0.35  # of the larger one as it is compared, from which print is compared stroke by stroke
COARSE = 4  # pixels that are brought to one to see what stays
PRINT = 0.26  # share of what a picture shows that is finer; 1 of 20 photographs has as much
FAINT = 4.0  # square levels of variation that are none


def is_legible(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    """Return whether two pictures, uint8 [height, width, 3], can be compared at the size of the smaller one.

    They cannot where one is a thumbnail of the other and the other is mostly print or thin lines.
    """
    smaller, larger = sorted((first, second), key=lambda picture: math.prod(picture.shape[:2]))
    compared = min(1.0, LONGEST / max(larger.shape[:2]))
    if max(smaller.shape[:2]) >= LEAST_SCALE * compared * max(larger.shape[:2]):
        return True
    size = (max(1, round(length * compared)) for length in larger.shape[1::-1])
    grey = cv2.resize(cv2.cvtColor(larger, cv2.COLOR_RGB2GRAY), tuple(size), interpolation=cv2.INTER_AREA)
    return _fine_share(grey.astype(np.float32)) < PRINT


def _fine_share(luma: Plane) -> float:
    """Share of the variation of brightness that goes when it is scaled down."""
    kept = cv2.resize(shrunk(luma, COARSE), luma.shape[::-1], interpolation=cv2.INTER_CUBIC)
    fine = cast("Plane", luma - kept)
    return float((fine * fine).mean()) / (float(luma.var()) + FAINT)
