"""Two pictures laid onto each other for the last look, as scaling leaves them.

Scaling moves a picture by fractions of a pixel and draws it softer or sharper, all of it alike: both are
found from the pair and undone, and what differs then is coding, or what somebody did.
"""

from __future__ import annotations

import math
from typing import Generic, NamedTuple, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from include.detector.comparing.planes import Plane, blur, briefly_blurred, slopes

LONGEST = 1024  # pixels of a side that are compared
WHOLE = 8  # pixels of which all sides are multiples: by whole numbers, scaling down is several times faster
ROUNDED = 1.0  # pixels by which programs round a side, up or down
FARTHEST = 1.5  # pixels by which corners are moved to find how a picture lies
HALF = (
    0.6  # pixels by which scaling moves it at most: some programs count from a pixel's corner, not its middle
)
GAINED = 0.97  # times the difference that is left where a movement is one
STILL = 0.03  # pixels of movement that are none
ROUNDS = 3
FITTED = 256  # pixels of a side that movements are fitted to, about
SOFTNESS = (0.7, 1.4)  # pixels; blurs of which the filters of scaling are made up
KERNELS = [cv2.getGaussianKernel(9, sigma).ravel()[4:].tolist() for sigma in SOFTNESS]
FAR = 0.02  # weight of a pixel two pixels away that is a veil, if it is more than that of the next one
BUSY = 1.0  # levels that a filter changes where it can be told
OUTLIER = 4.0  # times the usual difference: what people do is no filter
ENOUGH, RUN = 30_000, 8  # pixels that tell as much as all do, and of those in a row


Numbers = TypeVar("Numbers", np.uint8, np.float32)


class Planes(NamedTuple, Generic[Numbers]):
    """A picture's Y, Cr and Cb, of one type; the colours at half the size, as most codecs keep them."""

    y: NDArray[Numbers]
    cr: NDArray[Numbers]
    cb: NDArray[Numbers]

    def as_floats(self) -> Planes[np.float32]:
        return Planes(*(plane.astype(np.float32) for plane in self))


def misses_ratio(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    """Whether no one scale, rounded to pixels, makes one picture's sides of the other's."""
    larger, smaller = sorted((first.shape[:2], second.shape[:2]), key=math.prod, reverse=True)
    sides = list(zip(larger, smaller, strict=True))
    least = max((short - ROUNDED) / long for long, short in sides)
    return bool(least >= min((short + ROUNDED) / long for long, short in sides))


def one_size(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> tuple[int, int]:
    """Return the width and height of the smaller one, or of ``LONGEST`` pixels: both are brought to it."""
    height, width = min(first.shape[:2], second.shape[:2], key=math.prod)
    factor = LONGEST / max(height, width)
    if factor >= 1:
        return width, height
    width, height = (max(1, round(side * factor / WHOLE)) * WHOLE for side in (width, height))
    return width, height


def split(picture: NDArray[np.uint8], size: tuple[int, int]) -> Planes[np.uint8]:
    """Return the planes, uint8, of a picture, uint8 [height, width, 3] in R, G, B, brought to a size.

    That is a width and a height; the planes are continued to whole cells by their mirrored rim.
    """
    grey = cast("NDArray[np.uint8]", cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    coarse = shrunk(_continued(at_size(picture, size, cv2.INTER_LINEAR)), 2)  # which is mean enough
    _, cr, cb = cv2.split(cv2.cvtColor(coarse, cv2.COLOR_RGB2YCrCb))
    return cast("Planes[np.uint8]", Planes(_continued(at_size(grey, size)), cr, cb))


def at_size(
    picture: NDArray[np.uint8], size: tuple[int, int], interpolation: int = cv2.INTER_AREA
) -> NDArray[np.uint8]:
    """Scale down to a width and height.

    Means of whole pixels take a fraction of the time of others: first a large one is brought to whole times.
    """
    if picture.shape[1::-1] == size:
        return picture
    times = [math.ceil(own / side) for own, side in zip(picture.shape[1::-1], size, strict=True)]
    if max(times) > 2:
        wider = size[0] * times[0], size[1] * times[1]
        picture = cast("NDArray[np.uint8]", cv2.resize(picture, wider, interpolation=cv2.INTER_LINEAR))
        interpolation = cv2.INTER_AREA
    return cast("NDArray[np.uint8]", cv2.resize(picture, size, interpolation=interpolation))


def _continued(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    below, beside = (-side % WHOLE for side in picture.shape[:2])
    if not below and not beside:
        return picture
    return cast("NDArray[np.uint8]", cv2.copyMakeBorder(picture, 0, below, 0, beside, cv2.BORDER_REFLECT_101))


def laid_onto(
    first: Planes[np.uint8], second: Planes[np.uint8]
) -> tuple[Planes[np.float32], Planes[np.float32]] | None:
    """Return both as float32, the first moved and filtered as scaling does; None if it lies elsewhere.

    Both have the same size.
    """
    one, two = first.as_floats(), second.as_floats()
    matrix = _movement(one.y, two.y)
    if matrix is not None:
        halved, moved = matrix * [[1, 1, 0.5], [1, 1, 0.5]], _moved(one.y, matrix)
        if _apart(moved, two.y) < _apart(one.y, two.y):
            if _is_elsewhere(matrix, moved):
                return None
            one = Planes(moved, _moved(one.cr, halved), _moved(one.cb, halved))
    cr, cb = _filtered(one.cr, two.cr), _filtered(one.cb, two.cb)
    return Planes(_filtered(one.y, two.y, veils=False), cr, cb), two


def shrunk(plane: NDArray[Numbers], times: int) -> NDArray[Numbers]:
    """Scale down by a whole number."""
    size = max(1, plane.shape[1] // times), max(1, plane.shape[0] // times)
    return cast("NDArray[Numbers]", cv2.resize(plane, size, interpolation=cv2.INTER_AREA))


def _movement(one: Plane, two: Plane) -> NDArray[np.float64] | None:
    """Return the map (2 x 3, pixels) from the second plane to the first; None if it does not move.

    Shift and scale in either direction are fitted to the differences, large ones left out.
    """
    times = 1
    while max(one.shape) > times * FITTED:
        times *= 2
    if times > 1:
        one, two = (shrunk(plane, times) for plane in (one, two))
    one, two = blur(one, 1.0), blur(two, 1.0)
    height, width = one.shape
    down, across = (
        sampled(np.ascontiguousarray(np.broadcast_to(place, one.shape)))
        for place in (
            np.linspace(-0.5, 0.5, height, endpoint=False, dtype=np.float32)[:, None],
            np.linspace(-0.5, 0.5, width, endpoint=False, dtype=np.float32),
        )
    )
    found, warped, matrix = np.zeros(4), one, None
    for _ in range(ROUNDS):
        in_x, in_y = map(sampled, slopes(warped))
        rest = sampled(two) - sampled(warped)
        fits = np.abs(rest) <= _most(np.abs(rest)) + 1
        in_x, in_y = in_x * fits, in_y * fits
        step = _solved([in_x, in_x * across, in_y, in_y * down], rest, 4)
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
    if matrix is None or _apart(_moved(one, matrix), two) > GAINED * _apart(one, two):
        return None
    return matrix * [[1, 1, times], [1, 1, times]]


def _most(levels: Plane) -> float:
    """The level that nine of ten do not exceed."""
    place = levels.size * 9 // 10
    return float(np.partition(levels, place, axis=None)[place])


def _is_elsewhere(matrix: NDArray[np.float64], plane: Plane) -> bool:
    """Whether the middle moves farther than scaling moves it."""
    middle = np.array([plane.shape[1] - 1, plane.shape[0] - 1]) / 2
    return bool(np.abs(matrix @ [*middle, 1] - middle).max() > HALF)


def _moved(picture: Plane, matrix: NDArray[np.float64]) -> Plane:
    size = picture.shape[1], picture.shape[0]
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cast("Plane", moved)


def _apart(one: Plane, two: Plane) -> float:
    """Mean difference of two planes, levels."""
    return float(np.abs(sampled(two) - sampled(one)).mean())


def sampled(plane: Plane) -> Plane:
    """Return about ``ENOUGH`` pixels of a plane, float32 [n], as many of each of its rows and columns.

    They are taken in runs, for memory is read in runs.
    """
    step = 1 + plane.size // ENOUGH
    while math.gcd(step, max(1, plane.shape[1] // RUN)) > 1:
        step += 1
    whole = plane.ravel()[: plane.size // RUN * RUN]
    return cast("NDArray[np.float32]", whole.reshape(-1, RUN)[::step].ravel())


def _filtered(one: Plane, two: Plane, *, veils: bool = True) -> Plane:
    """Return the first as soft or sharp as the second: one filter for all of it that keeps brightness.

    ``veils``: also where that weighs what is far more than what is near. Coding does so to colours; whoever
    does it to brightness takes contrast from lines.
    """
    known = sampled(one)
    rest = sampled(two) - known
    softer = [briefly_blurred(one, sigma) for sigma in SOFTNESS]
    columns = [sampled(soft) - known for soft in softer]
    busy = np.abs(columns[-1]) > BUSY
    told = rest[busy]
    usual = math.sqrt(float(told @ told) / max(1, len(told)))
    fits = busy & (np.abs(rest) < OUTLIER * usual + 1)
    columns = [column * fits for column in columns]
    shares = _solved(columns, rest, len(softer))
    least, most = map(float, shares)
    near, far = (least * KERNELS[0][at] + most * KERNELS[1][at] for at in (1, 2))
    if not veils and far > max(near, FAR):
        return one
    one = cast("Plane", cv2.addWeighted(one, 1 - least - most, softer[0], least, 0))
    return cast("Plane", cv2.scaleAdd(softer[1], most, one, dst=one))


def _solved(columns: list[Plane], wanted: Plane, count: int) -> NDArray[np.float64]:
    """Return by how much each column goes into what is wanted, by least squares; a bit less than that."""
    known = np.stack([column.ravel() for column in (*columns, wanted)])
    products = np.einsum("ij,kj->ik", known, known).astype(np.float64)
    normal, aims = products[:count, :count], products[:count, count]
    normal += np.eye(count) * (1e-3 * float(np.trace(normal)) / count + 1)
    return cast("NDArray[np.float64]", np.linalg.solve(normal, aims))
