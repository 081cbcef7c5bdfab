"""JPEG: segments up to the end of the picture, and the further pictures that an MPO lists.

Large thumbnails, depth and gain maps are no pictures of their own: they belong to the first one.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from include.safe_picture import tiff
from include.safe_picture.outline import Outline

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd8\x01]")  # not stuffing, not a restart
_DESCRIBING = {*range(0xE1, 0xEE), 0xEF, 0xFE}  # APP1 to APP13, APP15, comments
_BEGIN = b"\xff\xd8\xff"
MOST_LISTED = 64  # what an MPO lists beyond counts as lying behind it
_END, _APP1, _APP2 = 0xD9, 0xE1, 0xE2
_PROFILE = b"ICC_PROFILE\0"
_ENTRIES = 0xB002
_LARGE_THUMBNAIL = 0x01
_MAPS = (b"hdrgm:", b"HDRGainMap", b"DepthMap", b"depthmap", b"urn:com:apple:photo")
_HEAD = 1 << 16


def walk(data: bytes) -> Outline | None:
    """The outline of a JPEG or MPO; None for any other file."""
    if data[:3] != _BEGIN:
        return None
    kept, begin, end, exif, index = [], 0, len(data), b"", (b"", 0)
    profile: list[bytes] = []
    for marker, start, stop in _segments(data):
        body = data[start + 4 : stop] if marker in (_APP1, _APP2) else b""
        if body[:6] == b"Exif\0\0" and not exif:
            exif = body[6:]
        elif body[:4] == b"MPF\0" and not index[0]:
            index = body[4:], start + 8
        elif body[:12] == _PROFILE:
            profile.append(body[12:])
        if marker in _DESCRIBING:
            kept.append(data[begin:start])
            begin = stop
        elif marker == _END:
            end = stop
    picture = b"".join([*kept, data[begin:end]])
    others, end = _listed(data, *index, end)
    return Outline(picture, end, exif, others, profile=b"".join(one[2:] for one in sorted(profile)))


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, begin and end of each segment up to the end of the first picture."""
    place = 2
    while found := _MARKER.search(data, place):
        marker = data[found.start() + 1]
        if marker == _END:
            yield marker, found.start(), found.end()
            return
        if found.end() + 2 > len(data):
            return
        place = found.end() + max(2, struct.unpack_from(">H", data, found.end())[0])
        yield marker, found.start(), place


def _listed(data: bytes, index: bytes, base: int, end: int) -> tuple[tuple[bytes, ...], int]:
    """The further pictures of an MPO, and where the last of all really ends; none where the list is odd."""
    try:
        entry = tiff.first_directory(index).get(_ENTRIES, b"") if index else b""
        order = "<" if index[:2] == b"II" else ">"
        listed = [struct.unpack_from(f"{order}III", entry, at) for at in range(0, len(entry) - 15, 16)]
    except (struct.error, LookupError, ValueError):
        return (), end
    found = []
    for attributes, size, offset in listed[:MOST_LISTED]:
        one = data[base + offset : base + offset + size] if offset else b""
        if one[:3] != _BEGIN:
            continue
        length = next((stop for marker, _, stop in _segments(one) if marker == _END), len(one))
        end = max(end, base + offset + length)
        if attributes >> 16 & 0xFF != _LARGE_THUMBNAIL and not any(name in one[:_HEAD] for name in _MAPS):
            found.append(one[:length])
    return tuple(found), end
