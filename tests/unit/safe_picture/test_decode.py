"""Pictures come out upright, opaque and 8 bit, or with the cause why not."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFile, PngImagePlugin, TiffImagePlugin

from include.detector.imaging import analyze
from include.safe_picture import UnreadableImageError, decode, read_exif
from include.tools.fuzz_decoder import attack
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


def test_of_an_animation_the_first_frame_is_shown() -> None:
    frames = [scene(seed=1), scene(seed=2)]
    moving = file(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert np.array_equal(decode(moving).rgb, decode(file(frames[0])).rgb)


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


@pytest.mark.parametrize(
    "kind", ["EPS", "DDS", "PCX", "TGA", "SGI", "IM", "MSP", "ICNS", "BLP", "PDF", "QOI"]
)
def test_other_formats_are_refused_though_pillow_knows_them(kind: str) -> None:
    with pytest.raises(UnreadableImageError, match="known format"):
        decode(file(scene().convert("1" if kind == "MSP" else "P" if kind == "BLP" else "RGB"), kind))


def test_changed_bytes_never_raise_anything_else() -> None:
    counts, strange = attack(range(700), seed=3)
    assert not counts["escaped"], strange
    assert counts["read"] > 50
    assert counts["refused"] > 50


@pytest.mark.parametrize("orientation", [0, 9, 77, -1])
def test_an_orientation_that_there_is_not_changes_nothing(orientation: int) -> None:
    exif = b"II*\0\x08\0\0\0\1\0" + struct.pack("<HHIhH", 0x0112, 8, 1, orientation, 0) + bytes(4)
    assert np.array_equal(decode(file(scene(), exif=exif)).rgb, np.asarray(scene()))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_resolution_that_is_no_number_refuses_nothing(kind: str) -> None:
    picture = scene(64, 48)
    if kind == "TIFF":
        info = TiffImagePlugin.ImageFileDirectory_v2()
        info[ORIENTATION] = 6
        data = file(picture, kind, tiffinfo=info, x_resolution=72.0).replace(
            struct.pack("<II", 72, 1), struct.pack("<iI", -1, 0)
        )
    else:
        exif = b"Exif\0\0II*\0\x08\0\0\0\2\0" + struct.pack("<HHIHH", ORIENTATION, 3, 1, 6, 0)
        data = file(
            picture, kind, exif=exif + struct.pack("<HHIII", 0x011A, 10, 1, 38, 0) + struct.pack("<iI", -1, 0)
        )
    assert decode(data).rgb.shape == (64, 48, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_exif_that_is_rubbish_refuses_nothing(kind: str) -> None:
    for rubbish in (
        b"Exif\0\0" + b"\xff" * 40,
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff",
    ):
        data = file(scene(64, 48), kind, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0" + bytes(40))
        whole = data.replace(b"II*\0\x08\0\0\0\0\0", (rubbish[6:] + bytes(20))[:10])
        assert decode(whole).rgb.shape == (48, 64, 3)
        read_exif(whole)


def test_exif_is_read_of_every_format_that_has_some() -> None:
    for kind in ("JPEG", "PNG", "WEBP", "AVIF", "HEIF"):
        exif = Image.Exif()
        exif[ExifTags.Base.Make] = "camera"
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "2020:01:02 03:04:05"
        found = read_exif(file(scene(), kind, exif=exif))
        assert found[ExifTags.Base.DateTimeOriginal] == "2020:01:02 03:04:05", kind


def test_large_texts_and_profiles_are_ignored() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("note", "x" * 3_000_000, zip=True)
    info.add(b"iCCP", b"a\0\0" + zlib.compress(bytes(9_000_000)))
    info.add(b"iTXt", b"\xff" * 50)
    assert np.array_equal(decode(file(scene(), pnginfo=info)).rgb, np.asarray(scene()))


def test_a_truncated_picture_stays_refused() -> None:
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
