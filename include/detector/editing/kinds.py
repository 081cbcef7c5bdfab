"""Kinds: the manipulations by what is done to a picture, each at a few strengths, the weakest first.

The kinds of PROMISED are those that Flow's documentation of its duplicate search names; those of MORE are
what else people do to pictures before they store them again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Expected = Literal["exact", "near"]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of edit: ``strengths`` are names in ``manipulations.ALL``; ``expected`` is what copies are."""

    name: str
    expected: Expected
    strengths: tuple[str, ...]


PROMISED = (
    Kind("scale", "exact", ("scale 0.5", "scale 0.25", "scale 2")),
    Kind("format", "exact", ("png", "webp 80", "gif")),
    Kind("jpeg quality", "exact", ("jpeg 75", "jpeg 50", "jpeg 30", "jpeg 15")),
    Kind("crop", "near", ("crop 0.9 centre", "crop 0.75 centre", "crop 0.75 corner", "crop 0.5 corner")),
    Kind("aspect ratio", "near", ("stretch 1:1", "stretch 16:9")),
    Kind("brightness", "near", ("brightness 1.3", "brightness 0.7", "brightness 1.5", "brightness 0.5")),
    Kind("gamma", "near", ("gamma 0.5", "gamma 2.0")),
    Kind("saturation", "near", ("saturation 0.5", "saturation 2.0", "saturation 0.0")),
    Kind("text", "near", ("coloured text", "caption", "meme")),
    Kind("logo", "near", ("logo 0.1", "logo 0.2")),
    Kind("icon", "near", ("icon",)),
)
MORE = (
    Kind("mirror", "near", ("mirror", "mirror + crop")),
    Kind("border", "near", ("border", "letterbox")),
    Kind("rotation", "near", ("turn 1", "turn 2", "turn 3", "turn 5")),
    Kind("quarter turn", "near", ("quarter turn", "upside down", "mirror + quarter turn")),
    Kind("screenshot", "near", ("screenshot",)),
    Kind("collage", "near", ("collage",)),
    Kind("watermark", "near", ("watermark", "stripes")),
    Kind("contrast", "near", ("contrast 0.6", "contrast 1.5")),
    Kind("blur", "near", ("slight blur", "blur 3")),
    Kind("several", "near", ("crop + brighter", "crop + caption", "stretch + gamma", "border + jpeg 30")),
)
KINDS = {kind.name: kind for kind in (*PROMISED, *MORE)}
