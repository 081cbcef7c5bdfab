"""SIFT keypoints of thumbnails: where two pictures may lie on each other.

To find them costs several times as much as all else that is prepared of a thumbnail, so they may be kept.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from include.detector.comparing.orientation import Orientation
    from include.detector.imaging.descriptor import Descriptor

MOST = 120  # of a picture
ENTRIES = 128  # of a SIFT descriptor
ROW = 4 * 4 + ENTRIES  # bytes of a keypoint
MOST_BYTES = MOST * ROW
# The entries (4 x 4 cells of 8 directions) in the order of a mirrored descriptor.
MIRRORED = np.arange(ENTRIES).reshape(4, 4, 8)[::-1, :, [0, 7, 6, 5, 4, 3, 2, 1]].ravel()
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

    def shown(self, orientation: Orientation, width: int, height: int) -> Keypoints:
        """The keypoints of the picture, whose size is given, so shown: computed without its pixels."""
        matrix = orientation.matrix(width, height).astype(np.float32)
        return Keypoints(
            points=self.points @ matrix[:, :2].T + matrix[:, 2],
            scales=self.scales,
            angles=orientation.angles(self.angles),
            codes=self.codes[:, MIRRORED] if orientation.flipped else self.codes,
        )

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


class KeptKeypoints(Hashable, Protocol):
    """Keeps keypoints that were found once, beyond this process."""

    def keypoints(self, descriptor: Descriptor, find: Callable[[], Keypoints]) -> Keypoints:
        """Those of a picture; `find` finds them where they are not kept yet."""

    def flush(self) -> None:
        """Write what was found since."""


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
