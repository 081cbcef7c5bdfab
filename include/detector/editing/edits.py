"""Edits of a picture: its size, shape, tones and sharpness.

Each takes a picture and a seeded generator, which most of them do not need, and returns a new picture.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from include.detector.editing.drawing import (
    border,
    caption,
    letterbox,
    logo,
    meme,
    screenshot,
    stripes,
    watermark,
)

Edit = Callable[[Image.Image, random.Random], Image.Image]


def encode(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The picture as a file; JPEG of quality 88 where nothing else is said."""
    out = io.BytesIO()
    image.save(out, kind, **({"quality": 88} if kind == "JPEG" else {}) | options)
    return out.getvalue()


def scale(image: Image.Image, rng: random.Random, *, by: float) -> Image.Image:
    size = max(1, round(image.width * by)), max(1, round(image.height * by))
    return image.resize(size, Image.Resampling.LANCZOS)


def palette(image: Image.Image, rng: random.Random) -> Image.Image:
    return image.convert("P", palette=Image.Palette.ADAPTIVE, colors=256)


def recode(image: Image.Image, rng: random.Random, *, quality: int) -> Image.Image:
    return Image.open(io.BytesIO(encode(image, quality=quality))).convert("RGB")


def blur(image: Image.Image, rng: random.Random, *, radius: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius))


def crop(image: Image.Image, rng: random.Random, *, area: float, corner: bool) -> Image.Image:
    width, height = round(image.width * area**0.5), round(image.height * area**0.5)
    left, top = image.width - width, image.height - height
    if corner:
        left, top = rng.choice([0, left]), rng.choice([0, top])
    else:
        left, top = left // 2, top // 2
    return image.crop((left, top, left + width, top + height))


def trim(
    image: Image.Image, rng: random.Random, *, left: float, top: float, right: float, bottom: float
) -> Image.Image:
    """Cut off these shares of the width and the height."""
    width, height = image.size
    box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
    return image.crop((round(box[0]), round(box[1]), round(box[2]), round(box[3])))


def squeeze(image: Image.Image, rng: random.Random, *, width: float) -> Image.Image:
    """Make the picture narrower (or wider) and leave its height."""
    return image.resize((round(image.width * width), image.height), Image.Resampling.LANCZOS)


def stretch(image: Image.Image, rng: random.Random, *, aspect: float) -> Image.Image:
    """Change the aspect ratio by at least a tenth, keeping the area."""
    if abs(image.width / image.height / aspect - 1) < 0.1:
        aspect *= 0.75
    height = (image.width * image.height / aspect) ** 0.5
    return image.resize((round(height * aspect), round(height)), Image.Resampling.LANCZOS)


def brightness(image: Image.Image, rng: random.Random, *, by: float) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(by)


def contrast(image: Image.Image, rng: random.Random, *, by: float) -> Image.Image:
    return ImageEnhance.Contrast(image).enhance(by)


def saturation(image: Image.Image, rng: random.Random, *, by: float) -> Image.Image:
    return ImageEnhance.Color(image).enhance(by)


def sharpness(image: Image.Image, rng: random.Random, *, by: float) -> Image.Image:
    return ImageEnhance.Sharpness(image).enhance(by)


def gamma(image: Image.Image, rng: random.Random, *, power: float) -> Image.Image:
    return image.point([round(255 * (level / 255) ** power) for level in range(256)] * 3)


def mirror(image: Image.Image, rng: random.Random) -> Image.Image:
    return ImageOps.mirror(image)


def turn(image: Image.Image, rng: random.Random, *, degrees: float) -> Image.Image:
    """Rotate to either side; the corners become black."""
    return image.rotate(degrees * rng.choice([-1, 1]), Image.Resampling.BICUBIC)


def quarter_turn(image: Image.Image, rng: random.Random) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_90)


def upside_down(image: Image.Image, rng: random.Random) -> Image.Image:
    return image.transpose(Image.Transpose.ROTATE_180)


def random_edit(image: Image.Image, rng: random.Random) -> Image.Image:
    """A random mixture of edits, as the embedding is trained on."""
    chances: list[tuple[float, Edit]] = [
        (0.65, _random_crop),
        (0.30, lambda i, r: i.resize((max(8, round(i.width * r.uniform(0.65, 1.5))), i.height))),
        (0.30, lambda i, r: brightness(i, r, by=r.uniform(0.45, 1.7))),
        (0.25, lambda i, r: saturation(i, r, by=r.choice([0.0, 0.3, 0.6, 1.5, 2.2]))),
        (0.25, lambda i, r: contrast(i, r, by=r.uniform(0.5, 1.7))),
        (0.25, lambda i, r: gamma(i, r, power=r.choice([0.5, 0.7, 1.5, 2.0]))),
        (0.15, caption),
        (0.15, meme),
        (0.25, lambda i, r: logo(i, r, area=r.uniform(0.05, 0.25))),
        (0.08, watermark),
        (0.08, stripes),
        (0.08, border),
        (0.08, letterbox),
        (0.06, screenshot),
        (0.10, mirror),
        (0.12, lambda i, r: turn(i, r, degrees=r.uniform(0, 6))),
        (0.10, lambda i, r: blur(i, r, radius=r.uniform(0.5, 3))),
        (0.15, lambda i, r: scale(i, r, by=r.uniform(0.12, 0.5))),
        (0.30, lambda i, r: recode(i, r, quality=r.randint(8, 60))),
    ]
    for chance, edit in chances:
        if rng.random() < chance:
            image = edit(image, rng)
    return image


def _random_crop(image: Image.Image, rng: random.Random) -> Image.Image:
    factor = rng.uniform(0.35, 0.97) ** 0.5
    width = min(image.width, image.width * factor * rng.uniform(0.85, 1.15))
    height = image.height * factor
    left, top = rng.uniform(0, image.width - width), rng.uniform(0, image.height - height)
    return image.crop((round(left), round(top), round(left + width), round(top + height)))
