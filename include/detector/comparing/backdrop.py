"""The same thing before another backdrop: a product shot that was given another colour behind it.

Most of such pictures is backdrop, so most of them differs. What is no backdrop in either of them has to be
the same pixel by pixel, frame on frame: another flavour of a series has the same outline, but other colours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from include.detector.comparing.planes import share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.comparing.thumb import Thumb

EVEN, EVEN_SHARE = 14, 0.8  # levels of a channel around the backdrop's colour, and share of the rim within
SAME_SIZE = 1  # pixels
RIM = 5  # pixels of the square by which the backdrop grows: there, both colours blend
LEAST_BACKDROP, LEAST_THING = 0.1, 0.03  # shares of the picture
DIFFERENT, MOST_DIFFERENT = 20, 0.1  # levels of a channel, and share of the thing that may differ by more
LEAST_STRUCTURE = 8.0  # levels, standard deviation


def backdrop_of(rgb: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Return the colour, float32 [3], that nearly all of a picture's rim has; None if there is none.

    Args:
        rgb: uint8 [height, width, 3].
    """
    rim = np.concatenate([rgb[0], rgb[-1], rgb[:, 0], rgb[:, -1]])
    ordered = np.sort(np.ascontiguousarray(rim.T))
    colour = ordered[:, [(len(rim) - 1) // 2, len(rim) // 2]].mean(axis=1, dtype=np.float32)
    return colour if share(_is_near(rim, colour)) > EVEN_SHARE else None


def is_same_thing(first: Thumb, second: Thumb) -> bool:
    """Whether two pictures show one thing in the same place before backdrops of different colours."""
    colours = first.backdrop, second.backdrop
    if colours[0] is None or colours[1] is None or np.abs(colours[0] - colours[1]).max() < EVEN:
        return False
    one, two = first.pixels.rgb, second.pixels.rgb
    if max(abs(own - other) for own, other in zip(one.shape, two.shape, strict=True)) > SAME_SIZE:
        return False
    two = cast("NDArray[np.uint8]", cv2.resize(two, one.shape[1::-1]))
    backdrop = _is_near(one, colours[0]) & _is_near(two, colours[1])
    thing = cv2.dilate(backdrop.astype(np.uint8), np.ones((RIM, RIM), np.uint8)) == 0
    if backdrop.mean() < LEAST_BACKDROP or thing.mean() < LEAST_THING:
        return False
    seen, other = (cv2.GaussianBlur(picture, (3, 3), 0)[thing].astype(np.int16) for picture in (one, two))
    if float(seen.mean(axis=1).std()) < LEAST_STRUCTURE:
        return False
    differs = np.abs(seen - other).max(axis=1) > DIFFERENT
    return float(differs.mean()) < MOST_DIFFERENT


def _is_near(pixels: NDArray[np.uint8], colour: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Whether each pixel [..., 3] has about a colour, [...]."""
    near: NDArray[np.bool_] = np.abs(pixels - colour).max(axis=-1) < EVEN
    return near
