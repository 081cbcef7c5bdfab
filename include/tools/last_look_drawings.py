"""Papers, plans and staves that no constant of the last look was chosen with; made from seeds."""

from __future__ import annotations

import math
import random

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOMS = ("Hall", "Kitchen", "Bath", "Office 2", "Store", "Room 14", "Stairs")
COLUMNS = ("Date", "Text", "Amount", "Balance")
WORDS = ("Rent", "Salary", "Transfer", "Card payment", "Refund", "Interest", "Cash", "Fee", "Standing order")
TYPES = (cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_PLAIN)


def statement(seed: str, change: str = "") -> Image.Image:
    """A statement of an account, a ticket or a label; ``change`` gives one digit of it another value."""
    rng = random.Random(f"statement/{seed}")  # noqa: S311
    width, height = rng.choice([(760, 1000), (1000, 640), (520, 740)])
    size = rng.choice([14, 16, 19, 24])
    rows = [
        [_date(rng), rng.choice(WORDS), _amount(rng), _amount(rng)] for _ in range(height // (2 * size) - 4)
    ]
    number = f"{rng.randrange(10**9):09}"
    if change:
        number, rows = _another_digit(number, rows, random.Random(f"{seed}/{change}"))  # noqa: S311
    page = Image.new("RGB", (width, height), rng.choice(["white", "#fbf7ea", "#eef3f8", "#f4f4f4"]))
    draw = ImageDraw.Draw(page)
    if rng.random() < 0.5:
        draw.rectangle((0, 0, width, 2 * size), fill=rng.choice(["#dfe8f5", "#e8e8e8", "#20406a"]))
    ink = rng.choice(["#000000", "#222222", "#555555", "#1c2f6b"])
    face = rng.choice([None, None, *TYPES])
    _write(page, (20, size // 2), f"Account {number}", size=size, ink=ink, face=face)
    for row, values in enumerate([list(COLUMNS), *rows]):
        top = 3 * size + 2 * size * row
        draw = ImageDraw.Draw(page)
        draw.line(
            (20, top + 1.6 * size, width - 20, top + 1.6 * size), fill=rng.choice(["#bbbbbb", "#d8d8d8"])
        )
        for column, value in enumerate(values):
            _write(page, (20 + column * width // 4, top), value, size=size, ink=ink, face=face)
    return page


def plan(seed: str) -> Image.Image:
    """The floor plan of a house: walls, doors, hatching, measures; thin lines, black or grey, on white."""
    rng = random.Random(f"plan/{seed}")  # noqa: S311
    times = rng.choice([1, 1, 2])
    width, height = rng.choice([(900, 700), (640, 900), (1100, 800)])
    page = Image.new("RGB", (width * times, height * times), "white")
    draw, ink = ImageDraw.Draw(page), rng.choice(["#000000", "#333333", "#777777", "#aaaaaa"])
    for column in range(4):
        for row in range(4):
            left, top = (40 + column * width // 5) * times, (40 + row * height // 5) * times
            right = left + rng.randrange(width // 8, width // 5) * times
            bottom = top + rng.randrange(height // 8, height // 5) * times
            draw.rectangle((left, top, right, bottom), outline=ink, width=rng.choice([1, 2]) * times)
            _furnish(draw, (left, top, right, bottom), times, ink, rng)
    draw.line((20 * times, 0, 20 * times, page.height), fill="#cc3333", width=times)
    return page.resize((width, height), Image.Resampling.BOX)


def staves(seed: str) -> Image.Image:
    """A sheet of music, or of graph paper with a curve."""
    rng = random.Random(f"staves/{seed}")  # noqa: S311
    page = Image.new("RGB", (800, 1000), "white")
    draw, ink = ImageDraw.Draw(page), rng.choice(["#000000", "#666666", "#b0b0b0"])
    gap = rng.choice([6, 8, 10])
    for top in range(40, 950, 12 * gap):
        for line in range(5):
            draw.line((30, top + gap * line, 770, top + gap * line), fill=ink)
        for left in range(50, 760, rng.choice([23, 31, 40])):
            middle = top + rng.randrange(8) * gap / 2
            draw.ellipse((left, middle - gap / 2, left + gap * 1.3, middle + gap / 2), fill="#000000")
            draw.line((left + gap * 1.3, middle, left + gap * 1.3, middle - 3 * gap), fill="#000000")
    return page


def _furnish(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], times: int, ink: str, rng: random.Random
) -> None:
    """Draw a door, hatching or a measure into a room, and its name."""
    left, top, right, bottom = box
    what, side = rng.randrange(3), min(right - left, bottom - top) // 3
    if what == 0:
        draw.arc((left, bottom - side, left + 2 * side, bottom + side), 180, 270, fill=ink, width=times)
    elif what == 1:
        for step in range(0, 2 * side, 6 * times):
            draw.line((left + step, top, left, top + step), fill=ink, width=times)
    else:
        angle = rng.uniform(0, math.pi / 2)
        end = left + side * 2 * math.cos(angle), top + side * 2 * math.sin(angle)
        draw.line((left, top, *end), fill="#3355aa", width=times)
    name = rng.choice([*ROOMS, f"{rng.randrange(200, 900)}"])
    draw.text((left + side, top + side), name, font=ImageFont.load_default(12 * times), fill=ink)


def _date(rng: random.Random) -> str:
    return f"{rng.randrange(1, 29):02}.{rng.randrange(1, 13):02}.20{rng.randrange(10, 27)}"


def _amount(rng: random.Random) -> str:
    return f"{rng.randrange(1, 9999)}.{rng.randrange(100):02}"


def _another_digit(number: str, rows: list[list[str]], rng: random.Random) -> tuple[str, list[list[str]]]:
    """Return both with another digit at one place: of the number at the top, or of a row."""
    if rng.random() < 0.3:
        return _altered(number, rng), rows
    row, column = rng.randrange(len(rows)), rng.choice([0, 2, 3])
    changed = [list(values) for values in rows]
    changed[row][column] = _altered(changed[row][column], rng)
    return number, changed


def _altered(text: str, rng: random.Random) -> str:
    place = rng.choice([place for place, letter in enumerate(text) if letter.isdigit()])
    other = rng.choice([digit for digit in "0123456789" if digit != text[place]])
    return text[:place] + other + text[place + 1 :]


def _write(
    page: Image.Image, at: tuple[int, int], text: str, *, size: int, ink: str, face: int | None
) -> None:
    """Write in Pillow's own type, or in one of OpenCV's."""
    if face is None:
        ImageDraw.Draw(page).text(at, text, font=ImageFont.load_default(size), fill=ink)
        return
    pixels, colour = np.array(page), tuple(bytes.fromhex(ink[1:]))
    share = size / (16 if face == cv2.FONT_HERSHEY_PLAIN else 32)
    cv2.putText(pixels, text, (at[0], round(at[1] + size * 0.8)), face, share, colour, 1, cv2.LINE_AA)
    page.paste(Image.fromarray(pixels))
