"""Opens the frames of a file, one after the other, each only after its size was found bearable.

What counts as a picture of its own: every frame of a GIF, WebP, PNG and AVIF as it is shown, every page of a
TIFF, every image of a HEIF, MPO and icon (an icon's sizes may be drawn differently). Reduced pages of a TIFF,
thumbnails, depth and gain maps belong to the picture that they were made of.
"""

from __future__ import annotations

import hashlib
import io
import struct
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from PIL import Image
from pillow_heif import register_heif_opener

from include.safe_picture import jpeg, png
from include.safe_picture.errors import UnreadableImageError
from include.safe_picture.limits import DEEP_COST, MAX_PIXELS, MOST_FRAME_PIXELS, MOST_FRAMES, require_size
from include.safe_picture.orientation import AS_IT_IS, orientation, usable
from include.safe_picture.outline import Outline
from include.safe_picture.pixels import raw_mode, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from PIL.ImageFile import ImageFile

# Only stills, HEIF images as they lie; thumbnails inside would stand for the picture in drafts.
register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "HEIF", "AVIF", "JPEG2000", "ICO", "PPM")
_ORIENTATION, _KIND, _REDUCED = 0x0112, 254, 1


@dataclass(frozen=True, slots=True)
class Opened:
    """A frame before decoding: its format's name, its orientation, and how to open it once more."""

    image: ImageFile
    name: str
    turn: int = AS_IT_IS
    again: Callable[[], ImageFile] | None = None


@dataclass(frozen=True, slots=True)
class Remaining:
    """All frames but the first: how many, a digest of them, whether all of them could be read."""

    count: int
    digest: bytes
    is_whole: bool


@contextmanager
def opened(outline: Outline, max_pixels: int, wanted: tuple[int, int] | None = None) -> Iterator[Opened]:
    """Open the first frame; a JPEG so that it is decoded no smaller than `wanted`, and not much larger.

    Raises:
        UnreadableImageError: too many pixels or too much memory. Pillow's own errors come through.
    """
    for name, width, height in _announced(outline.picture):
        require_size(name, width, height, max_pixels)
    with _image(outline.picture) as image:
        name = str(image.format)
        if name not in FORMATS:
            raise UnreadableImageError(f"not a picture in a known format ({', '.join(FORMATS)})")
        _require_bearable(image, name, max_pixels)
        if wanted:
            image.draft(None, wanted)
        yield Opened(image, name, _turn(image, outline), lambda: _image(outline.picture))


def is_one_of_several(first: Opened, outline: Outline) -> bool:
    """Whether the file holds more frames or pages."""
    return bool(outline.others) or bool(getattr(first.image, "is_animated", False))


def remaining(first: Opened, outline: Outline, max_pixels: int) -> Remaining:
    """Read all frames but the first, as far as the bounds allow. What is wrong with them fails nothing."""
    digest, count, pixels, is_whole = hashlib.sha256(), 0, 0, True
    digest.update(_duration(first.image))
    try:
        for frame in _others(first, outline):
            count += 1
            pixels += frame.image.width * frame.image.height
            if pixels > MOST_FRAME_PIXELS:
                return Remaining(count, digest.digest(), is_whole=False)
            _require_bearable(frame.image, frame.name, max_pixels)
            made = read(frame.image, frame.turn, frame.again)
            digest.update(made.digest + _duration(frame.image))
            is_whole &= made.is_whole
    except Exception:  # noqa: BLE001  the first frame is a picture, whatever its followers are
        return Remaining(count, digest.digest(), is_whole=False)
    return Remaining(count, digest.digest() if count else b"", is_whole)


def _image(data: bytes) -> ImageFile:
    return Image.open(io.BytesIO(data), formats=FORMATS)


def _require_bearable(image: ImageFile, name: str, max_pixels: int) -> None:
    is_grey = image.mode.startswith(("I", "F"))
    key = image.mode[0] if is_grey else image.mode if ";16" in raw_mode(image) else ""
    require_size(name, image.width, image.height, max_pixels, DEEP_COST.get(key, 0))


def _duration(image: ImageFile) -> bytes:
    shown = image.info.get("duration", 0)
    return b"%d " % round(shown) if isinstance(shown, (int, float)) else b"0 "


def _turn(image: ImageFile, outline: Outline) -> int:
    """HEIF comes upright; AVIF tells by its own boxes, which Pillow puts into EXIF; others tell by EXIF."""
    if image.format in ("JPEG", "PNG", "WEBP"):
        return orientation(outline.exif)
    if image.format == "TIFF":
        return usable(image.tag_v2.get(_ORIENTATION))  # type: ignore[attr-defined]
    return orientation(image.info.get("exif", b"")) if image.format == "AVIF" else AS_IT_IS


def _others(first: Opened, outline: Outline) -> Iterator[Opened]:
    """The frames behind the first one, opened and not yet decoded.

    Raises:
        UnreadableImageError: there are more than may be looked at.
    """
    if first.name == "JPEG":
        for data in outline.others:
            inner = jpeg.walk(data) or Outline(data, len(data))
            with opened(replace(inner, others=()), MAX_PIXELS) as found:
                yield found
    elif first.name == "ICO":
        icon = first.image.ico  # type: ignore[attr-defined]
        for number in range(1, len(icon.entry)):
            yield Opened(icon.frame(number), "ICO")
    else:
        yield from _later(first, outline)


def _later(first: Opened, outline: Outline) -> Iterator[Opened]:
    image, begun = first.image, first.image.tell()
    for number in range(MOST_FRAMES + 1):
        if number == begun:
            continue
        try:
            image.seek(number)
        except EOFError:
            return
        if number == MOST_FRAMES:
            raise UnreadableImageError(f"more than {MOST_FRAMES} frames")
        if first.name != "TIFF":
            yield replace(first, again=None)
        elif not usable_number(image.tag_v2.get(_KIND)) & _REDUCED:  # type: ignore[attr-defined]
            yield replace(first, turn=_turn(image, outline), again=partial(_page, outline.picture, number))


def usable_number(value: object) -> int:
    """A whole number, 0 for anything else."""
    return value if isinstance(value, int) else 0


def _page(data: bytes, number: int) -> ImageFile:
    image = _image(data)
    image.seek(number)
    return image


def _announced(data: bytes) -> Iterator[tuple[str, int, int]]:
    """Name and size of what is decoded, or has its memory taken, as soon as it is opened."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) >= 30:
        kind = data[12:16]
        if kind == b"VP8X":
            yield "WEBP", int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
        elif kind == b"VP8L":
            bits = int.from_bytes(data[21:25], "little")
            yield "WEBP", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        elif kind == b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            yield "WEBP", width & 0x3FFF, height & 0x3FFF
    elif data[:4] == b"\0\0\1\0":
        for number in range(int.from_bytes(data[4:6], "little")):
            place = int.from_bytes(data[18 + 16 * number : 22 + 16 * number], "little")
            head = data[place : place + 24]
            if head[:8] == png.SIGNATURE and len(head) == 24:
                yield "ICO", *struct.unpack_from(">II", head, 16)
            elif len(head) == 24:
                width, height = struct.unpack_from("<ii", head, 4)
                yield "ICO", abs(width), abs(height) // 2
