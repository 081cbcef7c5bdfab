"""A product shot with another colour behind it is near; other things before another colour are others."""

from __future__ import annotations

import itertools

import pytest
from PIL import Image, ImageDraw, ImageFont

from include.detector.comparing.backdrop import backdrop_of
from include.detector.comparing.explain import explain_pair
from include.detector.comparing.score import EXACT, NEAR, score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.imaging import analyze
from tests.support.drawn import file
from tests.support.library import photo
from tests.support.small_collection import PHOTOS

SIDE = 480
THINGS = sorted(path.name for path in PHOTOS.glob("*.jpg"))[::20]
COLOURS = ["#101014", "#808080", "#f5c8c8", "#005aa0", "#b4dcb4"]
FLAVOURS = {"Vanilla": "#e8d9a0", "Cherry": "#c02040", "Coffee": "#5a3c28", "Mint": "#a8d8b8"}


def bottle(flavour: str, behind: str) -> Image.Image:
    """A bottle with a label in its colour, of one outline whatever is written on it."""
    sheet, at = Image.new("RGB", (SIDE, SIDE), behind), 170
    draw = ImageDraw.Draw(sheet)
    draw.rounded_rectangle([at, 120, at + 140, 440], 30, "#7a3b1e")
    draw.rectangle([at + 45, 40, at + 95, 140], "#31506b")
    draw.rectangle([at, 220, at + 140, 360], FLAVOURS[flavour])
    draw.text((at + 8, 250), flavour, "#20301a", ImageFont.load_default(34))
    draw.ellipse([at + 45, 300, at + 95, 350], "#1c7a30")
    return sheet


def cut_out(name: str, behind: str) -> Image.Image:
    """What a photograph shows, as a round thing before a colour."""
    sheet = Image.new("RGB", (SIDE, SIDE), behind)
    mask = Image.new("L", (SIDE, SIDE), 0)
    ImageDraw.Draw(mask).ellipse([90, 110, 390, 410], fill=255)
    sheet.paste(photo(name, SIDE).resize((SIDE, SIDE)), (0, 0), mask)
    return sheet


def score(first: Image.Image, second: Image.Image, quality: int = 80) -> float:
    return score_pair(
        Thumb.of(analyze(file(first, "PNG"))),
        Thumb.of(analyze(file(second, "JPEG", quality=quality))),
        mirror=True,
    )


@pytest.mark.parametrize("behind", COLOURS)
def test_another_colour_behind_a_thing_leaves_it_near(behind: str) -> None:
    for name in THINGS:
        assert NEAR <= score(cut_out(name, "white"), cut_out(name, behind)) < EXACT
    smaller = bottle("Vanilla", behind).resize((240, 240))
    assert NEAR <= score(bottle("Vanilla", "white"), smaller, 60) < EXACT


def test_white_parts_of_a_thing_may_run_into_a_white_backdrop() -> None:
    def carton(behind: str) -> Image.Image:
        sheet = bottle("Mint", behind)
        ImageDraw.Draw(sheet).rectangle([320, 200, 420, 400], "white", "#999999")
        return sheet

    assert NEAR <= score(carton("white"), carton("#202028")) < EXACT


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(FLAVOURS, 2)))
def test_another_flavour_of_the_same_outline_is_another_thing(one: str, other: str) -> None:
    assert score(bottle(one, "white"), bottle(other, "#202028")) < NEAR


def test_other_things_and_things_elsewhere_are_others() -> None:
    for one, other in itertools.combinations(THINGS, 2):
        assert score(cut_out(one, "white"), cut_out(other, "#202028")) < NEAR
    shapes = [Image.new("RGB", (SIDE, SIDE), behind) for behind in ("white", "#202028")]
    for shape in shapes:
        ImageDraw.Draw(shape).ellipse([90, 110, 390, 410], fill="#c02020")  # one colour says nothing
    assert score(*shapes) < NEAR


def test_the_reason_is_told() -> None:
    thumbs = [Thumb.of(analyze(file(bottle("Vanilla", behind)))) for behind in ("white", "#202028")]
    explanation = explain_pair(*thumbs, mirror=True)
    assert explanation is not None
    assert explanation.reason == "near: the same thing before another backdrop"


def test_photographs_have_no_backdrop() -> None:
    pictures = [Image.open(path).convert("RGB") for path in sorted(PHOTOS.glob("*.jpg"))[:12]]
    thumbs = [Thumb.of(analyze(file(picture))) for picture in pictures]
    assert sum(thumb.backdrop is not None for thumb in thumbs) <= 2
    assert backdrop_of(Thumb.of(analyze(file(bottle("Mint", "white")))).pixels.rgb) is not None
