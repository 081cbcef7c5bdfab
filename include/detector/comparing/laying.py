"""Two pictures laid onto each other for the last look, as scaling leaves them.

Scaling moves a picture by fractions of a pixel and draws it softer or sharper, all of it alike: both are
found from the pair and undone, and what differs then is coding, or what somebody did.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.planes import Plane, blur, slopes

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST = 1024  # pixels of a side that are compared
ROUNDED = 1.6  # pixels of the smaller picture by which scaling may miss the ratio of the sides
FARTHEST = 1.5  # pixels by which scaling may move a corner
STILL = 0.03  # pixels of movement that are none
ROUNDS = 3
FITTED = 400  # pixels of a side that movements are fitted to, about
SOFTNESS = (0.7, 1.4)  # pixels; blurs of which the filters of scaling are made up
OUTLIER = 4.0  # times the usual difference: what people do is no filter


def misses_ratio(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    """Whether no scaling, rounded to pixels, makes one picture's sides of the other's."""
    (height, width), (low, narrow) = sorted((first.shape[:2], second.shape[:2]), key=math.prod, reverse=True)
    scale = math.sqrt(low / height * narrow / width)
    return bool(max(abs(height * scale - low), abs(width * scale - narrow)) > ROUNDED)


def at_one_size(
    first: NDArray[np.uint8], second: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Scale both to the size of the smaller one, and to ``LONGEST`` pixels at most."""
    height, width = min(first.shape[:2], second.shape[:2], key=math.prod)
    factor = min(1.0, LONGEST / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    one, two = (
        picture
        if picture.shape[1::-1] == size
        else cast("NDArray[np.uint8]", cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
        for picture in (first, second)
    )
    return one, two


def laid_onto(
    first: NDArray[np.uint8], second: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return both in Y, Cr, Cb, float32, the first moved and filtered as scaling does.

    Args:
        first: uint8 [height, width, 3] in R, G, B.
        second: the same, of the same size.
    """
    one, two = (cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb).astype(np.float32) for picture in (first, second))
    matrix = _movement(*(np.ascontiguousarray(picture[..., 0]) for picture in (one, two)))
    if matrix is not None:
        one = _moved(one, matrix)
    for channel in range(one.shape[2]):
        one[..., channel] = _filtered(
            *(np.ascontiguousarray(picture[..., channel]) for picture in (one, two))
        )
    return one, two


def shrunk(planes: NDArray[np.float32], times: int) -> NDArray[np.float32]:
    """Scale down by a whole number."""
    size = max(1, planes.shape[1] // times), max(1, planes.shape[0] // times)
    return cast("NDArray[np.float32]", cv2.resize(planes, size, interpolation=cv2.INTER_AREA))


def _movement(one: Plane, two: Plane) -> NDArray[np.float64] | None:
    """Return the map (2 x 3, pixels) from the second plane to the first; None if it does not move.

    Shift and scale in either direction are fitted to the differences, large ones left out.
    """
    times = max(1, max(one.shape) // FITTED)
    if times > 1:
        one, two = (shrunk(plane, times) for plane in (one, two))
    one, two = blur(one, 1.0), blur(two, 1.0)
    height, width = one.shape
    across = (np.arange(width, dtype=np.float32) / width - 0.5)[None, :]
    down = (np.arange(height, dtype=np.float32) / height - 0.5)[:, None]
    found, warped, matrix = np.zeros(4), one, None
    for _ in range(ROUNDS):
        in_x, in_y = slopes(warped)
        rest = two - warped
        fits = np.abs(rest) <= float(np.quantile(np.abs(rest[::4, ::4]), 0.9)) + 1
        columns = [(plane * fits).ravel() for plane in (in_x, in_x * across, in_y, in_y * down)]
        normal = np.array([[float(left @ right) for right in columns] for left in columns])
        normal += np.eye(4) * (1e-3 * float(np.trace(normal)) / 4 + 1)
        step = np.linalg.solve(normal, [float(column @ rest.ravel()) for column in columns])
        found = np.clip(found + step, -FARTHEST / times, FARTHEST / times)
        if np.abs(found).max() * times < STILL:
            return None
        shift_x, grow_x, shift_y, grow_y = found
        matrix = np.array(
            [[1 + grow_x / width, 0, shift_x - grow_x / 2], [0, 1 + grow_y / height, shift_y - grow_y / 2]]
        )
        if np.abs(step).max() < STILL:
            break
        warped = _moved(one, matrix)
    return matrix if matrix is None else matrix * [[1, 1, times], [1, 1, times]]


def _moved(picture: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    size = picture.shape[1], picture.shape[0]
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cast("NDArray[np.float32]", moved)


def _filtered(one: Plane, two: Plane) -> Plane:
    """Return the first as soft or sharp as the second: one filter for all of it that keeps brightness."""
    rest = two - one
    parts = [blur(one, sigma) - one for sigma in SOFTNESS]
    sample = np.s_[::2, ::2]
    usual = OUTLIER * float(np.sqrt((rest[sample] ** 2).mean())) + 1
    fits = np.abs(rest[sample]) < usual
    columns = [part[sample][fits] for part in parts]
    normal = np.array([[float(left @ right) for right in columns] for left in columns])
    normal += np.eye(len(parts)) * (1e-3 * float(np.trace(normal)) / len(parts) + 1)
    shares = np.linalg.solve(normal, [float(column @ rest[sample][fits]) for column in columns])
    return cast(
        "Plane", one + sum(np.float32(share) * part for share, part in zip(shares, parts, strict=True))
    )
