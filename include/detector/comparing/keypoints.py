"""The keypoints of a picture where it is compared: shown otherwise, and kept.

To find them costs several times as much as all else that is prepared of a thumbnail, so they may be kept.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Protocol

import numpy as np

from include.detector.imaging.keypoints import ENTRIES, Keypoints

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.detector.comparing.orientation import Orientation
    from include.detector.imaging.descriptor import Descriptor

# The entries (4 x 4 cells of 8 directions) in the order of a mirrored descriptor.
MIRRORED = np.arange(ENTRIES).reshape(4, 4, 8)[::-1, :, [0, 7, 6, 5, 4, 3, 2, 1]].ravel()


class KeptKeypoints(Hashable, Protocol):
    """Keeps keypoints that were found once, beyond this process."""

    def keypoints(self, descriptor: Descriptor, find: Callable[[], Keypoints]) -> Keypoints:
        """Those of a picture; `find` finds them where they are not kept yet."""

    def flush(self) -> None:
        """Write what was found since."""


def keypoints_shown(keypoints: Keypoints, orientation: Orientation, width: int, height: int) -> Keypoints:
    """Those of the picture, whose size is given, shown so: computed without its pixels."""
    matrix = orientation.matrix(width, height).astype(np.float32)
    return Keypoints(
        points=keypoints.points @ matrix[:, :2].T + matrix[:, 2],
        scales=keypoints.scales,
        angles=orientation.angles(keypoints.angles),
        codes=keypoints.codes[:, MIRRORED] if orientation.flipped else keypoints.codes,
    )
