"""Pictures as parts of others: in a collage, before another picture, in a post on a telephone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageOps

from include.detector.editing.edits import encode

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from include.detector.editing.manipulations import Manipulation

    Pasting = Callable[[Image.Image, Sequence[Image.Image], random.Random], Image.Image]

PAGE = 640, 480
SCREEN = 540, 1100
GAP = 6


def pastings(others: Sequence[Image.Image]) -> dict[str, Manipulation]:
    """By name, manipulations that show a picture together with some of at least two others."""
    made: dict[str, Pasting] = {
        "collage of 2": partial(collage, count=2),
        "collage of 3": partial(collage, count=3),
        "on a background": on_background,
        "post": post,
    }
    return {name: _saved(pasting, others) for name, pasting in made.items()}


def collage(
    image: Image.Image, others: Sequence[Image.Image], rng: random.Random, *, count: int
) -> Image.Image:
    """So many pictures side by side, all equally high."""
    height = 800 // count
    shown = [image, *rng.sample(others, count - 1)]
    rng.shuffle(shown)
    cells = [one.resize((max(1, round(one.width * height / one.height)), height)) for one in shown]
    page = Image.new("RGB", (sum(cell.width + GAP for cell in cells) - GAP, height), "white")
    left = 0
    for cell in cells:
        page.paste(cell, (left, 0))
        left += cell.width + GAP
    return page


def on_background(image: Image.Image, others: Sequence[Image.Image], rng: random.Random) -> Image.Image:
    """The picture anywhere before another one, 60 % as wide or as high."""
    page = ImageOps.fit(rng.choice(others), PAGE)
    small = ImageOps.contain(image, (PAGE[0] * 3 // 5, PAGE[1] * 3 // 5))
    page.paste(small, (rng.randrange(PAGE[0] - small.width), rng.randrange(PAGE[1] - small.height)))
    return page


def post(image: Image.Image, others: Sequence[Image.Image], rng: random.Random) -> Image.Image:
    """The screen of a telephone that shows the picture between lines of text."""
    page = Image.new("RGB", SCREEN, rng.choice(("white", "black")))
    shown = ImageOps.contain(image, (SCREEN[0], SCREEN[1] * 2 // 3))
    top = rng.randrange(100, SCREEN[1] - shown.height - 50)
    page.paste(shown, ((SCREEN[0] - shown.width) // 2, top))
    draw = ImageDraw.Draw(page)
    for line, at in enumerate((15, 55, top + shown.height + 15)):
        draw.text((20, at), f"line {line} of a post", fill="#777777", font_size=18)
    return page


def _saved(pasting: Pasting, others: Sequence[Image.Image]) -> Manipulation:
    return lambda image, rng: encode(pasting(image, others, rng), quality=85)
