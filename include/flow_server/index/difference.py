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
    from include.flow_server.index.alignment import Alignment
    from include.flow_server.index.thumb import Thumb

CELL = 6  # pixels


@dataclass(frozen=True, slots=True)
class Difference:
    """How two pictures differ frame on frame; brightness and colour in levels of 0..255."""

    aspect: float  # absolute difference of the logarithms of width/height
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
    size = min(first.width, second.width, 96), min(first.height, second.height, 96)
    one, two = (_smooth(thumb, size) for thumb in (first, second))
    cells = max(4, round(size[0] / CELL)), max(4, round(size[1] / CELL))
    change = np.abs(_shrink(one, cells) - _shrink(two, cells))
    grey_one, grey_two = (image[..., 0] - image[..., 0].mean() for image in (one, two))
    norms = float(np.sqrt((grey_one**2).sum() * (grey_two**2).sum()))
    saturation = [float(np.abs(image[..., 1:] - 128).mean()) + 1.5 for image in (one, two)]
    details = _detail(first), _detail(second)
    return Difference(
        aspect=abs(float(np.log(first.width / first.height) - np.log(second.width / second.height))),
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


def _detail(thumb: Thumb) -> float:
    return float(np.abs(thumb.luma - blur(thumb.luma, 1.2)).mean())


def _resolution(first: Thumb, second: Thumb) -> float:
    areas = [thumb.descriptor.width * thumb.descriptor.height for thumb in (first, second)]
    return float(np.clip(np.log(min(areas) / AREA) / 2, -1.5, 1.5))


def _offset(first: Thumb, second: Thumb, alignment: Alignment) -> float:
    size, other = np.array([first.width, first.height]), np.array([second.width, second.height])
    corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * size
    moved = corners @ alignment.matrix[:, :2].T + alignment.matrix[:, 2]
    return float((np.abs(moved - corners / size * other) / other).max())


def _smooth(thumb: Thumb, size: tuple[int, int]) -> cv2.typing.MatLike:
    squeezed = cv2.resize(thumb.ycc, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    return cv2.GaussianBlur(squeezed, (0, 0), 1.2)


def _shrink(image: cv2.typing.MatLike, size: tuple[int, int]) -> cv2.typing.MatLike:
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
