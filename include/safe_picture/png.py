"""PNG: its chunks; texts, profiles and private ones are left out."""

from __future__ import annotations

import struct
import zlib

from include.safe_picture.outline import Outline

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_NEEDED = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL", b"fcTL", b"fdAT"}
MOST_PROFILE = 1 << 24  # bytes


def walk(data: bytes) -> Outline | None:
    """The outline of a PNG or APNG; None for any other file."""
    if data[:8] != SIGNATURE:
        return None
    kept, begin, place, exif, profile = [], 0, 8, b"", b""
    while place + 12 <= len(data):
        (length,), name = struct.unpack_from(">I", data, place), data[place + 4 : place + 8]
        stop = place + 12 + length
        if stop > len(data):
            place = len(data)
            break
        if name == b"eXIf":
            exif = data[place + 8 : place + 8 + length]
        elif name == b"iCCP":
            profile = _unpacked(data[place + 8 : place + 8 + length])
        if name not in _NEEDED and name[:1].islower():
            kept.append(data[begin:place])
            begin = stop
        place = stop
        if name == b"IEND":
            break
    return Outline(b"".join([*kept, data[begin:place]]), place, exif, profile=profile)


def _unpacked(chunk: bytes) -> bytes:
    """The profile behind its name; the chunk itself, which is none, where it cannot be unpacked."""
    try:
        return zlib.decompressobj().decompress(chunk[chunk.index(b"\0") + 2 :], MOST_PROFILE)
    except (ValueError, zlib.error):
        return chunk
