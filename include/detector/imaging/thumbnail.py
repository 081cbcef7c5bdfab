"""The stored thumbnail: small enough for a million of them, good enough to compare pictures by."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

AREA = 112 * 112
SHORTEST_SIDE, LONGEST_SIDE = 12, 448
QUALITIES = (95, 80, 65, 50, 35, 20)  # of WebP, fine to coarse
USUAL = 1  # place in QUALITIES to begin with
SMALL_BYTES, MOST_BYTES = 1400, 3200  # a descriptor has to stay below 12 kB of JSON


def thumbnail_size(width: int, height: int) -> tuple[int, int]:
    """Size (width, height) with the area of 112 x 112 pixels and the same aspect ratio."""
    factor = (AREA / (width * height)) ** 0.5
    return _side(width * factor), _side(height * factor)


def shrink(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Scale a picture of any size to its thumbnail's size, without aliasing."""
    size = thumbnail_size(rgb.shape[1], rgb.shape[0])
    scaled = Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC)
    return np.asarray(scaled)


def encode(thumbnail: NDArray[np.uint8]) -> bytes:
    """Compress to WebP: faint pictures finely, since coding would erase them, busy ones more coarsely."""
    image = Image.fromarray(thumbnail)
    data = _webp(image, QUALITIES[USUAL])
    if len(data) < SMALL_BYTES:
        return _webp(image, QUALITIES[0])
    for quality in QUALITIES[USUAL + 1 :]:
        if len(data) <= MOST_BYTES:
            break
        data = _webp(image, quality)
    return data


def decode_thumbnail(data: bytes) -> NDArray[np.uint8]:
    """Return the thumbnail as uint8 RGB [height, width, 3].

    Raises:
        ValueError: the bytes are not a thumbnail.
    """
    pixels = None
    if _is_small_webp(data):
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise ValueError("the descriptor's thumbnail cannot be decoded: analyze the picture again")
    return pixels.astype(np.uint8, copy=False)


def _is_small_webp(data: bytes) -> bool:
    """Whether it is what `encode` makes: descriptors come from outside, too, and might hold anything."""
    width, height = (int.from_bytes(data[at : at + 2], "little") for at in (26, 28))
    return data[:4] == b"RIFF" and data[8:16] == b"WEBPVP8 " and max(width, height) <= LONGEST_SIDE


def _side(length: float) -> int:
    return min(LONGEST_SIDE, max(SHORTEST_SIDE, round(length)))


def _webp(image: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    image.save(out, "WEBP", quality=quality, method=2)
    return out.getvalue()
