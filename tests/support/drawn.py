"""Pictures that are drawn for a test, and their files."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image


def scene(width: int = 120, height: int = 80, seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (6, 9, 3), np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)


def structured(seed: int, width: int = 480, height: int = 360) -> Image.Image:
    """A picture with structure at all sizes, as photographs have."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width, 3), rng.integers(60, 200, 3), np.uint8)
    for size in np.geomspace(160, 6, 70):
        centre = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        axes = (int(size), int(size * rng.uniform(0.3, 1)))
        cv2.ellipse(picture, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)
    return Image.fromarray(cv2.GaussianBlur(picture, (0, 0), 1.2))


def file(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()
