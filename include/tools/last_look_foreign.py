"""Changes and copies that no constant of the last look was chosen with, by AugLy, OpenCV and Pillow.

Each change is an edit; how its result is coded is drawn apart from it: every change meets every coding.
"""

from __future__ import annotations

import importlib
import random
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from include.detector.editing.edits import Edit
from include.detector.editing.manipulations import Manipulation, saved

SEAM = 12  # pixels of a soft brush's rim at most


def changes() -> dict[str, Edit]:
    """Return edits that a person sees.

    Raises:
        ImportError: AugLy is not installed.
    """
    augly = importlib.import_module("augly.image")
    return {f"augly {name}": partial(_plain, edit=edit) for name, edit in _of_augly(augly).items()} | {
        "brighter part": partial(_toned_part, by=1.25),
        "darker part": partial(_toned_part, by=0.8),
        "cloned part": _cloned,
        "healed part": _healed,
        "line": _line,
        "dot of 1 %": partial(_dot, side=0.01),
        "dot of 2 %": partial(_dot, side=0.02),
        "another hue": _warmer,
        "posterised": lambda image, rng: ImageOps.posterize(image, 3),
        "levels stretched": lambda image, rng: ImageOps.autocontrast(image, cutoff=4),
        "moved by 3 pixels": lambda image, rng: _moved(image, 3),
        "turned by 1 degree": lambda image, rng: image.rotate(1, Image.Resampling.BILINEAR),
        "strip cut off": lambda image, rng: image.crop((0, 0, image.width, round(image.height * 0.97))),
    }


def _of_augly(augly: Any) -> dict[str, Callable[..., Any]]:
    return {
        "text": lambda image, rng: augly.overlay_text(
            image,
            text=[rng.randrange(26) for _ in range(6)],
            font_size=0.05,
            color=rng.choice([(255, 255, 255), (200, 20, 20), (0, 0, 0)]),
            **_anywhere(rng),
        ),
        "emoji": lambda image, rng: augly.overlay_emoji(image, emoji_size=0.06, **_anywhere(rng)),
        "pale emoji": lambda image, rng: augly.overlay_emoji(
            image, emoji_size=0.12, opacity=0.5, **_anywhere(rng)
        ),
        "stripes": lambda image, rng: augly.overlay_stripes(
            image, line_width=0.2, line_density=0.15, line_opacity=0.3
        ),
        "pixelated part": lambda image, rng: _within(image, rng, augly.pixelization(image, ratio=0.08)),
        "softened part": lambda image, rng: _within(image, rng, augly.blur(image, radius=6)),
        "brighter": lambda image, rng: augly.brightness(image, factor=1.15),
        "darker": lambda image, rng: augly.brightness(image, factor=0.88),
        "more contrast": lambda image, rng: augly.contrast(image, factor=1.25),
        "less contrast": lambda image, rng: augly.contrast(image, factor=0.8),
        "less colour": lambda image, rng: augly.saturation(image, factor=0.6),
        "grey": lambda image, rng: augly.grayscale(image),
    }


def codings() -> dict[str, Manipulation]:
    """Return what a person takes for the same picture: other quality, format or size, and two of them."""
    return {
        **{f"jpeg {quality}": saved(quality=quality) for quality in (92, 80, 65, 45, 32)},
        "jpeg 70, progressive": saved(quality=70, progressive=True, optimize=True),
        "jpeg 85, full colour": saved(quality=85, subsampling=0),
        **{f"webp {quality}": saved("WEBP", quality=quality) for quality in (90, 60, 50)},
        "webp, lossless": saved("WEBP", lossless=True),
        "avif 70": saved("AVIF", quality=70),
        "tiff": saved("TIFF"),
        **{
            f"{name} {by}": saved(kind, partial(_resized, by=by, kernel=kernel), quality=quality)
            for name, kernel, by, kind, quality in (
                ("opencv area", cv2.INTER_AREA, 0.3, "JPEG", 90),
                ("opencv area", cv2.INTER_AREA, 0.65, "JPEG", 75),
                ("opencv cubic", cv2.INTER_CUBIC, 0.85, "JPEG", 85),
                ("opencv linear", cv2.INTER_LINEAR, 0.7, "WEBP", 80),
                ("opencv lanczos", cv2.INTER_LANCZOS4, 1.4, "JPEG", 80),
            )
        },
        **{
            f"pillow {kernel.name.lower()} {by}": saved(
                kind, partial(_scaled, by=by, kernel=kernel), quality=quality
            )
            for kernel, by, kind, quality in (
                (Image.Resampling.BOX, 0.5, "JPEG", 82),
                (Image.Resampling.HAMMING, 0.4, "WEBP", 75),
                (Image.Resampling.LANCZOS, 0.28, "JPEG", 60),
                (Image.Resampling.BICUBIC, 0.57, "PNG", 0),
            )
        },
    }


def _anywhere(rng: random.Random) -> dict[str, float]:
    return {"x_pos": rng.uniform(0, 0.8), "y_pos": rng.uniform(0, 0.85)}


def _plain(image: Image.Image, rng: random.Random, *, edit: Callable[..., Any]) -> Image.Image:
    random.seed(rng.random())
    edited: Image.Image = edit(image, rng)
    return edited.convert("RGB")


def _box(image: Image.Image, rng: random.Random, side: float) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a square somewhere; ``side`` is a share of the longer side."""
    length = min(max(4, round(max(image.size) * side)), *image.size)
    left, top = rng.randint(0, image.width - length), rng.randint(0, image.height - length)
    return left, top, left + length, top + length


def _within(image: Image.Image, rng: random.Random, edited: Image.Image) -> Image.Image:
    """Return the picture with one square of its edited self."""
    result, box = image.copy(), _box(image, rng, 0.12)
    result.paste(edited.convert("RGB").resize(image.size).crop(box), box)
    return result


def _brush(image: Image.Image, box: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """Return the weights of a round soft brush, float32 [height, width, 1]."""
    mask = np.zeros((image.height, image.width), np.float32)
    middle = (box[0] + box[2]) // 2, (box[1] + box[3]) // 2
    radius = max(2, (box[2] - box[0]) // 2)
    cv2.circle(mask, middle, radius, 1.0, -1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(mask, (0, 0), max(0.5, min(SEAM, radius) / 3))
    return cast("NDArray[np.float32]", soft[..., None])


def _blend(image: Image.Image, other: NDArray[np.floating], mask: NDArray[np.float32]) -> Image.Image:
    pixels = np.asarray(image).astype(np.float32)
    return Image.fromarray(np.clip(pixels + (other - pixels) * mask + 0.5, 0, 255).astype(np.uint8))


def _toned_part(image: Image.Image, rng: random.Random, *, by: float) -> Image.Image:
    """Dodged or burnt in with a soft brush."""
    mask = _brush(image, _box(image, rng, 0.15))
    return _blend(image, np.asarray(image).astype(np.float32) * by, mask)


def _cloned(image: Image.Image, rng: random.Random) -> Image.Image:
    """Covered with what lies elsewhere, by a soft brush."""
    box = _box(image, rng, 0.06)
    steps = rng.choice([-1, 1]) * image.height // 7, rng.choice([-1, 1]) * image.width // 5
    other = np.roll(np.asarray(image).astype(np.float32), steps, (0, 1))
    return _blend(image, other, _brush(image, box))


def _healed(image: Image.Image, rng: random.Random) -> Image.Image:
    """Something small taken away by Navier-Stokes."""
    left, top, right, bottom = _box(image, rng, 0.04)
    mask = np.zeros((image.height, image.width), np.uint8)
    mask[top:bottom, left:right] = 255
    return Image.fromarray(cv2.inpaint(np.array(image), mask, 4, cv2.INPAINT_NS))


def _line(image: Image.Image, rng: random.Random) -> Image.Image:
    """A stroke of a pen, two pixels wide."""
    pixels = np.array(image)
    left, top, right, bottom = _box(image, rng, 0.15)
    colour = rng.choice([(20, 40, 160), (200, 30, 30), (10, 10, 10), (240, 240, 240)])
    cv2.line(pixels, (left, top), (right, bottom), colour, 2, cv2.LINE_AA)
    return Image.fromarray(pixels)


def _dot(image: Image.Image, rng: random.Random, *, side: float) -> Image.Image:
    pixels = np.array(image)
    left, top, right, _ = _box(image, rng, side)
    under = pixels[top : top + right - left, left:right].mean(axis=(0, 1))
    colour = [int(level + 90) if level < 128 else int(level - 90) for level in under]
    radius = max(2, (right - left) // 2)
    cv2.circle(pixels, (left + radius, top + radius), radius, colour, -1, cv2.LINE_AA)
    return Image.fromarray(pixels)


def _warmer(image: Image.Image, rng: random.Random) -> Image.Image:
    """Another white balance."""
    gains = np.array([1.08, 1.0, 0.88]) if rng.random() < 0.5 else np.array([0.9, 1.0, 1.1])
    return Image.fromarray(np.clip(np.asarray(image) * gains, 0, 255).astype(np.uint8))


def _moved(image: Image.Image, by: int) -> Image.Image:
    return Image.fromarray(np.pad(np.asarray(image), ((0, 0), (by, 0), (0, 0)), "edge")[:, : image.width])


def _resized(image: Image.Image, rng: random.Random, *, by: float, kernel: int) -> Image.Image:
    size = max(1, round(image.width * by)), max(1, round(image.height * by))
    return Image.fromarray(cv2.resize(np.asarray(image), size, interpolation=kernel))


def _scaled(image: Image.Image, rng: random.Random, *, by: float, kernel: Image.Resampling) -> Image.Image:
    return image.resize((max(1, round(image.width * by)), max(1, round(image.height * by))), kernel)
