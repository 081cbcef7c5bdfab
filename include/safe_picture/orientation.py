"""EXIF from strangers: which way up a picture is, and more. Nothing in it ever fails a picture."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ExifTags, Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

AS_IT_IS = 1
SIDEWAYS = (5, 6, 7, 8)  # width and height change places


def exif_of(block: bytes) -> dict[int, Any]:
    """The values by tag of an EXIF block, of its Exif and its GPS directory; what is too odd is missing."""
    exif = Image.Exif()
    found: dict[int, Any] = {}
    with warnings.catch_warnings(), suppress(Exception):  # EXIF raises nearly anything
        warnings.simplefilter("ignore")
        exif.load(block)
        found = dict(exif.items())
        for directory in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            with suppress(Exception):
                found |= exif.get_ifd(directory)
    return found


def orientation(block: bytes) -> int:
    """The orientation, 1 to 8, that an EXIF block tells."""
    return usable(exif_of(block).get(ExifTags.Base.Orientation) if block else None)


def usable(value: object) -> int:
    """An orientation of the standard; 1 for any other value."""
    return value if isinstance(value, int) and 1 <= value <= 8 else AS_IT_IS


def upright(pixels: NDArray[Any], turn: int) -> NDArray[Any]:
    """A view of [height, width, ...] with the orientation `turn` undone."""
    if turn in SIDEWAYS:
        pixels = np.swapaxes(pixels, 0, 1)
    rows = slice(None, None, -1 if turn in (3, 4, 7, 8) else 1)
    columns = slice(None, None, -1 if turn in (2, 3, 6, 7) else 1)
    return pixels[rows, columns]
