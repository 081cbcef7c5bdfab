"""Photographs of the demo and crops of them, as files would have them."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from include.detector.imaging import Descriptor, analyze
from tests.support.drawn import file

PHOTOS = sorted(Path("include/demo/photos").glob("*.jpg"))[:4]


def photos_and_crops(left: int, top: int, right: int, bottom: int) -> list[Descriptor]:
    """Four photographs, then the same without so many pixels at each side."""
    photos = [Image.open(path).convert("RGB") for path in PHOTOS]
    cropped = [photo.crop((left, top, photo.width - right, photo.height - bottom)) for photo in photos]
    return [analyze(file(picture, "JPEG", quality=60)) for picture in photos + cropped]
