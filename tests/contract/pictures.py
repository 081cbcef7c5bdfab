"""Drawn pictures and copies of them, for servers that are held against each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageOps

MANY = 36


def made(seed: int) -> Image.Image:
    """A picture unlike those of other seeds: blobs with a few shapes on them."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    picture = Image.fromarray(small).resize((420, 300), Image.Resampling.BICUBIC)
    pencil = ImageDraw.Draw(picture)
    for _ in range(5):
        left, top = (int(value) for value in random.integers(0, 260, 2))
        colour = tuple(int(value) for value in random.integers(0, 256, 3))
        pencil.ellipse((left, top, left + 60, top + 40), fill=colour)
    return picture


def draw_pictures(folder: Path) -> None:
    """MANY pictures, some with copies: scaled, cropped, mirrored, turned, equal; and two of one colour."""
    for number in range(MANY):
        picture = made(number)
        picture.save(folder / f"{number:02}.png")
        if number % 4 == 0:
            picture.resize((210, 150)).save(folder / f"{number:02} small.jpg", quality=85)
            picture.save(folder / f"{number:02},same.bmp")
        if number % 4 == 1:
            picture.crop((30, 20, 400, 290)).save(folder / f"{number:02} cropped.jpg", quality=90)
        if number % 4 == 2:
            ImageOps.mirror(picture).save(folder / f"{number:02} mirrored.jpg", quality=90)
            picture.rotate(90, expand=True).save(folder / f"{number:02} turned.jpg", quality=90)
    for name in ("flat", "flat again"):
        Image.new("RGB", (80, 60), (10, 200, 30)).save(folder / f"{name}.png")
