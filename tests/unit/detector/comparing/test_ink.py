"""Pages are one if they hold the same words, whatever they have in common beside them."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.editing.drawing import watermark
from include.detector.imaging import analyze
from include.detector.training.pages import form, table, text_page
from tests.support.drawn import file


def thumb(page: Image.Image) -> Thumb:
    return Thumb.of(analyze(file(page)))


def page(seed: int) -> Image.Image:
    return table(random.Random(seed))


def scanned(sheet: Image.Image, degrees: float) -> Image.Image:
    """The page on grey paper, a little turned, soft and noisy."""
    width, height = sheet.size
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    pixels = cv2.warpAffine(
        np.asarray(sheet, np.float32),
        turn,
        (width, height),
        borderValue=(235, 235, 235),
        flags=cv2.INTER_CUBIC,
    )
    noise = np.random.default_rng(3).normal(0, 5, (height, width, 1))
    soft = cv2.GaussianBlur(pixels, (0, 0), 0.8) * 0.93 + 10 + noise
    return Image.fromarray(soft.clip(0, 255).astype(np.uint8))


def stamped(sheet: Image.Image) -> Image.Image:
    stamp = sheet.copy()
    draw, (width, height) = ImageDraw.Draw(stamp), sheet.size
    box = [width * 0.6, height * 0.6, width * 0.85, height * 0.85]
    draw.ellipse(box, outline=(200, 30, 30), width=8)
    draw.text((width * 0.65, height * 0.7), "PAID", font=ImageFont.load_default(60), fill=(200, 30, 30))
    return stamp


@pytest.mark.parametrize("seed", range(4))
def test_tables_of_one_template_with_other_numbers_are_two(seed: int) -> None:
    assert score_pair(thumb(page(seed)), thumb(page(seed + 10)), mirror=True) < 0.70


@pytest.mark.parametrize(("one", "other"), [(5, 18), (5, 32), (8, 10), (10, 18)])
def test_tables_whose_words_happen_to_be_alike_are_two(one: int, other: int) -> None:
    first, second = (thumb(table(random.Random(f"77/table/{seed}"))) for seed in (one, other))
    assert score_pair(first, second, mirror=True) < 0.70


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("degrees", [0, 1, -2])
def test_a_page_that_is_scanned_again_is_near(seed: int, degrees: float) -> None:
    assert 0.70 <= score_pair(thumb(page(seed)), thumb(scanned(page(seed), degrees)), mirror=True) < 0.95


def test_a_page_with_a_stamp_is_near() -> None:
    assert 0.70 <= score_pair(thumb(page(1)), thumb(stamped(page(1))), mirror=True) < 0.95


def test_a_page_that_is_coded_anew_is_exact() -> None:
    coded = io.BytesIO()
    page(1).save(coded, "JPEG", quality=40)
    assert score_pair(thumb(page(1)), Thumb.of(analyze(coded.getvalue())), mirror=True) >= 0.95


def drawing(seed: int) -> Image.Image:
    """Outlines and spots on white paper."""
    rng = random.Random(seed)
    sheet = Image.new("RGB", (300, 300), "white")
    draw = ImageDraw.Draw(sheet)
    for _ in range(9):
        x, y, side = rng.randrange(30, 200), rng.randrange(30, 200), rng.randrange(20, 70)
        colour = (rng.randrange(200), rng.randrange(200), rng.randrange(200))
        draw.ellipse([x, y, x + side, y + side * 0.7], fill=colour, outline="black", width=3)
    return sheet


@pytest.mark.parametrize("seed", range(4))
def test_a_drawing_that_is_blurred_is_near_and_another_is_not(seed: int) -> None:
    blurred = thumb(drawing(seed).filter(ImageFilter.GaussianBlur(5)))
    assert score_pair(thumb(drawing(seed)), blurred, mirror=True) >= 0.70
    assert score_pair(thumb(drawing(seed + 20)), blurred, mirror=True) < 0.70


@pytest.mark.parametrize("kind", [table, form, text_page])
def test_blurred_pages_of_one_template_with_other_words_are_two(kind: Callable[..., Image.Image]) -> None:
    one, other = (kind(random.Random(seed)) for seed in (1, 2))
    blurred = thumb(one.filter(ImageFilter.GaussianBlur(3)))
    assert score_pair(blurred, thumb(other), mirror=True) < 0.70


@pytest.mark.parametrize("kind", [form, text_page])
@pytest.mark.parametrize("seed", range(3))
def test_a_page_under_a_watermark_is_near_and_a_smaller_one_exact(
    kind: Callable[..., Image.Image], seed: int
) -> None:
    sheet = kind(random.Random(seed))
    under, half = watermark(sheet, random.Random(seed)), sheet.resize((sheet.width // 2, sheet.height // 2))
    assert 0.70 <= score_pair(thumb(sheet), thumb(under), mirror=True) < 0.95
    assert score_pair(thumb(sheet), thumb(half), mirror=True) >= 0.95


@pytest.mark.parametrize("height", [24, 36])
def test_another_number_at_one_place_is_not_exact(height: int) -> None:
    """Of two or three per cent of the page's height."""
    one, other = (page(2) for _ in range(2))
    for sheet, number in ((one, "48213"), (other, "97760")):
        draw = ImageDraw.Draw(sheet)
        draw.rectangle([400, 20, 400 + 3 * height, 20 + height], fill="white")
        draw.text((400, 20), number, font=ImageFont.load_default(height), fill="black")
    assert score_pair(thumb(one), thumb(other), mirror=True) < 0.95
