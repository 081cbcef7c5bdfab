"""From bytes to pixels: every picture comes out upright, opaque, 8 bit RGB, or not at all.

Pictures come from strangers, so formats are a closed list (Pillow's own list contains ones that start
other programs), the pixel count is checked before anything is decompressed, and whatever the decoder
raises becomes one `UnreadableImageError` with the cause in it.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from pillow_heif import register_heif_opener

from include.safe_picture.errors import UnreadableImageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

register_heif_opener()

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "HEIF", "AVIF", "JPEG2000", "ICO", "PPM")
MAX_PIXELS = 100_000_000  # Pillow refuses 179 million by itself
WHITE, DARK = 255, 48
NEARLY_WHITE = 255 - 32


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: `rgb` is uint8 [height, width, 3]; `alpha` uint8 [height, width] or None."""

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None
    format: str


def decode(data: bytes, max_pixels: int = MAX_PIXELS) -> Picture:
    """Decode the first frame of a picture, EXIF orientation applied, alpha laid on a plain background.

    Raises:
        UnreadableImageError: no picture, an unknown format, truncated, broken or more than `max_pixels`.
    """
    if not data:
        raise UnreadableImageError("the file is empty (0 bytes)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow: bombs are refused below, odd metadata does no harm
            return _decode(data, max_pixels)
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


def _decode(data: bytes, max_pixels: int) -> Picture:
    with Image.open(io.BytesIO(data), formats=FORMATS) as opened:
        width, height = opened.size
        if width * height > max_pixels:
            raise UnreadableImageError(f"too many pixels: {width} x {height} is more than {max_pixels:,}")
        name = "JPEG" if opened.format == "MPO" else str(opened.format)
        opened.load()
        upright = ImageOps.exif_transpose(opened)
    if upright.has_transparency_data:
        rgba = np.asarray(upright.convert("RGBA"))
        if rgba[..., 3].min() < 255:
            return Picture(_lay_on_background(rgba), np.ascontiguousarray(rgba[..., 3]), name)
        return Picture(np.ascontiguousarray(rgba[..., :3]), None, name)
    return Picture(np.ascontiguousarray(_eight_bit(upright).convert("RGB")), None, name)


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16 and 32 bit grey values down to 8 bit; Pillow's own conversion would clip them."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise UnreadableImageError("the picture holds pixel values that are not numbers")
    low, high = min(0.0, values.min()), values.max()
    if image.mode != "F" and high > 255:
        high = 65535.0 if high <= 65535 else high
    elif image.mode != "F":
        high = 255.0
    scaled = (values - low) * (255.0 / max(high - low, 1e-9))
    return Image.fromarray(np.round(scaled).astype(np.uint8))


def _lay_on_background(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Composite on white, as most programs do, or on dark grey where most of the picture would vanish.

    White drawings whose shape sits in the alpha channel would otherwise all become the same blank.
    """
    alpha = rgba[..., 3:].astype(np.float32) / 255
    rgb = rgba[..., :3].astype(np.float32)
    vanishing = (rgb.min(axis=2) > NEARLY_WHITE) * alpha[..., 0]
    background = DARK if vanishing.sum() > 0.5 * alpha.sum() else WHITE
    return np.round(rgb * alpha + background * (1 - alpha)).astype(np.uint8)
