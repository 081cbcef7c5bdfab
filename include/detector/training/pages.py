"""Text pages and charts: pictures of one template with other contents, the hardest to tell apart."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable

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


def pages(seed: int, count: int) -> dict[str, Image.Image]:
    """`count` pictures of each kind by name."""
    kinds: tuple[Callable[[random.Random], Image.Image], ...] = (text_page, bar_chart, line_chart)
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
