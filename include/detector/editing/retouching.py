"""Retouching: small changes that a person sees at once and a thumbnail hardly shows."""

from __future__ import annotations

import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

TRIES = 12
BUSY = 50  # levels between a patch and what it covers


def date_stamp(image: Image.Image, rng: random.Random) -> Image.Image:
    """An orange date in the lower right corner, as cameras print it."""
    date = f"20{rng.randrange(10, 26)} {rng.randrange(1, 13):02} {rng.randrange(1, 29):02}"
    return _written(image, date, (0.65, 0.92), 0.05, (255, 140, 20))


def signature(image: Image.Image, rng: random.Random) -> Image.Image:
    """A small line of text, black or white, anywhere."""
    place = rng.uniform(0, 0.6), rng.uniform(0, 0.9)
    return _written(image, "(c) J. Doe 2024", place, 0.03, rng.choice([(255, 255, 255), (0, 0, 0)]))


def tiled_watermark(image: Image.Image, rng: random.Random, *, opacity: float = 0.15) -> Image.Image:
    """Words all over, hardly opaque."""
    layer = Image.new("RGBA", image.size, (0, 0, 0, 0))
    draw, font = ImageDraw.Draw(layer), _font(image.height * 0.07)
    for row, top in enumerate(range(0, image.height, max(8, round(image.height * 0.2)))):
        for left in range(-40, image.width, max(8, round(image.width * 0.35))):
            place = left + 25 * row, top
            draw.text(place, "preview", font=font, fill=(255, 255, 255, round(255 * opacity)))
    return Image.alpha_composite(image.convert("RGBA"), layer).convert("RGB")


def blurred_part(image: Image.Image, rng: random.Random, *, side: float = 0.15) -> Image.Image:
    """The busiest of some squares made unrecognisable, as faces are; ``side`` of the shorter side."""
    image = image.copy()
    box = _busiest(image, rng, max(4, round(min(image.size) * side)))
    blurred = image.crop(box).filter(ImageFilter.GaussianBlur((box[2] - box[0]) * 0.15))
    image.paste(blurred, box)
    return image


def moved_part(image: Image.Image, rng: random.Random, *, side: float = 0.04) -> Image.Image:
    """Something covered by what lies elsewhere in the picture; ``side`` is a share of the longer side."""
    image = image.copy()
    length = max(3, round(max(image.size) * side))
    covered = _busiest(image, rng, length)
    left, top = rng.randrange(image.width - length), rng.randrange(image.height - length)
    image.paste(image.crop((left, top, left + length, top + length)), covered)
    return image


def patch(image: Image.Image, rng: random.Random, *, side: float = 0.01) -> Image.Image:
    """A small square of another colour; ``side`` is a share of the longer side."""
    image = image.copy()
    length = max(2, round(max(image.size) * side))
    for _ in range(TRIES):
        left, top = rng.randrange(image.width - length), rng.randrange(image.height - length)
        colour = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
        covered = np.asarray(image.crop((left, top, left + length, top + length))).mean(axis=(0, 1))
        if np.abs(covered - colour).max() > BUSY:
            break
    ImageDraw.Draw(image).rectangle((left, top, left + length - 1, top + length - 1), fill=colour)
    return image


def emoji(image: Image.Image, rng: random.Random) -> Image.Image:
    """A yellow face, a twelfth of the shorter side."""
    image = image.copy()
    draw, side = ImageDraw.Draw(image), min(image.size) / 12
    left, top = rng.uniform(0, image.width - side), rng.uniform(0, image.height - side)
    draw.ellipse((left, top, left + side, top + side), fill=(255, 205, 50))
    for eye in (0.25, 0.6):
        x, y = left + eye * side, top + 0.3 * side
        draw.ellipse((x, y, x + 0.15 * side, y + 0.15 * side), fill=(60, 40, 0))
    mouth = (left + 0.25 * side, top + 0.4 * side, left + 0.75 * side, top + 0.8 * side)
    draw.arc(mouth, 0, 180, fill=(60, 40, 0), width=2)
    return image


def _busiest(image: Image.Image, rng: random.Random, length: int) -> tuple[int, int, int, int]:
    grey = np.asarray(image.convert("L")).astype(np.float32)
    found = []
    for _ in range(TRIES):
        left, top = rng.randrange(image.width - length), rng.randrange(image.height - length)
        found.append((float(grey[top : top + length, left : left + length].std()), left, top))
    _, left, top = max(found)
    return left, top, left + length, top + length


def _written(
    image: Image.Image, text: str, place: tuple[float, float], size: float, colour: tuple[int, int, int]
) -> Image.Image:
    image = image.copy()
    at = image.width * place[0], image.height * place[1]
    ImageDraw.Draw(image).text(at, text, font=_font(image.height * size), fill=colour)
    return image


def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(max(8, size))
