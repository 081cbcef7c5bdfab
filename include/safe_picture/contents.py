"""Takes a file apart: the picture itself, its EXIF, further pictures, and where all that ends.

What only describes a picture (texts, colour profiles, private blocks) stays away from the decoder, so that
nothing odd or huge in it can refuse the picture. Whatever a walk over a file cannot follow is left as it is:
then the decoder says what is wrong.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from include.safe_picture import boxes, jpeg, png, tiff
from include.safe_picture.outline import Outline

MOST_TOLERATED = 4096  # bytes behind a picture: what cameras and programs sign with
ARCHIVES = (b"PK\3\4", b"PK\5\6", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")
FILES = (*ARCHIVES, b"RIFF", b"%PDF", b"\xff\xd8\xff", b"\x89PNG", b"GIF8")
FILM = re.compile(rb"ftyp(?:mp4|isom|iso[2-9]|qt  |avc1|M4V |3gp)|moov|mdat")


@dataclass(frozen=True, slots=True)
class Contents:
    """A file taken apart: `outline` of the picture in `data`, and what lies behind its end."""

    outline: Outline
    behind: bytes


def take_apart(data: bytes) -> Contents:
    """Find what `data` holds; never fails."""
    outline = _outline(data)
    end = min(outline.end, len(data))
    behind = data[end:] if data[end:].strip(b"\0\r\n ") else b""
    return Contents(outline, b"" if _is_signature(behind) else behind)


def _is_signature(behind: bytes) -> bool:
    """Whether it is so little, and nothing that is a file of its own, that it adds nothing to a picture."""
    holds_file = behind.lstrip(b"\0\r\n ").startswith(FILES) or FILM.search(behind)
    return len(behind) <= MOST_TOLERATED and not holds_file


def _outline(data: bytes) -> Outline:
    for walk in (jpeg.walk, png.walk, tiff.walk, boxes.walk, _riff, _gif, _bmp, _ico, _ppm):
        try:
            found = walk(data)
        except (struct.error, LookupError, ValueError, OverflowError):
            return Outline(data, len(data))
        if found:
            return found
    return Outline(data, len(data))


def _riff(data: bytes) -> Outline | None:
    """WebP: chunks in a RIFF."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    place, exif = 12, b""
    while place + 8 <= min(end, len(data)):
        name, (size,) = data[place : place + 4], struct.unpack_from("<I", data, place + 4)
        if name == b"EXIF":
            exif = data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
    return Outline(data, end + end % 2, exif)


def _gif(data: bytes) -> Outline | None:
    if data[:4] != b"GIF8":
        return None
    place = 13 + _colours(data[10])
    while data[place] != 0x3B:
        if data[place] == 0x21:
            place += 2
        elif data[place] == 0x2C:
            place += 11 + _colours(data[place + 9])
        else:  # decoders pass over it
            place += 1
            continue
        while size := data[place]:
            place += size + 1
        place += 1
    return Outline(data, place + 1)


def _colours(flags: int) -> int:
    """Bytes of the palette that a GIF's flags announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _bmp(data: bytes) -> Outline | None:
    return Outline(data, struct.unpack_from("<I", data, 2)[0] or len(data)) if data[:2] == b"BM" else None


def _ico(data: bytes) -> Outline | None:
    if data[:4] != b"\0\0\1\0":
        return None
    (count,) = struct.unpack_from("<H", data, 4)
    entries = [struct.unpack_from("<II", data, 14 + 16 * number) for number in range(count)]
    return Outline(data, max((size + offset for size, offset in entries), default=len(data)))


def _ppm(data: bytes) -> Outline | None:
    """The binary kinds; of the plain ones nobody can tell where they end."""
    found = re.match(rb"P([456])((?:\s+|#[^\n]*\n)*)(\d+)\s+(?:#[^\n]*\n\s*)*(\d+)\s", data[:4096])
    if not found:
        return None
    kind, width, height = found[1], int(found[3]), int(found[4])
    if kind == b"4":
        return Outline(data, found.end() + (width + 7) // 8 * height)
    highest = re.compile(rb"\s*(?:#[^\n]*\n\s*)*(\d+)\s").match(data, found.end())
    if not highest:
        return None
    size = width * height * (3 if kind == b"6" else 1) * (2 if int(highest[1]) > 255 else 1)
    return Outline(data, highest.end() + size)
