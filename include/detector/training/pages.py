"""Text pages and charts: pictures of one template with other contents, the hardest to tell apart."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Kind = Callable[[random.Random], Image.Image]

TEXT = (
    "the of and a to in is it you that he was for on are with as his they be at one have this from or had "
    "hot but some what there we can out other were all your when up use word how said an each she which do "
    "their time if will way about many then them would write like so these her long make thing see him two"
)
WORDS = TEXT.split()


def text_page(rng: random.Random) -> Image.Image:
    """A page of one headline and paragraphs, always with the same margins and type size."""
    page = Image.new("RGB", (600, 800), (255, 255, 255))
    draw = ImageDraw.Draw(page)
    draw.text((60, 50), " ".join(rng.choices(WORDS, k=3)).title(), font=_font(30), fill=(0, 0, 0))
    for line in range(28):
        if line % 7 != 6:
            text = " ".join(rng.choices(WORDS, k=rng.randint(9, 12)))[:62]
            draw.text((60, 110 + 23 * line), text, font=_font(15), fill=(20, 20, 20))
    return page


def bar_chart(rng: random.Random) -> Image.Image:
    """Twelve bars with the same axes, labels and title each time."""
    chart, draw = _axes("Turnover by month")
    for month in range(12):
        height = rng.uniform(20, 300)
        left = 75 + 42 * month
        draw.rectangle([left, 380 - height, left + 26, 380], fill=(70, 110, 180))
        draw.text((left + 4, 385), "JFMAMJJASOND"[month], font=_font(14), fill=(0, 0, 0))
    return chart


def line_chart(rng: random.Random) -> Image.Image:
    """Two random walks on the same axes each time."""
    chart, draw = _axes("Measured values")
    for colour in ((200, 60, 60), (60, 140, 60)):
        level, points = rng.uniform(120, 320), []
        for step in range(60):
            level = min(370, max(80, level + rng.gauss(0, 14)))
            points.append((70 + 8.5 * step, level))
        draw.line(points, fill=colour, width=3)
    return chart


def table(rng: random.Random) -> Image.Image:
    """Twenty rows of amounts in the same grid with the same heads each time."""
    sheet = Image.new("RGB", (1100, 800), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    draw.rectangle([50, 60, 1050, 92], fill=(150, 180, 210))
    for column, head in enumerate(("Item", "Stock", "Ordered", "Price", "Total")):
        draw.text((56 + 200 * column, 66), head, font=_font(16), fill=(0, 0, 0))
        for row in range(20):
            left, top = 50 + 200 * column, 92 + 33 * row
            amount = f"{rng.randrange(1, 9999)}.{rng.randrange(100):02d}"
            draw.rectangle([left, top, left + 200, top + 33], outline=(150, 150, 150))
            text = amount if column else " ".join(rng.choices(WORDS, k=3))
            draw.text((left + 6, top + 7), text, font=_font(16), fill=(0, 0, 0))
    return sheet


def form(rng: random.Random) -> Image.Image:
    """Fifteen fields with the same labels, filled in otherwise each time."""
    sheet = Image.new("RGB", (850, 1100), (255, 255, 255))
    draw = ImageDraw.Draw(sheet)
    draw.text((60, 40), "Application for a permit", font=_font(28), fill=(0, 0, 0))
    for row, label in enumerate(WORDS[:60:4]):
        top = 120 + 60 * row
        draw.text((60, top), f"{label} {WORDS[row]}:".title(), font=_font(17), fill=(40, 40, 40))
        draw.rectangle([300, top - 6, 790, top + 42], outline=(120, 120, 120))
        draw.text(
            (310, top), " ".join(rng.choices(WORDS, k=rng.randint(2, 7))), font=_font(18), fill=(10, 10, 90)
        )
    return sheet


def pages(
    seed: int, count: int, kinds: Iterable[Kind] = (text_page, bar_chart, line_chart)
) -> dict[str, Image.Image]:
    """`count` pictures of each kind by name."""
    return {
        f"{kind.__name__}-{number}": kind(random.Random(f"{seed}/{kind.__name__}/{number}"))  # noqa: S311
        for kind in kinds
        for number in range(count)
    }


def _axes(title: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    chart = Image.new("RGB", (600, 430), (255, 255, 255))
    draw = ImageDraw.Draw(chart)
    draw.text((190, 15), title, font=_font(22), fill=(0, 0, 0))
    draw.line([(65, 60), (65, 380), (590, 380)], fill=(0, 0, 0), width=2)
    for row in range(5):
        draw.line([(65, 60 + 64 * row), (590, 60 + 64 * row)], fill=(220, 220, 220))
        draw.text((25, 52 + 64 * row), str(100 - 20 * row), font=_font(14), fill=(0, 0, 0))
    return chart, draw


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
