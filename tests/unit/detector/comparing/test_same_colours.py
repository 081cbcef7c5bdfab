"""Shared colours speak for two pictures wherever they lie; one in grey has none to speak against it."""

from __future__ import annotations

import pytest
from PIL import Image, ImageOps

from include.detector.comparing.difference import same_colours
from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.imaging import analyze
from tests.support.drawn import file
from tests.support.small_collection import PHOTOS

THREE = sorted(PHOTOS.glob("*.jpg"))[:3]


def photo(number: int) -> Image.Image:
    return Image.open(THREE[number]).convert("RGB")


def thumb(image: Image.Image) -> Thumb:
    return Thumb.of(analyze(file(image, "PNG")))


def corner(image: Image.Image) -> Image.Image:
    return image.crop((image.width // 4, image.height // 4, image.width, image.height))


def test_they_are_shared_wherever_they_lie() -> None:
    first = thumb(photo(0))
    assert same_colours(first, first) == pytest.approx(1)
    assert same_colours(first, thumb(ImageOps.mirror(photo(0)))) > 0.95
    assert (
        same_colours(first, thumb(corner(photo(0))))
        > 0.5
        > same_colours(first, thumb(ImageOps.invert(photo(0))))
    )


def test_a_picture_without_colours_shares_all() -> None:
    grey = ImageOps.grayscale(photo(0)).convert("RGB")
    assert same_colours(thumb(grey), thumb(photo(1))) == 1


@pytest.mark.parametrize("number", range(3))
def test_a_crop_in_grey_is_found(number: int) -> None:
    copy = ImageOps.grayscale(corner(photo(number))).convert("RGB")
    assert score_pair(thumb(photo(number)), thumb(copy), mirror=True) > 0.7
