"""Manipulations: the copies of pictures that the detector is fitted and measured on.

Each takes a picture and a seeded generator and returns the bytes of the file that someone would upload.
EXACT leaves the pixels as they were but for coding and scale; NEAR changes what one sees; BEYOND is what
nobody was promised.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from functools import partial

from PIL import Image

from include.detector.editing.drawing import (
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
from include.detector.editing.edits import (
    Edit,
    blur,
    brightness,
    contrast,
    crop,
    encode,
    gamma,
    mirror,
    palette,
    quarter_turn,
    recode,
    saturation,
    scale,
    sharpness,
    stretch,
    turn,
    upside_down,
)

Manipulation = Callable[[Image.Image, random.Random], bytes]


def saved(kind: str = "JPEG", *edits: Edit, **options: object) -> Manipulation:
    """Apply edits one after another, then encode."""

    def apply(image: Image.Image, rng: random.Random) -> bytes:
        for edit in edits:
            image = edit(image, rng)
        return encode(image, kind, **options)

    return apply


def make(name: str, image: Image.Image, seed: str) -> bytes:
    """Apply the manipulation called `name`; the same seed gives the same bytes."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return ALL[name](image, random.Random(digest))  # noqa: S311


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
    "quarter turn": saved("JPEG", quarter_turn),
    "upside down": saved("JPEG", upside_down),
    "mirror + quarter turn": saved("JPEG", mirror, quarter_turn),
    "mirror + crop": saved("JPEG", mirror, partial(crop, area=0.75, corner=True)),
}
BEYOND: dict[str, Manipulation] = {
    "crop 0.3 corner": saved("JPEG", partial(crop, area=0.3, corner=True)),
    "screenshot": saved("JPEG", screenshot),
    "collage": saved("JPEG", collage),
    "quarter turn + crop": saved("JPEG", partial(crop, area=0.8, corner=True), quarter_turn),
    **{f"turn {degrees}": saved("JPEG", partial(turn, degrees=degrees)) for degrees in (10, 15)},
    "sharpness 4": saved("JPEG", partial(sharpness, by=4)),
}
ALL = EXACT | HARSH | NEAR | BEYOND
