"""Small files that ask for much: what each takes of the decoder's memory and time is measured."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, PngImagePlugin

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE = 10_000
PAGES = 1_700_000


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The file of a picture."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, bits: int, colour: int, *, interlace: int = 0, extra: bytes = b"") -> bytes:
    """A PNG of zeros, made without ever holding its pixels."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    line = 1 + (width * bits * channels + 7) // 8
    packer = zlib.compressobj(9)
    blank, total = bytes(1 << 20), line * height * (2 if interlace else 1)
    body = b"".join(packer.compress(blank) for _ in range(total >> 20)) + packer.compress(
        blank[: total % (1 << 20)]
    )
    palette = _chunk(b"PLTE", bytes(768)) if colour == 3 else b""
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlace)
    data = _chunk(b"IDAT", body + packer.flush())
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + palette + extra + data + _chunk(b"IEND", b"")


def _icon(picture: bytes, times: int = 1) -> bytes:
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(picture), 6 + 16 * times)
    return struct.pack("<HHH", 0, 1, times) + entry * times + picture


def _many_pages(count: int) -> bytes:
    """A TIFF of nothing but directories, each one entry long."""
    made = bytearray(b"II*\0" + struct.pack("<I", 8))
    for number in range(count):
        following = 8 + 18 * (number + 1) if number + 1 < count else 0
        made += struct.pack("<HHHIII", 1, 256, 4, 1, 1, following)
    return bytes(made)


def _moving(kind: str, side: int, frames: int) -> bytes:
    """Large frames that differ in one spot."""
    made = [Image.new("RGB", (side, side), (number * 7 % 256, 90, 10)) for number in range(frames)]
    options = {"lossless": True} if kind == "WEBP" else {}
    return saved(made[0], kind, save_all=True, append_images=made[1:], duration=40, **options)


def _plain(mode: str, kind: str, side: int = SIDE, **options: Any) -> Callable[[], bytes]:
    return lambda: saved(Image.new(mode, (side, side)), kind, **options)


def _float_tiff() -> bytes:
    return saved(
        Image.fromarray(np.zeros((SIDE, SIDE), np.float32)), "TIFF", compression="tiff_adobe_deflate"
    )


def _text() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("a", "x" * 50_000_000, zip=True)
    return info


BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG 13300 x 13300 RGB": lambda: png(13_300, 13_300, 8, 2),
    "PNG 10000 x 10000 RGBA": lambda: png(SIDE, SIDE, 8, 6),
    "PNG 10000 x 10000 palette": lambda: png(SIDE, SIDE, 8, 3),
    "PNG 10000 x 10000 bilevel": lambda: png(SIDE, SIDE, 1, 0),
    "PNG 10000 x 10000 RGBA of 16 bit": lambda: png(SIDE, SIDE, 16, 6),
    "PNG 8000 x 8000 RGB of 16 bit": lambda: png(8000, 8000, 16, 2),
    "PNG 10000 x 10000 grey of 16 bit": lambda: png(SIDE, SIDE, 16, 0),
    "PNG 10000 x 10000 interlaced": lambda: png(SIDE, SIDE, 8, 2, interlace=1),
    "PNG 1 x 100000000": lambda: png(1, 100_000_000, 8, 0),
    "PNG 2000000000 x 1": lambda: png(2_000_000_000, 1, 1, 0),
    "PNG with 50 MB of text": lambda: saved(Image.new("L", (9, 9)), "PNG", pnginfo=_text()),
    "PNG with 100 MB of profile": lambda: png(
        9, 9, 8, 0, extra=_chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(100_000_000), 9))
    ),
    "APNG 5000 x 5000, 40 frames": lambda: _moving("PNG", 5000, 40),
    "GIF 5000 x 5000, 40 frames": lambda: _moving("GIF", 5000, 40),
    "WebP 3000 x 3000, 40 frames": lambda: _moving("WEBP", 3000, 40),
    "GIF 10000 x 10000": _plain("P", "GIF"),
    "JPEG 10000 x 10000": _plain("RGB", "JPEG", quality=1, subsampling=0),
    "JPEG 10000 x 10000 progressive": _plain("RGB", "JPEG", quality=1, subsampling=0, progressive=True),
    "JPEG 10000 x 10000 CMYK": _plain("CMYK", "JPEG", quality=1),
    "WebP 7000 x 7000 lossless": _plain("RGBA", "WEBP", 7000, lossless=True),
    "WebP 7000 x 7000": _plain("RGB", "WEBP", 7000, method=0),
    "WebP 16000 x 11000": lambda: (
        b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\x12\0\0\0\x7f\x3e\0\xf7\x2a\0" + bytes(44)
    ),
    "AVIF 7000 x 7000": _plain("RGB", "AVIF", 7000, speed=10),
    "AVIF 10000 x 10000": _plain("RGB", "AVIF", speed=10),
    "HEIF 7000 x 7000": _plain("RGB", "HEIF", 7000, quality=1),
    "JPEG 2000 5000 x 5000": _plain("RGB", "JPEG2000", 5000),
    "JPEG 2000 9000 x 9000": _plain("RGB", "JPEG2000", 9000),
    "TIFF 10000 x 10000 RGBA": _plain("RGBA", "TIFF", compression="tiff_adobe_deflate"),
    "TIFF 10000 x 10000 CMYK": _plain("CMYK", "TIFF", compression="tiff_adobe_deflate"),
    "TIFF 10000 x 10000 fax": _plain("1", "TIFF", compression="group4"),
    "TIFF 10000 x 10000 floats": _float_tiff,
    "TIFF of 1700000 pages": lambda: _many_pages(PAGES),
    "ICO with a PNG 13300 x 13300": lambda: _icon(png(13_300, 13_300, 8, 6)),
    "ICO of 60000 PNGs 4000 x 4000": lambda: _icon(png(4000, 4000, 8, 6), 60_000),
    "BMP 10000 x 10000 run length": lambda: _run_length_bmp(SIDE, SIDE),
    "PPM 10000 x 10000 without pixels": lambda: b"P6\n10000 10000\n255\n",
}


def _run_length_bmp(width: int, height: int) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 0, 0, 0, 0, 0) + bytes(1024)
    lines = (b"\xff\0" * (width // 255) + bytes([width % 255, 0]) + b"\0\0") * height + b"\0\1"
    return b"BM" + struct.pack("<IHHI", 14 + len(head) + len(lines), 0, 0, 14 + len(head)) + head + lines
