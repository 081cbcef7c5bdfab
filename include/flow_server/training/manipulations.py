"""What people do to pictures: the edits that the detector is fitted and measured on.

Each manipulation takes a picture and a seeded generator and returns the bytes of the file that someone
would upload. EXACT leaves the pixels as they were but for coding and scale; NEAR changes what one sees;
BEYOND is what nobody was promised.
"""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable
from functools import partial

from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from include.flow_server.training.drawing import (
    border,
    caption,
    collage,
    coloured_text,
    icon,
    letterbox,
    logo,
    meme,
    screenshot,
    stripes,
    watermark,
)

Edit = Callable[[Image.Image, random.Random], Image.Image]
Manipulation = Callable[[Image.Image, random.Random], bytes]


def encode(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The picture as a file; JPEG of quality 88 where nothing else is said."""
    out = io.BytesIO()
    image.save(out, kind, **({"quality": 88} if kind == "JPEG" else {}) | options)
    return out.getvalue()


def saved(kind: str = "JPEG", *edits: Edit, **options: object) -> Manipulation:
    """Apply edits one after another, then encode."""

    def apply(image: Image.Image, rng: random.Random) -> bytes:
        for edit in edits:
            image = edit(image, rng)
        return encode(image, kind, **options)

    return apply


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


def make(name: str, image: Image.Image, seed: str) -> bytes:
    """Apply the manipulation called `name`; the same seed gives the same bytes."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return ALL[name](image, random.Random(digest))  # noqa: S311


def _random_crop(image: Image.Image, rng: random.Random) -> Image.Image:
    factor = rng.uniform(0.35, 0.97) ** 0.5
    width = min(image.width, image.width * factor * rng.uniform(0.85, 1.15))
    height = image.height * factor
    left, top = rng.uniform(0, image.width - width), rng.uniform(0, image.height - height)
    return image.crop((round(left), round(top), round(left + width), round(top + height)))


EXACT: dict[str, Manipulation] = {
    "png": saved("PNG"),
    "webp 80": saved("WEBP", quality=80),
    "gif": saved("GIF", palette),
    **{f"jpeg {quality}": saved(quality=quality) for quality in (95, 75, 50, 30, 15)},
    **{f"scale {by}": saved("JPEG", partial(scale, by=by), quality=92) for by in (2, 0.5, 0.25)},
    "twice jpeg": saved("JPEG", partial(recode, quality=70), partial(scale, by=0.9), quality=60),
    "slight blur": saved("JPEG", partial(blur, radius=0.8), quality=90),
}
HARSH: dict[str, Manipulation] = {
    "jpeg 8": saved(quality=8),
    "scale 0.12": saved("JPEG", partial(scale, by=0.12), quality=92),
}
NEAR: dict[str, Manipulation] = {
    **{
        f"crop {area} {'corner' if corner else 'centre'}": saved(
            "JPEG", partial(crop, area=area, corner=corner)
        )
        for area in (0.9, 0.75, 0.6, 0.5)
        for corner in (False, True)
    },
    "stretch 1:1": saved("JPEG", partial(stretch, aspect=1.0)),
    "stretch 16:9": saved("JPEG", partial(stretch, aspect=16 / 9)),
    **{f"brightness {by}": saved("JPEG", partial(brightness, by=by)) for by in (1.3, 1.5, 0.7, 0.5)},
    **{f"gamma {power}": saved("JPEG", partial(gamma, power=power)) for power in (0.5, 2.0)},
    **{f"saturation {by}": saved("JPEG", partial(saturation, by=by)) for by in (0.0, 0.5, 2.0)},
    **{f"contrast {by}": saved("JPEG", partial(contrast, by=by)) for by in (0.6, 1.5)},
    "blur 3": saved("JPEG", partial(blur, radius=3)),
    "caption": saved("JPEG", caption),
    "meme": saved("JPEG", meme),
    "coloured text": saved("JPEG", coloured_text),
    "logo 0.1": saved("JPEG", partial(logo, area=0.1)),
    "logo 0.2": saved("JPEG", partial(logo, area=0.2)),
    "icon": saved("JPEG", icon),
    "watermark": saved("JPEG", watermark),
    "stripes": saved("JPEG", stripes),
    "border": saved("JPEG", border),
    "letterbox": saved("JPEG", letterbox),
    "mirror": saved("JPEG", mirror),
    **{f"turn {degrees}": saved("JPEG", partial(turn, degrees=degrees)) for degrees in (1, 2, 3, 5)},
    "crop + brighter": saved("JPEG", partial(crop, area=0.75, corner=False), partial(brightness, by=1.3)),
    "crop + caption": saved("JPEG", partial(crop, area=0.75, corner=True), caption),
    "stretch + gamma": saved("JPEG", partial(stretch, aspect=16 / 9), partial(gamma, power=2.0)),
    "logo + grey": saved("JPEG", partial(logo, area=0.1), partial(saturation, by=0.0)),
    "border + jpeg 30": saved("JPEG", border, quality=30),
    "half + crop": saved("JPEG", partial(scale, by=0.5), partial(crop, area=0.6, corner=False)),
    "mirror + crop": saved("JPEG", mirror, partial(crop, area=0.75, corner=True)),
}
BEYOND: dict[str, Manipulation] = {
    "crop 0.3 corner": saved("JPEG", partial(crop, area=0.3, corner=True)),
    "screenshot": saved("JPEG", screenshot),
    "collage": saved("JPEG", collage),
    "quarter turn": saved("JPEG", quarter_turn),
    "sharpness 4": saved("JPEG", partial(sharpness, by=4)),
}
ALL = EXACT | HARSH | NEAR | BEYOND
