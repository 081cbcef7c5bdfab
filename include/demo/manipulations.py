"""What people do to pictures before they store them again: the ways in which the demo's copies are made.

Exact duplicates show the same content in another size, format or quality; near duplicates are cropped,
squeezed, recoloured or decorated. Flow's documentation of its duplicate search tells the two apart in this
way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from PIL import Image, ImageEnhance, ImageOps

from include.demo import decorations

Expected = Literal["exact", "near"]
Step = Callable[[Image.Image], Image.Image]

JPEG: Mapping[str, Any] = {"format": "JPEG", "quality": 92, "subsampling": 0}
PNG: Mapping[str, Any] = {"format": "PNG"}
WEBP: Mapping[str, Any] = {"format": "WEBP", "quality": 82, "method": 4}
LOSSLESS_WEBP: Mapping[str, Any] = {"format": "WEBP", "lossless": True, "quality": 20, "method": 2}


@dataclass(frozen=True, slots=True)
class Manipulation:
    """One way to make a copy.

    `names` are the file names that people give such a copy, with `{}` for the original's; `steps` change the
    picture one after the other; `saved` is how it is written. `needs_colour`: a grey picture would stay as
    it is.
    """

    name: str
    expected: Expected
    names: tuple[str, ...]
    steps: tuple[Step, ...] = ()
    saved: Mapping[str, Any] = field(default_factory=lambda: JPEG)
    needs_colour: bool = False


def scale(factor: float, image: Image.Image) -> Image.Image:
    """Make width and height `factor` times as large."""
    size = (round(image.width * factor), round(image.height * factor))
    return image.resize(size, Image.Resampling.LANCZOS)


def crop(left: float, top: float, right: float, bottom: float, image: Image.Image) -> Image.Image:
    """Cut off these shares of the width and the height."""
    width, height = image.size
    box = (left * width, top * height, (1 - right) * width, (1 - bottom) * height)
    return image.crop((round(box[0]), round(box[1]), round(box[2]), round(box[3])))


def squeeze(width: float, height: float, image: Image.Image) -> Image.Image:
    """Change the aspect ratio."""
    return image.resize((round(image.width * width), round(image.height * height)), Image.Resampling.LANCZOS)


def brightness(factor: float, image: Image.Image) -> Image.Image:
    """Make every pixel `factor` times as bright."""
    return ImageEnhance.Brightness(image).enhance(factor)


def gamma(exponent: float, image: Image.Image) -> Image.Image:
    """Bend the tones: below 1 the shadows become lighter, above 1 darker."""
    tones = [round(255 * (value / 255) ** exponent) for value in range(256)]
    return image.point(tones * 3)


def saturation(factor: float, image: Image.Image) -> Image.Image:
    """Make colours stronger or paler; 0 is grey."""
    return ImageEnhance.Color(image).enhance(factor)


def border(share: float, colour: str, image: Image.Image) -> Image.Image:
    """Put a frame around the picture, as wide as this share of its longer side."""
    return ImageOps.expand(image, border=round(share * max(image.size)), fill=colour)


MANIPULATIONS = (
    Manipulation("smaller", "exact", ("{}-small", "{} (klein)"), (partial(scale, 0.6),)),
    Manipulation("crop", "near", ("{}, cropped", "{}_Ausschnitt"), (partial(crop, 0.08, 0.05, 0.06, 0.08),)),
    Manipulation("logo", "near", ('{} "logo"', "{}+logo"), (decorations.logo,)),
    Manipulation("PNG", "exact", ("{}", "{} export"), saved=PNG),
    Manipulation("brighter", "near", ("{} (heller, Entwurf)", "{} bright"), (partial(brightness, 1.25),)),
    Manipulation("text", "near", ("{} - Flyer für den Frühling", "Ad “{}”"), (decorations.text,)),
    Manipulation(
        "JPEG quality", "exact", ("Kopie von {}", "{} (1)"), saved={"format": "JPEG", "quality": 45}
    ),
    Manipulation(
        "more saturation", "near", ("{} “vivid”", "{}_vivid"), (partial(saturation, 1.6),), needs_colour=True
    ),
    Manipulation("border", "near", ("{} framed", "{} 100% Rahmen"), (partial(border, 0.05, "white"),)),
    Manipulation("larger", "exact", ("{}@2x", "{}_large"), (partial(scale, 1.5),)),
    Manipulation("aspect ratio", "near", ("{} 4:3", "{} squeezed"), (partial(squeeze, 0.88, 1.0),)),
    Manipulation("icon", "near", ("{} & icon", "{} #video"), (decorations.icon,)),
    Manipulation("WebP", "exact", ("{}", "{}, again"), saved=LOSSLESS_WEBP),
    Manipulation("darker", "near", ("{} 'dark'", "{} dunkel"), (partial(brightness, 0.75),)),
    Manipulation(
        "crop and text",
        "near",
        ("{}, das Plakat", "{}; poster"),
        (partial(crop, 0.05, 0.04, 0.05, 0.04), decorations.text),
    ),
    Manipulation("gamma", "near", ("{} dès l'aube", "{} [gamma]"), (partial(gamma, 0.7),)),
    Manipulation(
        "smaller and WebP", "exact", ("{}-copy-for-web", "{} web"), (partial(scale, 0.7),), saved=WEBP
    ),
    Manipulation(
        "less saturation",
        "near",
        ("{} blass", "{} = vintage"),
        (partial(saturation, 0.35),),
        needs_colour=True,
    ),
    Manipulation(
        "border and brighter",
        "near",
        ("{} Polaroid", "l'image {}"),
        (partial(brightness, 1.15), partial(border, 0.04, "#111111")),
    ),
)
