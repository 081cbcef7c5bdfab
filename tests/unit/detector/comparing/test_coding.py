"""A palette is one that a picture was brought to, not the few colours of a drawing."""

from __future__ import annotations

import random

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from include.detector.comparing.coding import missed_by
from include.detector.editing.edits import palette
from include.detector.editing.manipulations import saved
from include.safe_picture import decode
from include.tools.last_look_pictures import PHOTOS


def pixels(data: bytes) -> NDArray[np.uint8]:
    return decode(data).rgb


def chart() -> Image.Image:
    """Bars and lines in a hundred colours on white."""
    page = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(page)
    for step in range(100):
        colour = (2 * step, 255 - step, 128 + step)
        draw.line((4 * step, 0, 4 * step, 40 + 2 * step), fill=colour, width=2)
    return page


@pytest.mark.parametrize("quality", [90, 30])
def test_a_drawing_in_few_colours_has_no_palette(quality: int) -> None:
    copy = pixels(saved("JPEG", quality=quality)(chart(), random.Random(0)))
    assert missed_by(np.asarray(chart()), copy) is None


def test_a_photograph_in_few_colours_has_one() -> None:
    photograph = Image.open(PHOTOS / "skimage-chelsea.jpg").convert("RGB")
    few = pixels(saved("GIF", palette)(photograph, random.Random(0)))
    assert missed_by(few, np.asarray(photograph)) is not None


def test_a_drawing_is_brought_to_a_palette_too() -> None:
    wide = cv2.resize(np.asarray(chart()), (400, 300), interpolation=cv2.INTER_CUBIC)
    soft = Image.fromarray(cv2.GaussianBlur(wide, (0, 0), 2))
    few = pixels(saved("PNG", palette)(soft, random.Random(0)))
    assert missed_by(few, np.asarray(soft)) is not None


def test_a_smaller_picture_has_a_palette_and_one_that_it_was_scaled_from_has_none() -> None:
    photograph = Image.open(PHOTOS / "skimage-chelsea.jpg").convert("RGB")
    few = pixels(saved("GIF", palette)(photograph.resize((225, 150)), random.Random(0)))
    assert missed_by(few, np.asarray(photograph)) is not None
    assert missed_by(np.asarray(photograph), few) is None
