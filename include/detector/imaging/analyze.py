"""Analysis of one picture: from the bytes of a file to its descriptor."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from include.detector.imaging.descriptor import DESCRIPTOR_VERSION, Descriptor
from include.detector.imaging.embedding import embed
from include.detector.imaging.keypoints import Keypoints, find_keypoints
from include.detector.imaging.landmarks import landmarks
from include.detector.imaging.layout import encode_layout, layout
from include.detector.imaging.margins import content_box
from include.detector.imaging.pdq import pdq
from include.detector.imaging.thumbnail import decode_thumbnail, encode, shrink
from include.safe_picture import MAX_PIXELS, decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORKING_SIDE = 512
FLAT_DEVIATION = 2.0

cv2.setNumThreads(1)  # the server analyzes in a pool of processes, one picture in each


class Analysis(NamedTuple):
    """All that was found in a picture: its descriptor, and the keypoints of the thumbnail in that."""

    descriptor: Descriptor
    keypoints: Keypoints


def analyze(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Descriptor:
    """Describe the picture in `data`.

    Raises:
        UnreadableImageError: the bytes are no readable picture, or have more than `max_pixels` pixels.
    """
    return analyze_whole(data, max_pixels=max_pixels).descriptor


def analyze_whole(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Analysis:
    """Like `analyze`, with what the first comparison of the picture would have to find again."""
    picture = decode(data, max_pixels)
    working = _working_copy(picture.rgb)
    thumbnail = shrink(working)
    coded = encode(thumbnail)
    stored = decode_thumbnail(coded)
    left, top, right, bottom = content_box(working)
    hashed, quality = pdq(working)
    content = np.ascontiguousarray(working[top:bottom, left:right])
    pdq_content = hashed if content.shape == working.shape else pdq(content)[0]
    height, width = picture.rgb.shape[:2]
    keypoints = find_keypoints(_luma(stored))
    descriptor = Descriptor(
        version=DESCRIPTOR_VERSION,
        width=width,
        height=height,
        byte_size=len(data),
        format=picture.format,
        content_hash=picture.content,
        beside=picture.beside,
        frames=picture.frames,
        behind=picture.behind,
        flat=bool(cv2.meanStdDev(thumbnail)[1].max() < FLAT_DEVIATION),
        pdq=hashed,
        pdq_content=pdq_content,
        pdq_quality=quality,
        embedding=embed(content).tobytes(),
        landmarks=landmarks(keypoints),
        layout=encode_layout(layout(working), stored),
        thumbnail=coded,
    )
    return Analysis(descriptor, keypoints)


def _luma(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb)[..., 0].astype(np.uint8, copy=False)


def _working_copy(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale down so that the longer side has at most 512 pixels: hashes and thumbnail need no more."""
    height, width = rgb.shape[:2]
    factor = WORKING_SIDE / max(height, width)
    if factor >= 1:
        return rgb
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
