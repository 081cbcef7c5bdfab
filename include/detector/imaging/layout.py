"""The colour layout: mean colours of a grid over the whole picture, finer than the thumbnail keeps them.

A thumbnail's coding halves the resolution of colours; a word in a colour as bright as what it covers is gone
there. Means over a cell show it, and hardly change with the coding and the scale of a picture. What is stored
is the difference from the thumbnail's own layout, which takes less than a kilobyte.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Layout = NDArray[np.uint8]

CELLS = 32  # in either direction, whatever the picture's shape
STEP = 2  # levels
VALUES = CELLS * CELLS * 3
RAW = -zlib.MAX_WBITS  # neither header nor checksum


def layout(rgb: NDArray[np.uint8]) -> Layout:
    """Mean colours of a picture of any size, uint8 [CELLS, CELLS, 3] in Y, Cr, Cb."""
    means = cv2.resize(rgb, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return cv2.cvtColor(means, cv2.COLOR_RGB2YCrCb).astype(np.uint8, copy=False)


def encode_layout(colours: Layout, thumbnail: NDArray[np.uint8]) -> bytes:
    """Compress a layout, given the decoded thumbnail that will be at hand when it is read."""
    change = colours.astype(np.int16) - layout(thumbnail)
    steps = np.rint(change / STEP).clip(-127, 127).astype(np.int8).transpose(2, 0, 1)
    packer = zlib.compressobj(9, zlib.DEFLATED, RAW, strategy=zlib.Z_HUFFMAN_ONLY)
    return packer.compress(steps.tobytes()) + packer.flush()


def decode_layout(data: bytes, thumbnail: NDArray[np.uint8]) -> Layout:
    """Return the layout, within a level of what was encoded.

    Raises:
        ValueError: the bytes are not a layout.
    """
    try:
        packed = zlib.decompressobj(RAW).decompress(data, VALUES + 1)
        steps = np.frombuffer(packed, np.int8).reshape(3, CELLS, CELLS).transpose(1, 2, 0)
    except (zlib.error, ValueError):
        raise ValueError(
            "the descriptor's colour layout cannot be decoded: analyze the picture again"
        ) from None
    change = np.multiply(steps, STEP, dtype=np.int16, order="C")
    return cv2.add(layout(thumbnail), change, dtype=cv2.CV_8U).astype(np.uint8, copy=False)
