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

MAX_KEYPOINTS = 120
FRAME_SIDE = 32  # both sides of a whole frame squeezed for the same-frame check
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


@dataclass(frozen=True)
class Thumb:
    """One thumbnail: `ycc` is uint8 [height, width, 3] in Y, Cr, Cb."""

    ycc: NDArray[np.uint8]
    content: Box
    keypoints: Keypoints

    @classmethod
    def from_webp(cls, data: bytes) -> Thumb:
        """Decode a descriptor's thumbnail and describe it."""
        rgb = decode_thumbnail(data)
        ycc = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb).astype(np.uint8, copy=False)
        return cls(ycc=ycc, content=content_box(rgb), keypoints=_keypoints(ycc[..., 0]))

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
    def frames(self) -> list[tuple[Box, NDArray[np.float32]]]:
        """The whole frame and, where margins were found, the content: box and unit vector of its contrast."""
        whole: Box = (0, 0, self.width, self.height)
        boxes = [whole] if self.content == whole else [whole, self.content]
        return [(box, _frame_vector(self.luma, box)) for box in boxes]

    def mirrored(self) -> Thumb:
        """The same picture flipped left to right."""
        left, top, right, bottom = self.content
        return replace(
            self,
            ycc=np.ascontiguousarray(self.ycc[:, ::-1]),
            content=(self.width - right, top, self.width - left, bottom),
            keypoints=self.keypoints.mirrored(self.width),
        )

    def nbytes(self) -> int:
        """Bytes held when everything lazy has been computed."""
        area = self.width * self.height
        return area * (3 + 4 + 4) + len(self.keypoints.scales) * (128 + 4) * 4 + 2 * 4 * FRAME_SIDE**2


def _frame_vector(luma: Plane, box: Box) -> NDArray[np.float32]:
    left, top, right, bottom = box
    squeezed = resize(np.ascontiguousarray(luma[top:bottom, left:right]), FRAME_SIDE, FRAME_SIDE)
    vector = local_contrast(squeezed, 0.7, 4.0, 6.0).ravel()
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
