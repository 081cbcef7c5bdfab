"""SIFT keypoints of thumbnails: where two pictures may lie on each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 120  # of a picture
ENTRIES = 128  # of a SIFT descriptor
ROW = 4 * 4 + ENTRIES  # bytes of a keypoint
MOST_BYTES = MOST * ROW
STEPS = 512  # of an entry, which is below 0.5
FOUND_BY = f"1/{cv2.__version__}"  # what keypoints depend on beside the thumbnail


@dataclass(frozen=True, slots=True)
class Keypoints:
    """SIFT keypoints of a thumbnail, strongest first.

    `points` float32 [n, 2] in pixels, `scales` [n] in pixels, `angles` [n] in radians; `codes` uint8 [n, 128]
    are descriptors of unit length (Hellinger form) in STEPS.
    """

    points: NDArray[np.float32]
    scales: NDArray[np.float32]
    angles: NDArray[np.float32]
    codes: NDArray[np.uint8]

    def similarity(self, other: Keypoints) -> NDArray[np.float32]:
        """Cosine of each keypoint with each of the other picture, float32 [n, others]."""
        products: NDArray[np.float32] = self.codes.astype(np.float32) @ other.codes.astype(np.float32).T
        return products / np.float32(STEPS**2)

    def to_bytes(self) -> bytes:
        """All numbers as they are, for a file."""
        return b"".join(array.tobytes() for array in (self.points, self.scales, self.angles, self.codes))

    @classmethod
    def from_bytes(cls, data: bytes) -> Keypoints:
        """What `to_bytes` wrote, as it lies there.

        Raises:
            ValueError: the bytes are no keypoints.
        """
        count, rest = divmod(len(data), ROW)
        if rest:
            raise ValueError("no keypoints: cut short")
        places, scales, angles, codes = (count * at for at in (0, 8, 12, 16))
        return cls(
            points=np.frombuffer(data, np.float32, 2 * count, places).reshape(count, 2),
            scales=np.frombuffer(data, np.float32, count, scales),
            angles=np.frombuffer(data, np.float32, count, angles),
            codes=np.frombuffer(data, np.uint8, ENTRIES * count, codes).reshape(count, ENTRIES),
        )


def find_keypoints(luma: NDArray[np.uint8]) -> Keypoints:
    """Those of a thumbnail's brightness, uint8 [height, width]."""
    sift = cv2.SIFT.create(nfeatures=MOST, contrastThreshold=0.01, edgeThreshold=20)
    found, descriptors = sift.detectAndCompute(luma, None)
    if not found:
        empty = np.zeros(0, np.float32)
        return Keypoints(np.zeros((0, 2), np.float32), empty, empty, np.zeros((0, ENTRIES), np.uint8))
    hellinger = np.sqrt(descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-6))
    return Keypoints(
        points=np.array([k.pt for k in found], np.float32),
        scales=np.array([k.size for k in found], np.float32),
        angles=np.deg2rad(np.array([k.angle for k in found], np.float32)),
        codes=np.rint(hellinger * STEPS).clip(0, 255).astype(np.uint8),
    )
