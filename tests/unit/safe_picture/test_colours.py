"""The same colours are the same, whatever profile tells them; other colours and broken profiles are not."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image

from include.safe_picture import UnreadableImageError, comparable, decode
from include.safe_picture.png import MOST_PROFILE
from tests.support.drawn import file, scene
from tests.support.profiles import (
    ADOBE_RGB,
    DISPLAY_P3,
    GREY_18,
    SRGB,
    brought_into,
    cmyk,
    grey,
    rgb,
    shown,
)

PICTURE = scene(240, 160, 3)
PLAIN = file(PICTURE)
FORMATS = ["PNG", "JPEG", "TIFF", "WEBP", "AVIF", "HEIF"]


def difference(one: bytes, other: bytes) -> float:
    """Return by how many steps of 255 two pictures differ on average."""
    first, second = (comparable(each, (one, other)).astype(int) for each in (one, other))
    return float(np.abs(first - second).mean())


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    best = {"JPEG": {"quality": 98, "subsampling": 0}, "WEBP": {"lossless": True}, "HEIF": {"quality": 98}}
    return file(picture, kind, **{**best.get(kind, {}), **options})


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("profile", [ADOBE_RGB, DISPLAY_P3], ids=["Adobe RGB", "Display P3"])
def test_a_copy_in_other_colours_is_the_same_and_one_whose_profile_is_lost_is_not(
    kind: str, profile: bytes
) -> None:
    other = brought_into(PICTURE, profile)
    tagged, stripped = saved(other, kind, icc_profile=profile), saved(other, kind)
    assert difference(PLAIN, tagged) < 2.5
    assert difference(tagged, stripped) > difference(PLAIN, tagged) + 1
    assert difference(tagged, saved(other, "PNG", icc_profile=profile)) < 2.5


def test_profiles_that_say_the_same_leave_the_pixels_as_they_are() -> None:
    for one in (saved(PICTURE, "JPEG"), saved(PICTURE, "PNG", icc_profile=SRGB.tobytes())):
        assert np.array_equal(comparable(one, (one, PLAIN)), decode(one).rgb)
    odd = saved(PICTURE, "PNG", icc_profile=b"broken in both")
    assert np.array_equal(comparable(odd, (odd, odd)), decode(odd).rgb)


@pytest.mark.parametrize("gamma", [1.0, 1.8])
def test_greys_of_another_gamma_are_the_same(gamma: float) -> None:
    grey_one = brought_into(PICTURE, grey(gamma), "L")
    told = saved(grey_one, "PNG", icc_profile=grey(gamma))
    assert difference(file(shown(grey_one, grey(gamma))), told) < 1
    assert difference(file(grey_one), told) > 5
    assert difference(file(grey_one.convert("RGB")), saved(grey_one, "JPEG", icc_profile=SRGB.tobytes())) < 2


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_printing_colours_are_what_their_profile_shows(kind: str) -> None:
    inks = PICTURE.convert("CMYK")
    assert difference(saved(inks, kind), file(inks.convert("RGB"))) < 2.5
    printed = saved(inks, kind, icc_profile=cmyk())
    assert difference(printed, file(shown(inks, cmyk()))) < 2.5
    assert difference(printed, file(inks.convert("RGB"))) > 10


def test_printing_colours_are_turned_as_the_picture() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = PICTURE.transpose(Image.Transpose.ROTATE_90)
    for kind in ("JPEG", "TIFF"):
        printed = saved(turned.convert("CMYK"), kind, icc_profile=cmyk(), exif=exif)
        assert difference(printed, file(shown(PICTURE.convert("CMYK"), cmyk()))) < 2.5


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_what_only_better_screens_show_is_not_hidden(kind: str) -> None:
    """A shape in two reds that are one in sRGB."""
    red = Image.new("RGB", (200, 200), (255, 0, 0))
    shape = brought_into(red, DISPLAY_P3)
    shape.paste((255, 0, 0), (50, 50, 150, 150))
    both = (saved(shape, kind, icc_profile=DISPLAY_P3), saved(red, kind))
    pixels = comparable(both[0], both).astype(int)
    assert np.abs(pixels[100, 100] - pixels[10, 10]).max() > 5


@pytest.mark.parametrize(
    ("picture", "profile", "told"),
    [
        (PICTURE, b"none", "is broken"),
        (PICTURE, ADOBE_RGB[:100], "is broken"),
        (PICTURE, ADOBE_RGB[:-40], "profile"),
        (PICTURE, ADOBE_RGB.replace(b"RGB ", b"R\xffB "), "is broken"),
        (PICTURE, ADOBE_RGB.replace(b"RGB ", b"HSV "), "nobody can compare"),
        (PICTURE, ADOBE_RGB.replace(b"gXYZ", b"xXYZ"), "cannot be used"),
        (PICTURE, rgb((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), 0.0), "makes different colours the same"),
        (PICTURE, GREY_18, "is one of grey"),
        (PICTURE, cmyk(), "is one of printing colours"),
        (PICTURE.convert("CMYK"), cmyk()[:-9], "profile"),
    ],
)
@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_a_profile_that_cannot_be_used_is_told(
    kind: str, picture: Image.Image, profile: bytes, told: str
) -> None:
    odd = saved(picture, kind, icc_profile=profile)
    with pytest.raises(UnreadableImageError, match=told):
        comparable(odd, (odd, PLAIN))
    assert np.array_equal(comparable(PLAIN, (PLAIN, odd))[..., 0] >= 0, np.ones((160, 240), bool))


def test_no_profile_makes_two_pictures_one() -> None:
    rng, other = random.Random(5), scene(240, 160, 4)
    for _ in range(16):
        profile = bytearray(rng.choice((ADOBE_RGB, DISPLAY_P3, GREY_18, cmyk())))
        for _ in range(rng.randint(1, 9)):
            profile[rng.randrange(len(profile))] = rng.randrange(256)
        odd = saved(other, "PNG", icc_profile=bytes(profile))
        try:
            assert difference(odd, PLAIN) > 5
        except UnreadableImageError:
            continue


def test_a_packed_profile_without_end_is_bounded() -> None:
    odd = saved(PICTURE, "PNG", icc_profile=bytes(MOST_PROFILE + 1000))
    with pytest.raises(UnreadableImageError, match="is broken"):
        comparable(odd, (odd, PLAIN))
