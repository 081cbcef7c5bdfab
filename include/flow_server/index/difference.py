"""Exact or near: do two pictures differ by more than coding and scaling leave behind?

Both are laid onto each other frame on frame, without any search: a copy that was moved, cropped or
stretched is near by definition. What is measured is how far colours differ, in cells large enough that
coding noise averages out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from include.flow_server.imaging.thumbnail import AREA
from include.flow_server.index.planes import blur

if TYPE_CHECKING:
    from include.flow_server.imaging.descriptor import Descriptor
    from include.flow_server.index.alignment import Alignment
    from include.flow_server.index.thumb import Thumb

CELL = 6  # pixels
LARGEST_SIDE, SMALLEST_SIDE = 96, 24  # pixels in which colours are compared
FAINT_CHROMA = 3.0  # levels of saturation that strong coding takes away


@dataclass(frozen=True, slots=True)
class Difference:
    """How two pictures differ frame on frame; brightness and colour in levels of 0..255."""

    aspect: float  # how much the ratios of width to height differ, as a logarithm, beyond rounding to pixels
    luma_cell: float  # largest difference of a cell
    chroma_cell: float
    luma_mean: float  # mean over the cells
    chroma_mean: float
    luma_tail: float  # 99 % quantile over the pixels
    contrast_gain: float  # log ratio of the brightness deviations
    chroma_gain: float  # log ratio of the mean saturations
    correlation: float  # of brightness
    texture: float  # mean detail of the smoother picture, levels: what coding noise grows with
    sharpness_gain: float  # absolute log ratio of the details
    resolution: float  # log ratio of the smaller original's side to the thumbnail's: small ones may be soft
    offset: float  # how far the best alignment moves a corner, as a share of the side


def difference(first: Thumb, second: Thumb, alignment: Alignment) -> Difference:
    """Compare two thumbnails frame on frame; `alignment` is where they really lie on each other."""
    size = _common_size(first, second)
    one, two = (_smooth(thumb, size) for thumb in (first, second))
    cells = max(4, round(size[0] / CELL)), max(4, round(size[1] / CELL))
    change = np.abs(_shrink(one, cells) - _shrink(two, cells))
    grey_one, grey_two = (image[..., 0] - image[..., 0].mean() for image in (one, two))
    norms = float(np.sqrt((grey_one**2).sum() * (grey_two**2).sum()))
    saturation = [float(np.abs(image[..., 1:] - 128).mean()) + FAINT_CHROMA for image in (one, two)]
    details = _detail(first), _detail(second)
    return Difference(
        aspect=_aspect_change(first.descriptor, second.descriptor),
        luma_cell=float(change[..., 0].max()),
        chroma_cell=float(change[..., 1:].max()),
        luma_mean=float(change[..., 0].mean()),
        chroma_mean=float(change[..., 1:].mean()),
        luma_tail=float(np.quantile(np.abs(one[..., 0] - two[..., 0]), 0.99)),
        contrast_gain=abs(float(np.log((grey_one.std() + 1) / (grey_two.std() + 1)))),
        chroma_gain=abs(float(np.log(saturation[0] / saturation[1]))),
        correlation=float((grey_one * grey_two).sum()) / max(norms, 1e-6),
        texture=min(details),
        sharpness_gain=abs(float(np.log((details[0] + 0.3) / (details[1] + 0.3)))),
        resolution=_resolution(first, second),
        offset=_offset(first, second, alignment),
    )


def _common_size(first: Thumb, second: Thumb) -> tuple[int, int]:
    """The size in which both are compared: no larger than either thumbnail or either original."""
    one, two = first.descriptor, second.descriptor
    sides = (
        (first.width, second.width, one.width, two.width),
        (first.height, second.height, one.height, two.height),
    )
    wide, high = (max(SMALLEST_SIDE, min(LARGEST_SIDE, *lengths)) for lengths in sides)
    return wide, high


def _aspect_change(first: Descriptor, second: Descriptor) -> float:
    """Difference of the logarithms of width/height; scaling rounds either side by up to half a pixel."""
    change = abs(float(np.log(first.width * second.height / (first.height * second.width))))
    rounding = sum(
        0.5 / min(lengths) for lengths in ((first.width, second.width), (first.height, second.height))
    )
    return max(0.0, change - rounding)


def _detail(thumb: Thumb) -> float:
    luma = thumb.pixels.luma
    return float(np.abs(luma - blur(luma, 1.2)).mean())


def _resolution(first: Thumb, second: Thumb) -> float:
    areas = [thumb.descriptor.width * thumb.descriptor.height for thumb in (first, second)]
    return float(np.clip(np.log(min(areas) / AREA) / 2, -1.5, 1.5))


def _offset(first: Thumb, second: Thumb, alignment: Alignment) -> float:
    size, other = np.array([first.width, first.height]), np.array([second.width, second.height])
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * size
    moved = corners @ alignment.matrix[:, :2].T + alignment.matrix[:, 2]
    return float((np.abs(moved - corners / size * other) / other).max())


def _smooth(thumb: Thumb, size: tuple[int, int]) -> cv2.typing.MatLike:
    squeezed = cv2.resize(thumb.pixels.ycc, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return cv2.GaussianBlur(squeezed, (0, 0), 1.2)


def _shrink(image: cv2.typing.MatLike, size: tuple[int, int]) -> cv2.typing.MatLike:
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
