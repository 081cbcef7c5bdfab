"""ICC profiles as cameras, screens and printers have them, made here; and pictures in their colours."""

from __future__ import annotations

import io
import itertools
import struct

import numpy as np
from PIL import Image, ImageCms

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
WHITE = (0.9642, 1.0, 0.8249)
D65 = (0.3127, 0.3290)
ADAPTING = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

Point = tuple[float, float]


def _xyz(x: float, y: float) -> np.ndarray:
    return np.array([x / y, 1, (1 - x - y) / y])


def _number(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(65536 * one) for one in values))


def _profile(
    space: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr", seen_in: bytes = b"XYZ "
) -> bytes:
    named = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + bytes(78)
    tags = {b"desc": named, b"wtpt": b"XYZ \0\0\0\0" + _number(*WHITE), **tags}
    table, body, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    values = (start + len(body), b"", 0x02100000, kind, space, seen_in, b"", b"acsp", b"")
    head = struct.pack(">I4sI4s4s4s12s4s28s", *values)
    return head + _number(*WHITE) + bytes(48) + struct.pack(">I", len(tags)) + table + body


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(256 * gamma))


def rgb(red: Point, green: Point, blue: Point, gamma: float) -> bytes:
    """A profile with these primaries (x, y), the white of a screen and one gamma."""
    primaries, white = np.array([_xyz(*one) for one in (red, green, blue)]).T, _xyz(*D65)
    adapted = np.linalg.inv(ADAPTING) @ np.diag((ADAPTING @ WHITE) / (ADAPTING @ white)) @ ADAPTING
    columns = (adapted @ (primaries * np.linalg.solve(primaries, white))).T
    places = zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)
    tags = {name: b"XYZ \0\0\0\0" + _number(*column) for name, column in places}
    return _profile(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma)))


def grey(gamma: float) -> bytes:
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)})


def cmyk() -> bytes:
    """A printer whose inks are those of the simple formula, on grey paper."""
    inks = np.array(list(itertools.product((0, 1), repeat=4)))
    papers = (1 - inks[:, :3]) * (1 - inks[:, 3:])
    corners = Image.fromarray((40 + papers * 200).astype(np.uint8)[None])
    lab = ImageCms.profileToProfile(corners, SRGB, ImageCms.createProfile("LAB"), outputMode="LAB")
    table = np.asarray(lab) ^ np.array((0, 128, 128), np.uint8)
    same = bytes(range(256))
    head = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + _number(1, 0, 0, 0, 1, 0, 0, 0, 1)
    return _profile(b"CMYK", {b"A2B0": head + same * 4 + table.tobytes() + same * 3}, b"prtr", b"Lab ")


ADOBE_RGB = rgb((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), 2.2)
DISPLAY_P3 = rgb((0.68, 0.32), (0.265, 0.69), (0.15, 0.06), 2.2)
GREY_18 = grey(1.8)


def brought_into(picture: Image.Image, profile: bytes, mode: str = "RGB") -> Image.Image:
    """Return the picture, which is in sRGB, in the colours of a profile."""
    return _from_to(picture, SRGB, ImageCms.ImageCmsProfile(io.BytesIO(profile)), mode)


def shown(picture: Image.Image, profile: bytes) -> Image.Image:
    """Return in sRGB what a picture in the colours of a profile shows."""
    return _from_to(picture, ImageCms.ImageCmsProfile(io.BytesIO(profile)), SRGB, "RGB")


def _from_to(
    picture: Image.Image, source: ImageCms.ImageCmsProfile, target: ImageCms.ImageCmsProfile, mode: str
) -> Image.Image:
    """Return it without the profile, which Pillow would save with it unasked."""
    made = ImageCms.profileToProfile(picture, source, target, outputMode=mode)
    assert made is not None
    made.info.clear()
    return made
