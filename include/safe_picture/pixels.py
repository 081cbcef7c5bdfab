"""From an opened frame to pixels: upright, opaque, 8 bit RGB, and a digest of all that is stored of it.

Two pictures are the same if their samples are, not if they look the same once their depth is cut for the eye.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from include.safe_picture.depth import plain, scale_of, visible
from include.safe_picture.orientation import upright

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

    Bytes = NDArray[np.uint8]

WHITE, DARK = 255, 48
NEARLY_WHITE = 255 - 32
STRIP_PIXELS = 1 << 24
HOT_SHARE = 0.005  # of the samples may lie above the scale that is taken for full
_OTHER_HALF = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame: `rgb` [height, width, 3], `alpha` [height, width] where something is transparent.

    `digest`: SHA-256 of size, samples and alpha. `is_whole`: nothing of the stored samples was cut.
    """

    rgb: Bytes
    alpha: Bytes | None
    digest: bytes
    is_whole: bool = True


def read(frame: ImageFile, turn: int, again: Callable[[], ImageFile] | None) -> Frame:
    """Decode a frame that Pillow has opened and undo its orientation `turn`.

    `again` opens the same frame once more, which 16 bit colours need; None where that cannot be done.
    """
    raw = raw_mode(frame)
    load(frame)
    if frame.mode.startswith(("I", "F")):
        return _grey(frame, turn, is_whole="64" not in raw and "32N" not in raw)
    if ";16" in raw and again is not None:
        return _deep(frame, turn, raw, again)
    rgb, alpha = _eight_bit(frame)
    return _finished(rgb, alpha, turn, is_whole=";16" not in raw)


def load(frame: ImageFile) -> None:
    """Decode, and leave a TIFF as it lies: Pillow would turn it and write its EXIF anew, which may fail."""
    frame.getexif = Image.Exif  # type: ignore[method-assign]
    frame.load()
    frame._size = frame.im.size  # of the core, which was not turned


def raw_mode(frame: ImageFile) -> str:
    """How samples lie in the file, in Pillow's words."""
    tiles = getattr(frame, "tile", ())
    arguments: Any = tiles[0].args if tiles else ""
    return str(arguments if isinstance(arguments, str) else next(iter(arguments or ()), ""))


def _finished(
    rgb: Bytes,
    alpha: Bytes | None,
    turn: int,
    stored: tuple[NDArray[Any], ...] = (),
    *,
    is_whole: bool = True,
) -> Frame:
    """Lay on a background, turn, and take the digest: of `stored` where that says more than the 8 bits."""
    if alpha is not None and int(alpha.min()) == 255:
        alpha = None
    if alpha is not None:
        _lay_on_background(rgb, alpha)
    rgb = np.ascontiguousarray(upright(rgb, turn))
    alpha = None if alpha is None else np.ascontiguousarray(upright(alpha, turn))
    told = (
        (rgb, alpha)
        if not stored
        else tuple(upright(one, turn) for one in (*stored, alpha) if one is not None)
    )
    digest = hashlib.sha256(repr((rgb.shape, [one.dtype.str for one in stored])).encode())
    for one in told:
        for strip in _strips(one) if one is not None else ():
            digest.update(np.ascontiguousarray(strip).data)
    return Frame(rgb, alpha, digest.digest(), is_whole)


def _strips(pixels: NDArray[Any]) -> Iterator[NDArray[Any]]:
    rows = max(1, STRIP_PIXELS // max(1, pixels.shape[1]))
    for top in range(0, len(pixels), rows):
        yield pixels[top : top + rows]


def _eight_bit(frame: Image.Image) -> tuple[Bytes, Bytes | None]:
    width, height = frame.size
    mode = "RGBA" if frame.has_transparency_data else "RGB"
    rows = max(1, STRIP_PIXELS // width)
    if rows >= height and mode == "RGB":
        return np.asarray(frame if frame.mode == mode else frame.convert(mode)), None
    rgb = np.empty((height, width, 3), np.uint8)
    alpha = np.empty((height, width), np.uint8) if mode == "RGBA" else None
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        made = np.asarray(frame.crop((0, top, width, bottom)).convert(mode))
        rgb[top:bottom] = made[..., :3]
        if alpha is not None:
            alpha[top:bottom] = made[..., 3]
    return rgb, alpha


def _grey(frame: ImageFile, turn: int, *, is_whole: bool) -> Frame:
    """One channel of 16 or 32 bit, signed, or not whole numbers at all."""
    samples = np.asarray(frame)
    if samples.dtype == np.dtype(">u2"):
        samples = samples.astype(np.uint16)
    transparent = frame.info.get("transparency")
    alpha = None
    if isinstance(transparent, int):
        alpha = np.where(samples == transparent, 0, 255).astype(np.uint8)
    eight = plain(samples)
    shown = visible(samples) if eight is None else eight
    rgb = np.repeat(shown[..., None], 3, axis=2)
    return _finished(rgb, alpha, turn, () if eight is not None else (samples,), is_whole=is_whole)


def _deep(frame: ImageFile, turn: int, raw: str, again: Callable[[], ImageFile]) -> Frame:
    """Colours of 16 bit: Pillow hands out the upper bytes, and told the other byte order, the lower ones."""
    with again() as second:
        other = raw[:-1] + _OTHER_HALF[raw[-1]]
        second.tile = [
            tile._replace(args=other if isinstance(tile.args, str) else (other, *(tile.args or ())[1:]))
            for tile in second.tile
        ]
        load(second)
        upper, lower = np.asarray(frame), np.asarray(second)
    if np.array_equal(upper, lower) or not lower.any():
        return _finished(*_eight_bit(frame), turn)
    return _finished(*_scaled(frame, upper, lower), turn, (upper, lower))


def _scaled(frame: ImageFile, upper: Bytes, lower: Bytes) -> tuple[Bytes, Bytes | None]:
    """Eight bit of upper and lower bytes; 10, 12 and 14 bits count as such."""
    if frame.mode == "CMYK":
        return _eight_bit(frame)
    rgb = np.empty((*upper.shape[:2], 3), np.uint8)
    alpha = np.ascontiguousarray(upper[..., 3]) if frame.mode == "RGBA" else None
    transparent = frame.info.get("transparency")
    if isinstance(transparent, tuple):
        alpha = np.full(upper.shape[:2], 255, np.uint8)
    full = scale_of(_highest(frame) * 256 + 255)
    rows = max(1, STRIP_PIXELS // 8 // upper.shape[1])
    for top in range(0, len(upper), rows):
        part = slice(top, top + rows)
        samples = upper[part, :, :3].astype(np.uint16) << 8 | lower[part, :, :3]
        rgb[part] = np.round(np.minimum(samples, full) * np.float32(255 / full))
        if isinstance(transparent, tuple) and alpha is not None:
            alpha[part][(samples == transparent).all(axis=2)] = 0
    return rgb, alpha


def _highest(frame: ImageFile) -> int:
    """The highest upper byte of a colour, but for a few hot pixels."""
    counts = np.array(frame.histogram()[: 3 * 256]).reshape(3, 256).sum(axis=0)
    above = np.cumsum(counts[::-1])[::-1] > HOT_SHARE * counts.sum()
    return int(np.flatnonzero(above).max(initial=0))


def _lay_on_background(rgb: Bytes, alpha: Bytes) -> None:
    """Composite in place: on white, as most programs do, or on dark grey where most of it would vanish.

    White drawings whose shape sits in the alpha channel would otherwise all become the same blank.
    """
    rows = max(1, STRIP_PIXELS // 8 // rgb.shape[1])
    parts = [slice(top, top + rows) for top in range(0, len(rgb), rows)]
    vanishing = sum(int(alpha[part][rgb[part].min(axis=2) > NEARLY_WHITE].sum()) for part in parts)
    background = DARK if vanishing > 0.5 * int(alpha.sum(dtype=np.int64)) else WHITE
    for part in parts:
        share = alpha[part][..., None].astype(np.uint16)
        rgb[part] = (rgb[part] * share + background * (255 - share) + 127) // 255
