"""Photographs of the demo as a part of other pictures."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageOps

PHOTOS = Path("include/demo/photos")
WHOLE = "skimage-coffee.jpg"
BESIDE = ("gcompris-moose.jpg", "sklearn-china.jpg")


def photo(name: str = WHOLE) -> Image.Image:
    """A photograph of the demo, no side longer than 640 pixels."""
    image = Image.open(PHOTOS / name).convert("RGB")
    image.thumbnail((640, 640))
    return image


def collage(*images: Image.Image, height: int = 300, gap: int = 6) -> Image.Image:
    """Pictures side by side."""
    cells = [image.resize((round(image.width * height / image.height), height)) for image in images]
    page = Image.new("RGB", (sum(cell.width + gap for cell in cells) - gap, height), "white")
    left = 0
    for cell in cells:
        page.paste(cell, (left, 0))
        left += cell.width + gap
    return page


def on_background(image: Image.Image, background: Image.Image, share: float = 0.6) -> Image.Image:
    """A picture so large, off the middle, before another one."""
    page = ImageOps.fit(background, (640, 480))
    small = ImageOps.contain(image, (round(640 * share), round(480 * share)))
    page.paste(small, (40, 150))
    return page


def post(image: Image.Image) -> Image.Image:
    """A screenshot of a telephone that shows a picture between two empty fields."""
    page = Image.new("RGB", (540, 1100), "black")
    page.paste(ImageOps.contain(image, (540, 800)), (0, 260))
    return page


def made() -> dict[str, Image.Image]:
    """The photograph WHOLE in a collage, before another picture, on a screen."""
    whole, *others = (photo(name) for name in (WHOLE, *BESIDE))
    return {
        "collage of two": collage(whole, others[0]),
        "collage of three": collage(others[1], whole, others[0]),
        "background": on_background(whole, others[1]),
        "screen": post(whole),
    }
