"""A photograph of the demo as a part of other pictures."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image

from include.tools.pasting import pastings
from tests.support.drawn import file

PHOTOS = Path("include/demo/photos")
WHOLE = "skimage-coffee.jpg"
BESIDE = ("gcompris-moose.jpg", "sklearn-china.jpg")


def photo(name: str = WHOLE) -> Image.Image:
    """A photograph of the demo, no side longer than 640 pixels."""
    image = Image.open(PHOTOS / name).convert("RGB")
    image.thumbnail((640, 640))
    return image


def photo_file(name: str = WHOLE) -> bytes:
    """The same as a file."""
    return file(photo(name), "JPEG", quality=90)


def pasted() -> dict[str, bytes]:
    """By name, files in which the photograph WHOLE is a part beside those of BESIDE."""
    edits = pastings([photo(name) for name in BESIDE])
    return {name: edit(photo(), random.Random(5)) for name, edit in edits.items()}
