"""The pictures that the last look is measured on: photographs, and papers that are drawn here.

All are made from seeds: a picture of one name is the same in every run.
"""

from __future__ import annotations

import random
import string
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from include.detector.training.pages import pages

PHOTOS = Path(__file__).parents[1] / "demo" / "photos"
ITEMS = ("bolts", "nuts", "paper", "ink", "lamp oil", "rope 3 m", "Milk", "Rye bread", "Tea", "Apples")
LABELS = ("Name", "Street", "City", "Born", "Account", "Policy", "Amount", "Due", "Telephone", "Customer")
WORDS = ("Anna Keller", "J. Okafor", "Bergstrasse 12", "Lyon", "Maria Lopez", "Old Mill Road 7", "Delft")


def originals(count: int, folder: Path | None = None) -> dict[str, Image.Image]:
    """``count`` pictures by name, the kinds mixed; half of them from ``folder`` where one is given."""
    own = {path.name: path for path in sorted(PHOTOS.glob("*.jpg"))}
    made = pages(3, 4) | {f"form {number}": form(48_000 + number) for number in range(3)}
    made |= {f"{kind.__name__} {seed}": kind(seed) for kind in (smooth, thin_lines) for seed in range(3)}
    made |= {f"paper {seed}": paper(seed) for seed in range(10)}
    names = sorted([*own, *made])
    random.Random(1).shuffle(names)  # noqa: S311
    theirs = _mixed(folder, count // 2) if folder else []
    chosen = names[: count - len(theirs)]
    found = {name: made[name] if name in made else Image.open(own[name]).convert("RGB") for name in chosen}
    return found | {str(path): _bounded(path) for path in theirs}


def _mixed(folder: Path, count: int) -> list[Path]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    random.Random(2).shuffle(paths)  # noqa: S311
    return paths[:count]


def _bounded(path: Path) -> Image.Image:
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((1600, 1600))
    return picture


def form(number: int) -> Image.Image:
    """An invoice that differs from others by its number alone."""
    page, rng = Image.new("RGB", (800, 1100), "white"), random.Random(5)  # noqa: S311
    draw = ImageDraw.Draw(page)
    draw.text((60, 40), "INVOICE", font=ImageFont.load_default(40), fill="black")
    for row in range(22):
        top = 140 + 40 * row
        draw.line([(60, top + 28), (740, top + 28)], fill=(150, 150, 150))
        item = f"Item {row} {rng.choice(['bolts', 'nuts', 'paper', 'ink'])}"
        draw.text((70, top), item, font=ImageFont.load_default(18), fill=(10, 10, 10))
        price = f"{rng.randrange(1000, 9999)}.{rng.randrange(10, 99)}"
        draw.text((600, top), price, font=ImageFont.load_default(18), fill=(10, 10, 10))
    draw.text((60, 1040), f"Invoice number {number}", font=ImageFont.load_default(20), fill="black")
    return page


def paper(seed: int, changed: int | None = None) -> Image.Image:
    """A form, receipt or list in one of several types, on white, tinted, scanned or dark paper.

    ``changed`` alters one letter or digit: two papers of one seed differ in nothing else.
    """
    rng = random.Random(f"paper/{seed}")  # noqa: S311
    width, height = rng.choice([(800, 1100), (420, 1000), (1000, 700)])
    ground = rng.choice([(255, 255, 255), (250, 246, 232), (228, 228, 224), (32, 34, 40)])
    dark = sum(ground) < 300
    ink = (230, 230, 225) if dark else rng.choice([(0, 0, 0), (30, 30, 60), (90, 90, 90)])
    size = rng.choice([13, 15, 18, 22])
    values = [_value(rng) for _ in range(height // (2 * size) - 3)]
    if changed is not None:
        values = _altered(values, random.Random(f"{seed}/{changed}"))  # noqa: S311
    page = np.full((height, width, 3), ground, np.uint8)
    if rng.random() < 0.3 and not dark:
        noise = np.random.default_rng(seed).normal(0, 3, (height, width, 1))
        page = np.clip(page + noise, 0, 255).astype(np.uint8)
    is_ruled, types = rng.random() < 0.5, rng.randrange(3)
    canvas = Image.fromarray(page)
    draw = ImageDraw.Draw(canvas)
    for row, value in enumerate(values):
        top = 2 * size * (row + 1)
        if is_ruled:
            draw.line([(30, top + 1.4 * size), (width - 30, top + 1.4 * size)], fill=(150, 150, 150))
        for left, text in ((40, rng.choice(LABELS)), (width * 0.55, value)):
            _write(canvas, (left, top), text, size=size, ink=ink, types=types)
    return canvas


def _value(rng: random.Random) -> str:
    number = f"{rng.randrange(10, 99)}-{rng.randrange(1000, 9999)}"
    price = f"{rng.randrange(1, 999)}.{rng.randrange(10, 99)}"
    return rng.choice([rng.choice(ITEMS), rng.choice(WORDS), number, price])


def _altered(values: list[str], rng: random.Random) -> list[str]:
    """Return the values with one letter or digit of one of them another one."""
    row = rng.randrange(len(values))
    places = [place for place, letter in enumerate(values[row]) if letter.isalnum()]
    place = rng.choice(places)
    old = values[row][place]
    kinds = string.digits if old.isdigit() else string.ascii_lowercase
    new = rng.choice([letter for letter in kinds if letter != old.lower()])
    return [*values[:row], values[row][:place] + new + values[row][place + 1 :], *values[row + 1 :]]


def _write(
    page: Image.Image, at: tuple[float, float], text: str, *, size: int, ink: tuple[int, ...], types: int
) -> None:
    """Write with Pillow's own type, or with the thin strokes of two of OpenCV's."""
    if types == 0:
        ImageDraw.Draw(page).text(at, text, font=ImageFont.load_default(size), fill=ink)
        return
    kind = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_COMPLEX)[types - 1]
    pixels = np.array(page)
    place = round(at[0]), round(at[1] + size * 0.8)
    cv2.putText(pixels, text, place, kind, size / 30, ink, 1, cv2.LINE_AA)
    page.paste(Image.fromarray(pixels))


def smooth(seed: int) -> Image.Image:
    """A wallpaper: wide soft gradients of several colours."""
    rng = np.random.default_rng(seed)
    few: NDArray[np.uint8] = rng.integers(20, 236, (3, 4, 3), np.uint8)
    wide = cv2.resize(few.astype(np.float32), (1280, 800), interpolation=cv2.INTER_CUBIC)
    return Image.fromarray(np.clip(wide, 0, 255).astype(np.uint8))


def thin_lines(seed: int) -> Image.Image:
    """A plan: lines of a pixel, circles and hatching on white."""
    rng = random.Random(f"lines/{seed}")  # noqa: S311
    page = Image.new("RGB", (900, 650), "white")
    draw = ImageDraw.Draw(page)
    for _ in range(60):
        start = rng.uniform(0, 900), rng.uniform(0, 650)
        across, along = rng.choice([(rng.uniform(20, 300), 0), (0, rng.uniform(20, 300)), (80, 60)])
        ink = rng.choice(["black", "black", "#2244aa", "#aa2222"])
        draw.line([start, (start[0] + across, start[1] + along)], fill=ink, width=rng.choice([1, 1, 2]))
        if rng.random() < 0.2:
            radius = rng.uniform(5, 60)
            draw.ellipse(
                [start[0] - radius, start[1] - radius, start[0] + radius, start[1] + radius], outline=ink
            )
    return page
