"""From bytes to pixels: every picture comes out upright, opaque, 8 bit RGB, or not at all.

Pictures come from strangers, so formats are a closed list (Pillow's own list contains ones that start
other programs), pixels and memory are counted before anything is decompressed, and whatever a decoder raises
becomes one `UnreadableImageError` with the cause in it.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from include.safe_picture.contents import take_apart
from include.safe_picture.errors import UnreadableImageError
from include.safe_picture.frames import FORMATS, is_one_of_several, opened, remaining
from include.safe_picture.limits import MAX_PIXELS
from include.safe_picture.orientation import SIDEWAYS, exif_of
from include.safe_picture.pixels import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from include.safe_picture.outline import Outline

JPEG_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: `rgb` is uint8 [height, width, 3]; `alpha` uint8 [height, width] or None.

    They are of the first frame. `frames`: how many frames, pages or images the file holds, as far as they
    were looked at. `behind`: bytes of what lies behind the picture in its file, such as a film. `content`:
    SHA-256 of every sample of every frame, and of what lies behind. `beside`: SHA-256 of all that but the
    first frame, empty where there is nothing. Where something could not be read in full, the file's bytes
    stand for it.
    """

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    format: str
    frames: int
    behind: int
    content: str
    beside: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A small picture as JPEG; `is_first`: of several frames or pages."""

    jpeg: bytes
    is_first: bool


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode a picture, EXIF orientation applied, alpha laid on a plain background.

    Raises:
        UnreadableImageError: no picture, an unknown format, truncated, broken, more than `max_pixels`, or so
            large that decoding it takes too much memory.
    """
    with one_error(data):
        contents = take_apart(data)
        with opened(contents.outline, max_pixels) as first:
            frame = read(first.image, first.turn, first.again)
            name = first.name
            rest = remaining(first, contents.outline, max_pixels)
        unread = b"" if rest.is_whole else data
        beside = (
            _sha(rest.digest, contents.behind, unread) if rest.digest or contents.behind or unread else ""
        )
        is_whole = frame.is_whole and not contents.outline.cut
        return Picture(
            frame.rgb,
            frame.alpha,
            name,
            frames=1 + rest.count,
            behind=len(contents.behind),
            content=_sha(frame.digest, beside.encode(), b"" if is_whole else data),
            beside=beside,
        )


def _sha(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def preview(data: bytes, width: int, height: int, max_pixels: int = MAX_PIXELS) -> Preview:
    """Shrink a picture to at most `width` by `height` pixels, as `decode` sees it.

    JPEGs are decoded no larger than needed.

    Raises:
        UnreadableImageError: as `decode`.
    """
    with one_error(data):
        rgb, is_first = _first_of(take_apart(data).outline, (2 * width, 2 * height), max_pixels)
        small = Image.fromarray(rgb)
        del rgb
        small.thumbnail((width, height), Image.Resampling.LANCZOS)
        file = io.BytesIO()
        small.save(file, "JPEG", quality=JPEG_QUALITY)
        return Preview(file.getvalue(), is_first)


def _first_of(outline: Outline, wanted: tuple[int, int], max_pixels: int) -> tuple[NDArray[np.uint8], bool]:
    with opened(outline, max_pixels, wanted) as first:
        return read(first.image, first.turn, first.again).rgb, is_one_of_several(first, outline)


def read_format(data: bytes) -> str:
    """Name of a picture's format, such as JPEG, without decoding it.

    Raises:
        UnreadableImageError: as `decode`.
    """
    with one_error(data), opened(take_apart(data).outline, MAX_PIXELS) as first:
        return str(first.image.format)


def read_size(data: bytes) -> tuple[int, int]:
    """Width and height of the first frame, upright, without decoding it.

    Raises:
        UnreadableImageError: as `decode`.
    """
    with one_error(data), opened(take_apart(data).outline, MAX_PIXELS) as first:
        width, height = first.image.size
        return (height, width) if first.turn in SIDEWAYS else (width, height)


def read_exif(data: bytes) -> dict[int, Any]:
    """The EXIF values of a picture by tag, its Exif directory included; {} where none can be read."""
    exif = take_apart(data).outline.exif
    return exif_of(exif) if exif else {}


@contextmanager
def one_error(data: bytes) -> Iterator[None]:
    """Turn whatever a decoder raises on `data` into `UnreadableImageError`."""
    if not data:
        raise UnreadableImageError("the file is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow: bombs are refused, odd metadata does no harm
            yield
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as error:
        raise UnreadableImageError(f"not a picture in a known format ({', '.join(FORMATS)})") from error
    except Image.DecompressionBombError as error:
        raise UnreadableImageError(f"too many pixels: {error}") from error
    except MemoryError as error:
        raise UnreadableImageError("not enough memory to decode the picture") from error
    except Exception as error:  # decoders raise nearly anything on hostile bytes; none of it may stop a scan
        raise UnreadableImageError(f"broken or truncated picture: {error or type(error).__name__}") from error
