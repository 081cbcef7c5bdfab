"""What is done to a single tone of a picture is seen, and coding is not taken for it."""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from include.detector.comparing.last_look import WHOLE, differing
from include.detector.editing.edits import brightness, contrast, saturation
from include.detector.editing.manipulations import saved
from include.safe_picture import decode
from include.tools.last_look_pictures import PHOTOS


def ruled_page() -> Image.Image:
    """Many grey lines and a few black ones on white: the mean of the page hardly changes with the grey."""
    page = Image.new("RGB", (640, 480), "white")
    draw = ImageDraw.Draw(page)
    for top in range(20, 460, 12):
        draw.line((20, top, 620, top), fill=(150, 150, 150) if top % 60 else (0, 0, 0))
    return page


def pixels(data: bytes) -> NDArray[np.uint8]:
    return decode(data).rgb


@pytest.mark.parametrize("edit", [partial(brightness, by=1.3), partial(contrast, by=0.6)])
def test_grey_lines_of_another_tone_are_a_change_of_the_whole(edit: partial[Image.Image]) -> None:
    original = np.asarray(ruled_page())
    assert differing(original, pixels(saved("JPEG", edit)(ruled_page(), random.Random(0)))) == WHOLE


@pytest.mark.parametrize("quality", [90, 60, 30])
def test_coding_leaves_the_tones_of_lines(quality: int) -> None:
    original = np.asarray(ruled_page())
    assert differing(original, pixels(saved("JPEG", quality=quality)(ruled_page(), random.Random(0)))) is None


def lined_plan() -> Image.Image:
    """Thin coloured lines on white."""
    page = Image.new("RGB", (900, 640), "white")
    draw = ImageDraw.Draw(page)
    draw.line((20, 0, 20, 640), fill="#cc3333")
    draw.line((40, 600, 860, 500), fill="#3355aa")
    for left in range(60, 860, 40):
        draw.rectangle((left, 80, left + 30, 300), outline="#333333")
    return page


@pytest.mark.parametrize(("kind", "quality"), [("JPEG", 92), ("JPEG", 65), ("WEBP", 80)])
def test_a_coloured_line_that_coding_thins_is_no_change(kind: str, quality: int) -> None:
    copy = pixels(saved(kind, quality=quality)(lined_plan(), random.Random(0)))
    assert differing(np.asarray(lined_plan()), copy) is None


def test_coloured_lines_with_less_colour_are_a_change() -> None:
    paler = pixels(saved("JPEG", partial(saturation, by=0.5), quality=90)(lined_plan(), random.Random(0)))
    assert differing(np.asarray(lined_plan()), paler) is not None


def test_a_grey_copy_of_a_pale_picture_is_a_change_of_the_whole() -> None:
    pale = saturation(Image.open(PHOTOS / "gcompris-bucket.jpg").convert("RGB"), random.Random(0), by=0.3)
    for kind in ("PNG", "JPEG"):
        grey = pixels(saved(kind, partial(saturation, by=0.0))(pale, random.Random(0)))
        assert differing(np.asarray(pale), grey) == WHOLE
    assert differing(np.asarray(pale), pixels(saved("JPEG", quality=60)(pale, random.Random(0)))) is None


def test_coloured_lines_in_grey_are_a_change() -> None:
    grey = pixels(saved("JPEG", partial(saturation, by=0.0), quality=75)(lined_plan(), random.Random(0)))
    assert differing(np.asarray(lined_plan()), grey) == WHOLE
