"""HEIF, AVIF and JPEG 2000: boxes, one after the other."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from include.safe_picture.outline import Outline

if TYPE_CHECKING:
    from collections.abc import Iterator

_JP2, _CODESTREAM = b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"
_STILL = {b"ftyp", b"meta", b"mdat", b"free", b"skip", b"wide", b"pdin", b"idat", b"uuid", b"moov"}
_SEQUENCES = (b"avis", b"msf1", b"hevc", b"hevx", b"hevm", b"hevs")


def walk(data: bytes) -> Outline | None:
    """The outline of a HEIF, AVIF or JPEG 2000 file; None for any other one."""
    if data[:4] == _CODESTREAM:
        end = _codestream_end(data, 0)
        return Outline(data[:end], end, cut=_is_deep(data, 0))
    if data[:12] == _JP2:
        return _jp2(data)
    if data[4:8] != b"ftyp":
        return None
    return _media(data)


def _media(data: bytes) -> Outline:
    """A film behind the picture begins with a second `ftyp`, or is a box of its own.

    Both orient by boxes, not by EXIF, and odd EXIF must not refuse the picture: its item gets another type.
    """
    end, head, films = len(data), 0, _SEQUENCES
    for name, start, stop in _boxes(data):
        if name not in _STILL or (name == b"ftyp" and start) or (name == b"moov" and data[8:12] not in films):
            end = start
            break
        if name == b"meta":
            head = stop
    meta = data[:head]
    deep = any(max(depths, default=0) > 8 for depths in _depths(meta))
    return Outline(meta.replace(b"Exif", b"none") + data[head:end], end, _exif(data, meta), cut=deep)


def _exif(data: bytes, meta: bytes) -> bytes:
    """The EXIF block wherever it lies: recognised by its header, since its place is in a list of lists."""
    if b"Exif" not in meta:
        return b""
    starts = [at for at in (data.find(b"II*\0", len(meta)), data.find(b"MM\0*", len(meta))) if at >= 0]
    return data[min(starts) : min(starts) + (1 << 20)] if starts else b""


def _depths(meta: bytes) -> Iterator[bytes]:
    """Bits of each channel, of each picture that tells them."""
    at = meta.find(b"pixi")
    while at >= 0:
        count = meta[at + 8] if at + 8 < len(meta) else 0
        yield meta[at + 9 : at + 9 + count]
        at = meta.find(b"pixi", at + 4)


def _jp2(data: bytes) -> Outline:
    end, cut = len(data), False
    for name, start, stop in _boxes(data):
        if name == b"jp2c":
            begin = data.index(_CODESTREAM, start)
            cut = _is_deep(data, begin)
            last = start + struct.unpack_from(">I", data, start)[0] == start
            stop = _codestream_end(data, begin) if last else stop  # noqa: PLW2901  it names no end of its own
        elif not (name.strip(b" ").isalnum() and name.isascii()) or (name == b"ftyp" and start > 12):
            break
        end = stop
    return Outline(data[:end], end, cut=cut)


def _codestream_end(data: bytes, place: int) -> int:
    """Behind the end marker, which no tile part can hold."""
    place += 2
    while data[place] == 0xFF and data[place + 1] != 0xD9:
        if data[place + 1] == 0x90:
            (length,) = struct.unpack_from(">I", data, place + 6)
            if not length:
                return data.index(b"\xff\xd9", place) + 2
            place += max(12, length)
        else:
            place += 2 + max(2, struct.unpack_from(">H", data, place + 2)[0])
    return place + 2


def _is_deep(data: bytes, place: int) -> bool:
    """Whether colours have more than 8 bits, of which decoding keeps 8; single channels stay whole."""
    (count,) = struct.unpack_from(">H", data, place + 40)
    depths = data[place + 42 : place + 42 + 3 * count : 3]
    return count > 1 and any((depth & 0x7F) + 1 > 8 for depth in depths)


def _boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Name, begin and end of each box."""
    place = 0
    while place + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, place)
        if size == 1 and place + 16 <= len(data):
            (size,) = struct.unpack_from(">Q", data, place + 8)
        elif size == 0:
            size = len(data) - place
        if size < 8:
            return
        yield name, place, min(place + size, len(data))
        place += size
