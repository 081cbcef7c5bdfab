"""Operations on one-channel pictures (`Plane`: float32 [height, width]) that all of verification shares."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
ONE_BRIGHTNESS = 7  # levels that count as one
DETAIL = 1.2  # sigma in pixels below which something counts as detail


@dataclass(frozen=True, eq=False)
class Shades:
    """Brightness of a picture, 0..255, and what every comparison derives from it; kept once derived."""

    luma: Plane
    _smoothed: dict[float, Plane] = field(default_factory=dict)

    @cached_property
    def contrast(self) -> Plane:
        """Local contrast: what stays when brightness and gamma change."""
        return local_contrast(self.luma)

    @cached_property
    def detail(self) -> float:
        """Mean difference between a pixel and those around it, in levels."""
        return float(np.abs(self.luma - blur(self.luma, DETAIL)).mean())

    def smoothed(self, sigma: float) -> Plane:
        """Local contrast, blurred."""
        found = self._smoothed.get(sigma)
        if found is None:
            found = self._smoothed[sigma] = blur(self.contrast, sigma)
        return found


def blur(plane: Plane, sigma: float) -> Plane:
    """Gaussian blur; `sigma` in pixels."""
    return cast("Plane", cv2.GaussianBlur(plane, (0, 0), sigma))


def briefly_blurred(plane: Plane, sigma: float) -> Plane:
    """Gaussian blur cut off at two and a half `sigma`: takes two thirds of the time."""
    side = 2 * math.ceil(2.5 * sigma) + 1
    return cast("Plane", cv2.GaussianBlur(plane, (side, side), sigma))


def resize(plane: Plane, width: int, height: int) -> Plane:
    """Scale down by averaging, up by interpolation."""
    smaller = width <= plane.shape[1]
    return cast(
        "Plane",
        cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR),
    )


def slopes(plane: Plane) -> tuple[Plane, Plane]:
    """Change per pixel in x and in y (Sobel)."""
    in_x = cv2.Sobel(plane, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    in_y = cv2.Sobel(plane, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    return cast("Plane", in_x), cast("Plane", in_y)


def share(chosen: NDArray[np.bool_]) -> float:
    """How much of it is true; several times faster than its mean, which is the same."""
    return int(np.count_nonzero(chosen)) / chosen.size


def warp(plane: Plane, matrix: NDArray[np.float64], width: int, height: int) -> tuple[Plane, Plane]:
    """Bring `plane` into the frame that `matrix` (2 x 3, pixels) maps from; with the mask of cover."""
    return warped(plane, matrix, width, height), _cover(plane.shape, matrix, width, height)


def warped(plane: Plane, matrix: NDArray[np.float64], width: int, height: int) -> Plane:
    """The same without the mask."""
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    found = cv2.warpAffine(plane, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cast("Plane", found)


def _cover(shape: tuple[int, ...], matrix: NDArray[np.float64], width: int, height: int) -> Plane:
    """1 where `matrix` leads to a pixel of a picture of `shape`, else 0."""
    if matrix[0, 1] or matrix[1, 0] or min(matrix[0, 0], matrix[1, 1]) <= 0:
        flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
        return cast("Plane", cv2.warpAffine(np.ones(shape, np.float32), matrix, (width, height), flags=flags))
    inside = np.zeros((height, width), np.float32)
    inside[_reaching(shape[0], *matrix[1, 1:]), _reaching(shape[1], matrix[0, 0], matrix[0, 2])] = 1
    return inside


def _reaching(length: int, scale: float, shift: float) -> slice:
    """Places that `scale` and `shift` bring to one of `length` pixels."""
    first, last = math.ceil((-0.5 - shift) / scale), math.floor((length - 0.5 - shift) / scale)
    return slice(max(0, first), max(0, last + 1))


def local_contrast(plane: Plane, fine: float = 0.8, coarse: float = 6.0, floor: float = 5.0) -> Plane:
    """Band-pass and divide by the local deviation: removes brightness, contrast and gamma.

    Args:
        plane: brightness, 0..255.
        fine: sigma in pixels below which detail is smoothed away.
        coarse: sigma in pixels above which gradients are taken out.
        floor: grey levels of deviation that count as noise.
    """
    detail = blur(plane, fine)
    detail -= _blur_widely(plane, coarse)
    deviation = _blur_widely(detail * detail, coarse * 1.2)
    np.sqrt(deviation, out=deviation)
    deviation += np.float32(floor)
    detail /= deviation
    return detail


def _blur_widely(plane: Plane, sigma: float) -> Plane:
    """Blur at a quarter of the resolution: several times faster where `sigma` is several pixels."""
    height, width = plane.shape
    quarter = resize(plane, max(3, width // 4), max(3, height // 4))
    return resize(blur(quarter, sigma / 4), width, height)


def plain(luma: NDArray[np.uint8]) -> float:
    """Share of the pixels that have nearly the most frequent brightness: paper, a wall, a clear sky."""
    counts = cv2.calcHist([luma], [0], None, [256], [0, 256]).ravel()
    return float(np.convolve(counts, np.ones(ONE_BRIGHTNESS), "same").max()) / luma.size
