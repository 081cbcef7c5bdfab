"""A stored thumbnail made ready for comparison: colours, local contrast and keypoints.

Decoding and describing costs a few milliseconds and is worth keeping; comparing two prepared thumbnails
costs a fraction of one. `Thumb` is what the bounded cache holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import cv2
import numpy as np

from include.flow_server.imaging.margins import Box, content_box
from include.flow_server.imaging.thumbnail import decode_thumbnail
from include.flow_server.index.planes import Plane, local_contrast, resize

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.flow_server.imaging.descriptor import Descriptor

MAX_KEYPOINTS = 120
FRAME_SIDE = 32  # both sides of a whole frame squeezed for the same-frame check
ONE_BRIGHTNESS = 7  # levels that count as one
MIRRORED_BINS = [0, 7, 6, 5, 4, 3, 2, 1]


@dataclass(frozen=True, slots=True)
class Keypoints:
    """SIFT keypoints of a thumbnail, strongest first.

    `points` float32 [n, 2] in pixels, `scales` [n] in pixels, `angles` [n] in radians, `descriptors`
    float32 [n, 128] of unit length (Hellinger form).
    """

    points: NDArray[np.float32]
    scales: NDArray[np.float32]
    angles: NDArray[np.float32]
    descriptors: NDArray[np.float32]

    def mirrored(self, width: int) -> Keypoints:
        """The keypoints of the picture flipped left to right, computed without its pixels."""
        cells = self.descriptors.reshape(-1, 4, 4, 8)
        return Keypoints(
            points=np.column_stack([width - 1 - self.points[:, 0], self.points[:, 1]]),
            scales=self.scales,
            angles=np.pi - self.angles,
            descriptors=np.ascontiguousarray(cells[:, ::-1, :, MIRRORED_BINS]).reshape(-1, 128),
        )


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle of the thumbnail with its local contrast squeezed to a square, as a unit vector."""

    box: Box
    contrast: NDArray[np.float32]

    def mirrored(self, width: int) -> Frame:
        """The frame in the picture flipped left to right."""
        left, top, right, bottom = self.box
        square = self.contrast.reshape(FRAME_SIDE, FRAME_SIDE)
        return Frame((width - right, top, width - left, bottom), square[:, ::-1].ravel())


@dataclass(frozen=True)
class Thumb:
    """One thumbnail: `ycc` is uint8 [height, width, 3] in Y, Cr, Cb.

    `frames` are the whole and, where margins were found, the content without them.
    """

    ycc: NDArray[np.uint8]
    frames: tuple[Frame, ...]
    keypoints: Keypoints
    descriptor: Descriptor

    @classmethod
    def of(cls, descriptor: Descriptor) -> Thumb:
        """Decode a descriptor's thumbnail and describe it."""
        rgb = decode_thumbnail(descriptor.thumbnail)
        ycc = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb).astype(np.uint8, copy=False)
        return cls(ycc, _frames(ycc[..., 0], content_box(rgb)), _keypoints(ycc[..., 0]), descriptor)

    @property
    def content_hash(self) -> str:
        return self.descriptor.content_hash

    @property
    def width(self) -> int:
        return int(self.ycc.shape[1])

    @property
    def height(self) -> int:
        return int(self.ycc.shape[0])

    @cached_property
    def luma(self) -> Plane:
        """Brightness, float32 [height, width]."""
        return self.ycc[..., 0].astype(np.float32)

    @cached_property
    def contrast(self) -> Plane:
        """Local contrast, float32 [height, width]: what stays when brightness and gamma change."""
        return local_contrast(self.luma)

    @cached_property
    def plain(self) -> float:
        """Share of the pixels that have nearly the most frequent brightness: paper, a wall, a clear sky."""
        counts = np.bincount(self.ycc[..., 0].ravel(), minlength=256)
        return float(np.convolve(counts, np.ones(ONE_BRIGHTNESS), "same").max()) / (self.width * self.height)

    @cached_property
    def mirrored(self) -> Thumb:
        """The same picture flipped left to right."""
        return replace(
            self,
            ycc=np.ascontiguousarray(self.ycc[:, ::-1]),
            frames=tuple(frame.mirrored(self.width) for frame in self.frames),
            keypoints=self.keypoints.mirrored(self.width),
        )

    def nbytes(self) -> int:
        """Bytes held when everything lazy has been computed."""
        area = self.width * self.height
        keypoints = len(self.keypoints.scales) * (128 + 4) * 4
        once = area * (3 + 4 + 4) + keypoints + 2 * 4 * FRAME_SIDE**2
        return 2 * once + len(self.descriptor.thumbnail) + 3000


def _frames(luma: NDArray[np.uint8], content: Box) -> tuple[Frame, ...]:
    whole: Box = (0, 0, luma.shape[1], luma.shape[0])
    boxes = [whole] if content == whole else [whole, content]
    return tuple(Frame(box, _frame_vector(luma, box)) for box in boxes)


def _frame_vector(luma: NDArray[np.uint8], box: Box) -> NDArray[np.float32]:
    left, top, right, bottom = box
    inside = luma[top:bottom, left:right].astype(np.float32)
    vector = local_contrast(resize(inside, FRAME_SIDE, FRAME_SIDE), 0.7, 4.0, 6.0).ravel()
    unit: NDArray[np.float32] = vector / max(float(np.linalg.norm(vector)), 1e-6)
    return unit


def _keypoints(luma: NDArray[np.uint8]) -> Keypoints:
    sift = cv2.SIFT.create(nfeatures=MAX_KEYPOINTS, contrastThreshold=0.01, edgeThreshold=20)
    found, descriptors = sift.detectAndCompute(luma, None)
    if not found:
        empty = np.zeros(0, np.float32)
        return Keypoints(np.zeros((0, 2), np.float32), empty, empty, np.zeros((0, 128), np.float32))
    hellinger = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6))
    return Keypoints(
        points=np.array([k.pt for k in found], np.float32),
        scales=np.array([k.size for k in found], np.float32),
        angles=np.deg2rad(np.array([k.angle for k in found], np.float32)),
        descriptors=hellinger.astype(np.float32),
    )
