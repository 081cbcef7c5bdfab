"""The last look: do two originals differ anywhere by more than coding and scaling leave behind?

Thumbnails cannot see another number in a form. So before one of two pictures goes for good, both are laid
onto each other at full size and compared place by place: what coding does is noise around edges, and as
strong everywhere as it is anywhere; what people do stands out from it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.planes import Plane, blur, slopes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LONGEST = 1024  # pixels of a side that are compared
ROUNDED = 1.6  # pixels of the smaller picture by which scaling may miss the ratio of the sides
FARTHEST = 1.5  # pixels by which scaling may move a corner
STILL = 0.03  # pixels of movement that are none
ROUNDS = 3
FITTED = 400  # pixels of a side that movements are fitted to, about


@dataclass(frozen=True, slots=True)
class Change:
    """Where two pictures differ, as shares of the picture's width and height from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def place(self) -> str:
        return ",".join(f"{share:.4f}" for share in (self.left, self.top, self.right, self.bottom))

    @property
    def told(self) -> str:
        across, down = (
            f"{one:.0%} to {other:.0%}" for one, other in ((self.left, self.right), (self.top, self.bottom))
        )
        return f"at {across} of the width and {down} of the height"


WHOLE = Change(0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class Scale:
    """One size of changes, and from where on they are more than coding leaves behind.

    Differences are smoothed by ``sigma`` pixels, and ``contrast`` times what the picture varies around a
    place is left out. What remains is a change where it is ``factor`` times as strong as coding is in this
    pair: 1 level and what the ``share`` of all places stays below, but at most ``most`` levels, for coding
    is never stronger.
    """

    sigma: float
    contrast: float
    share: float
    factor: float
    most: float


LUMA = (Scale(1.2, 0.2, 0.9, 3.7, 6.0), Scale(2.0, 0.2, 0.75, 3.4, 4.0), Scale(5.0, 0.2, 0.9, 7.5, 0.0))
CHROMA = (Scale(1.0, 0.4, 0.9, 4.3, 7.0), Scale(2.0, 0.4, 0.9, 3.8, 7.0), Scale(4.0, 0.4, 0.9, 4.6, 5.0))
"""Of chroma at half the size, as most codecs keep it."""
AROUND = 9  # pixels of the square in which a picture varies around a place
GREY, PALE = 128.0, 2.0  # chroma of no colour; levels around it that make no difference
LARGEST_GAIN, LARGEST_CONTRAST = 0.19, 0.08  # log ratios of two saturations, and of two contrasts
SAMPLES = 200  # places in either direction at which the noise of coding is measured
EVEN, FEW = 1.5, 0.005  # levels; share of the places: paper shows nothing of what coding does to letters
EDGE = 2  # pixels at the sides into which nothing is known to be moved
PALETTE, COARSEST = 256, 32.0  # colours; levels by which a palette may miss one
MISSED = 1.6  # times as much as the nearest colour of a palette, for programs do not always take it


def differing(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Change | None:
    """Return where two pictures differ by more than coding and scaling; None if they do not.

    Args:
        first: uint8 [height, width, 3] in R, G, B, upright.
        second: the same; its size may be another one.
    """
    if first.shape == second.shape and np.array_equal(first, second):
        return None
    if _misses_ratio(first, second):
        return WHOLE
    one, two = _laid_onto(*_at_one_size(first, second))
    coarse = _coarseness(first, two) + _coarseness(second, one)
    lights = [np.ascontiguousarray(part[..., 0]) for part in (one, two, *coarse)]
    colours = [_shrunk(np.ascontiguousarray(part[..., 1:]), 2) for part in (one, two, *coarse)]
    saturation, contrast = (
        _gain(colours[0], colours[1], GREY),
        _gain(lights[0], lights[1], float(lights[0].mean())),
    )
    if saturation > LARGEST_GAIN or contrast > LARGEST_CONTRAST:
        return WHOLE
    excess = _excess(lights[0], lights[1], lights[2:], LUMA)
    size = excess.shape[1], excess.shape[0]
    colour = cv2.resize(_excess(colours[0], colours[1], colours[2:], CHROMA), size)
    return _place(np.maximum(excess, colour, out=excess))


def _misses_ratio(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    """Whether no scaling, rounded to pixels, makes one picture's sides of the other's."""
    (height, width), (low, narrow) = sorted((first.shape[:2], second.shape[:2]), key=math.prod, reverse=True)
    scale = math.sqrt(low / height * narrow / width)
    return bool(max(abs(height * scale - low), abs(width * scale - narrow)) > ROUNDED)


def _at_one_size(
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


def _laid_onto(
    first: NDArray[np.uint8], second: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return both in Y, Cr, Cb, float32, the first moved by the fractions of a pixel that scaling moves."""
    one, two = (cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb).astype(np.float32) for picture in (first, second))
    matrix = _movement(*(np.ascontiguousarray(picture[..., 0]) for picture in (one, two)))
    return (one if matrix is None else _moved(one, matrix)), two


def _movement(one: Plane, two: Plane) -> NDArray[np.float64] | None:
    """Return the map (2 x 3, pixels) from the second plane to the first; None if it does not move.

    Shift and scale in either direction are fitted to the differences, large ones left out.
    """
    times = max(1, max(one.shape) // FITTED)
    if times > 1:
        one, two = (_shrunk(plane, times) for plane in (one, two))
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


def _shrunk(planes: NDArray[np.float32], times: int) -> NDArray[np.float32]:
    size = max(1, planes.shape[1] // times), max(1, planes.shape[0] // times)
    return cast("NDArray[np.float32]", cv2.resize(planes, size, interpolation=cv2.INTER_AREA))


def _moved(picture: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    size = picture.shape[1], picture.shape[0]
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cast("NDArray[np.float32]", moved)


def _coarseness(palette_of: NDArray[np.uint8], picture: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Return by how much the colours of one picture miss those of another; nothing where it has many.

    ``picture`` and what is returned are in Y, Cr, Cb.
    """
    colours = _palette(palette_of)
    if colours is None:
        return []
    steps = np.arange(4, 256, 8, dtype=np.float32)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    known = colours.astype(np.float32)
    distances = (grid**2).sum(1)[:, None] - 2 * grid @ known.T + (known**2).sum(1)[None]
    nearest = colours[distances.argmin(axis=1)]
    bright = np.clip(picture, 0, 255).astype(np.uint8)
    rgb = cv2.cvtColor(bright, cv2.COLOR_YCrCb2RGB).astype(np.intp) >> 3
    found = nearest[(rgb[..., 0] << 10) + (rgb[..., 1] << 5) + rgb[..., 2]]
    missed = np.abs(cv2.cvtColor(found, cv2.COLOR_RGB2YCrCb).astype(np.float32) - picture)
    return [cast("NDArray[np.float32]", np.minimum(missed, np.float32(COARSEST)))]


def _palette(picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return the colours of a picture that has few, uint8 [n, 3]; None if it has many, or shades of grey."""
    step = max(1, math.isqrt(picture.shape[0] * picture.shape[1] // 4096))
    for part in (picture[::step, ::step], picture):
        if bool((part.max(axis=2) == part.min(axis=2)).all()):
            return None
        wide = part.reshape(-1, 3).astype(np.uint32)
        packed = np.unique((wide[:, 0] << 16) + (wide[:, 1] << 8) + wide[:, 2])
        if len(packed) > PALETTE:
            return None
    return np.stack([packed >> 16, packed >> 8 & 255, packed & 255], -1).astype(np.uint8)


def _gain(one: NDArray[np.float32], two: NDArray[np.float32], middle: float) -> float:
    """How much farther one of two pictures' planes go from a middle, as a logarithm."""
    reach, other = (float(np.abs(cv2.blur(planes, (9, 9)) - middle).mean()) + PALE for planes in (one, two))
    return abs(math.log(reach / other))


def _variation(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standard deviation around each place, levels."""
    square = AROUND, AROUND
    mean = cv2.blur(planes, square)
    return cast(
        "NDArray[np.float32]", np.sqrt(np.maximum(cv2.blur(planes * planes, square) - mean * mean, 0))
    )


def _excess(
    one: NDArray[np.float32],
    two: NDArray[np.float32],
    coarse: Sequence[NDArray[np.float32]],
    scales: Sequence[Scale],
) -> Plane:
    """How much stronger each place differs than coding makes it; above 1 it is a change.

    Args:
        one: float32 [height, width] or [height, width, channels].
        two: the same of the other picture.
        coarse: by how much a palette misses each value, for each palette.
        scales: sizes of changes.
    """
    varies = np.minimum(*(_strongest(_variation(planes)) for planes in (one, two)))
    difference = one - two
    sample = np.s_[:: max(1, varies.shape[0] // SAMPLES), :: max(1, varies.shape[1] // SAMPLES)]
    shows = varies[sample] > EVEN if float((varies[sample] > EVEN).mean()) > FEW else np.s_[:]
    found = np.zeros(varies.shape, np.float32)
    for scale in scales:
        smooth = _strongest(np.abs(_smoothed(difference, scale.sigma)))
        left = smooth - np.float32(scale.contrast) * varies
        for missed in coarse:
            left -= np.float32(MISSED) * _smoothed(_strongest(missed), scale.sigma)
        coding = min(scale.most, float(np.quantile(smooth[sample][shows], scale.share))) + 1
        left *= np.float32(1 / (scale.factor * coding))
        np.maximum(found, left, out=found)
    edge = min(EDGE, min(found.shape) // 100)  # of a small picture, every pixel counts
    if edge:
        found[:edge] = found[-edge:] = found[:, :edge] = found[:, -edge:] = 0
    return found


def _strongest(planes: NDArray[np.float32]) -> Plane:
    return planes if planes.ndim == 2 else cast("Plane", planes.max(axis=2))


def _smoothed(planes: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Blur; widely at half the size, which is four times faster."""
    if sigma < 4 or min(planes.shape[:2]) < 64:
        return cast("NDArray[np.float32]", cv2.GaussianBlur(planes, (0, 0), sigma).reshape(planes.shape))
    small = cv2.GaussianBlur(_shrunk(planes, 2), (0, 0), sigma / 2)
    return cast(
        "NDArray[np.float32]", cv2.resize(small, (planes.shape[1], planes.shape[0])).reshape(planes.shape)
    )


def _place(excess: Plane) -> Change | None:
    """Return the rectangle around the strongest change; None if there is none."""
    if float(excess.max()) <= 1:
        return None
    height, width = excess.shape
    _, marked = cv2.connectedComponents((excess > 1).astype(np.uint8))
    top, left = np.unravel_index(int(excess.argmax()), excess.shape)
    rows, columns = np.nonzero(marked == marked[top, left])
    return Change(
        float(columns.min()) / width,
        float(rows.min()) / height,
        float(columns.max() + 1) / width,
        float(rows.max() + 1) / height,
    )
