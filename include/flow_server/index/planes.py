"""Operations on one-channel pictures (`Plane`: float32 [height, width]) that all of verification shares."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def blur(plane: Plane, sigma: float) -> Plane:
    """Gaussian blur; `sigma` in pixels."""
    return cast("Plane", cv2.GaussianBlur(plane, (0, 0), sigma))


def resize(plane: Plane, width: int, height: int) -> Plane:
    """Scale down by averaging, up by interpolation."""
    smaller = width <= plane.shape[1]
    return cast(
        "Plane",
        cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR),
    )


def warp(plane: Plane, matrix: NDArray[np.float64], width: int, height: int) -> tuple[Plane, Plane]:
    """Bring `plane` into the frame that `matrix` (2 x 3, pixels) maps from; with the mask of cover."""
    inverse = cv2.WARP_INVERSE_MAP
    size = (width, height)
    warped = cv2.warpAffine(
        plane, matrix, size, flags=cv2.INTER_LINEAR | inverse, borderMode=cv2.BORDER_REPLICATE
    )
    ones = np.ones(plane.shape, np.float32)
    inside = cv2.warpAffine(ones, matrix, size, flags=cv2.INTER_NEAREST | inverse)
    return cast("Plane", warped), cast("Plane", inside)


def local_contrast(plane: Plane, fine: float = 0.8, coarse: float = 6.0, floor: float = 5.0) -> Plane:
    """Band-pass and divide by the local deviation: removes brightness, contrast and gamma.

    Args:
        plane: brightness, 0..255.
        fine: sigma in pixels below which detail is smoothed away.
        coarse: sigma in pixels above which gradients are taken out.
        floor: grey levels of deviation that count as noise.
    """
    detail = blur(plane, fine) - _blur_widely(plane, coarse)
    deviation = np.sqrt(np.maximum(_blur_widely(detail * detail, coarse * 1.2), 0))
    return cast("Plane", detail / (deviation + np.float32(floor)))


def _blur_widely(plane: Plane, sigma: float) -> Plane:
    """Blur at a quarter of the resolution: several times faster where `sigma` is several pixels."""
    height, width = plane.shape
    quarter = resize(plane, max(3, width // 4), max(3, height // 4))
    return resize(blur(quarter, sigma / 4), width, height)
