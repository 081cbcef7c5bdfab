"""What people do to pictures before they store them again: the ways in which the demo's copies are made.

Exact duplicates show the same content in another size, format or quality; near duplicates are cropped,
squeezed, recoloured or decorated. Flow's documentation of its duplicate search tells the two apart in this
way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from include.detector.editing.drawing import badge, border, headline, play_button
from include.detector.editing.edits import Edit, brightness, gamma, saturation, scale, squeeze, trim

Expected = Literal["exact", "near"]

JPEG: Mapping[str, Any] = {"format": "JPEG", "quality": 92, "subsampling": 0}
PNG: Mapping[str, Any] = {"format": "PNG"}
WEBP: Mapping[str, Any] = {"format": "WEBP", "quality": 82, "method": 4}
LOSSLESS_WEBP: Mapping[str, Any] = {"format": "WEBP", "lossless": True, "quality": 20, "method": 2}


@dataclass(frozen=True, slots=True)
class Manipulation:
    """One way to make a copy.

    `names` are the file names that people give such a copy, with `{}` for the original's; `edits` change the
    picture one after the other; `saved` is how it is written. `needs_colour`: a grey picture would stay as
    it is.
    """

    name: str
    expected: Expected
    names: tuple[str, ...]
    edits: tuple[Edit, ...] = ()
    saved: Mapping[str, Any] = field(default_factory=lambda: JPEG)
    needs_colour: bool = False


MANIPULATIONS = (
    Manipulation("smaller", "exact", ("{}-small", "{} (klein)"), (partial(scale, by=0.6),)),
    Manipulation(
        "crop",
        "near",
        ("{}, cropped", "{}_Ausschnitt"),
        (partial(trim, left=0.08, top=0.05, right=0.06, bottom=0.08),),
    ),
    Manipulation("logo", "near", ('{} "logo"', "{}+logo"), (badge,)),
    Manipulation("PNG", "exact", ("{}", "{} export"), saved=PNG),
    Manipulation("brighter", "near", ("{} (heller, Entwurf)", "{} bright"), (partial(brightness, by=1.25),)),
    Manipulation("text", "near", ("{} - Flyer für den Frühling", "Ad “{}”"), (headline,)),
    Manipulation(
        "JPEG quality", "exact", ("Kopie von {}", "{} (1)"), saved={"format": "JPEG", "quality": 45}
    ),
    Manipulation(
        "more saturation",
        "near",
        ("{} “vivid”", "{}_vivid"),
        (partial(saturation, by=1.6),),
        needs_colour=True,
    ),
    Manipulation(
        "border", "near", ("{} framed", "{} 100% Rahmen"), (partial(border, share=0.065, colours=("white",)),)
    ),
    Manipulation("larger", "exact", ("{}@2x", "{}_large"), (partial(scale, by=1.5),)),
    Manipulation("aspect ratio", "near", ("{} 4:3", "{} squeezed"), (partial(squeeze, width=0.88),)),
    Manipulation("icon", "near", ("{} & icon", "{} #video"), (play_button,)),
    Manipulation("WebP", "exact", ("{}", "{}, again"), saved=LOSSLESS_WEBP),
    Manipulation("darker", "near", ("{} 'dark'", "{} dunkel"), (partial(brightness, by=0.75),)),
    Manipulation(
        "crop and text",
        "near",
        ("{}, das Plakat", "{}; poster"),
        (partial(trim, left=0.05, top=0.04, right=0.05, bottom=0.04), headline),
    ),
    Manipulation("gamma", "near", ("{} dès l'aube", "{} [gamma]"), (partial(gamma, power=0.7),)),
    Manipulation(
        "smaller and WebP", "exact", ("{}-copy-for-web", "{} web"), (partial(scale, by=0.7),), saved=WEBP
    ),
    Manipulation(
        "less saturation",
        "near",
        ("{} blass", "{} = vintage"),
        (partial(saturation, by=0.35),),
        needs_colour=True,
    ),
    Manipulation(
        "border and brighter",
        "near",
        ("{} Polaroid", "l'image {}"),
        (partial(brightness, by=1.15), partial(border, share=0.05, colours=("#111111",))),
    ),
)
