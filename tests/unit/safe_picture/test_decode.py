"""Pictures come out upright, opaque and 8 bit, or with the cause why not."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from PIL import Image

from include.detector.imaging import analyze
from include.safe_picture import UnreadableImageError, decode
from tests.support.drawn import file, scene

ORIENTATION = 0x0112
UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", UNDO)
@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_exif_orientation_is_applied(orientation: int, kind: str) -> None:
    upright = scene()
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options = {"lossless": True} if kind == "WEBP" else {}
    turned = file(upright.transpose(UNDO[orientation]), kind, exif=exif, **options)
    assert analyze(turned).content_hash == analyze(file(upright)).content_hash


@pytest.mark.parametrize("colour", [(255, 255, 255), (0, 0, 0), (128, 128, 128)])
def test_a_shape_in_the_alpha_channel_stays_visible(colour: tuple[int, int, int]) -> None:
    picture = Image.new("RGBA", (100, 100), (*colour, 0))
    picture.paste(Image.new("RGBA", (40, 60), (*colour, 255)), (20, 10))
    assert decode(file(picture)).rgb.std() > 20
    assert not analyze(file(picture)).flat


def test_an_opaque_alpha_channel_changes_nothing() -> None:
    assert analyze(file(scene().convert("RGBA"))).content_hash == analyze(file(scene())).content_hash


def test_palette_transparency_counts_as_alpha() -> None:
    image = Image.new("P", (64, 64), 0)
    image.putpalette([255, 255, 255, 255, 255, 255])
    image.paste(1, (10, 10, 40, 40))
    assert decode(file(image, transparency=0)).rgb.std() > 20


def test_sixteen_bit_grey_keeps_its_tones() -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    grey = decode(file(Image.fromarray(ramp))).rgb[..., 0]
    assert abs(grey.astype(float) - ramp / 257).max() <= 1


def test_cmyk_becomes_rgb() -> None:
    decoded = decode(file(scene().convert("CMYK"), "JPEG", quality=95)).rgb
    assert np.abs(decoded.astype(float) - np.asarray(scene())).mean() < 6


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [scene(seed=1), scene(seed=2)]
    moving = file(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert analyze(moving).content_hash == analyze(file(frames[0])).content_hash


def test_heic_is_read() -> None:
    assert analyze(file(scene(), "HEIF", quality=90)).format == "HEIF"


def test_too_many_pixels_are_refused_before_decoding() -> None:
    with pytest.raises(UnreadableImageError, match="too many pixels: 120 x 80"):
        analyze(file(scene()), max_pixels=9_000)


def test_a_bomb_is_refused() -> None:
    with pytest.raises(UnreadableImageError, match="too many pixels"):
        analyze(file(Image.new("1", (20_000, 20_000))))


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "empty"),
        (b"<html>not found</html>", "known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "known format"),
        (file(scene(), "JPEG")[:900], "truncated"),
        (file(scene())[:2000], "truncated"),
        (file(scene(), "WEBP")[:400], "known format|truncated"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, cause: str) -> None:
    with pytest.raises(UnreadableImageError, match=cause):
        analyze(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "ICO", "JPEG2000"])
def test_flipped_bytes_never_raise_anything_else(kind: str) -> None:
    rng = np.random.default_rng(3)
    whole = np.frombuffer(file(scene(64, 64), kind), np.uint8)
    for _ in range(25):
        broken = whole.copy()
        broken[rng.integers(0, len(broken), 6)] = rng.integers(0, 256, 6)
        with contextlib.suppress(UnreadableImageError):
            analyze(broken.tobytes())
