"""What is done to the pictures that the last look is measured on."""

from __future__ import annotations

import random
from functools import partial

import cv2
import numpy as np
from PIL import Image

from include.detector.editing.edits import (
    Edit,
    brightness,
    contrast,
    gamma,
    mirror,
    palette,
    recode,
    saturation,
    scale,
    trim,
)
from include.detector.editing.manipulations import Manipulation, saved
from include.detector.editing.retouching import (
    blurred_part,
    date_stamp,
    emoji,
    moved_part,
    patch,
    signature,
    tiled_watermark,
)


def _other_grid(image: Image.Image, rng: random.Random, *, quality: int) -> Image.Image:
    """Coded with the blocks elsewhere, as of a picture that was once part of a larger one."""
    wider = Image.fromarray(np.pad(np.asarray(image), ((5, 0), (3, 0), (0, 0)), "reflect"))
    return recode(wider, rng, quality=quality).crop((3, 5, wider.width, wider.height))


def _scaled(image: Image.Image, rng: random.Random, *, by: float, kernel: Image.Resampling) -> Image.Image:
    return image.resize((max(1, round(image.width * by)), max(1, round(image.height * by))), kernel)


def _there_and_back(image: Image.Image, rng: random.Random, *, by: float) -> Image.Image:
    return scale(image, rng, by=by).resize(image.size, Image.Resampling.BICUBIC)


def _dithered(image: Image.Image, rng: random.Random) -> Image.Image:
    return image.quantize(256)


def _few_colours(image: Image.Image, rng: random.Random) -> Image.Image:
    return image.convert("P", palette=Image.Palette.ADAPTIVE, colors=16)


def _removed(image: Image.Image, rng: random.Random, *, side: float = 0.05) -> Image.Image:
    """Something small gone, what lies around it drawn over it."""
    pixels, length = np.array(image), max(4, round(max(image.size) * side))
    mask = np.zeros(pixels.shape[:2], np.uint8)
    left, top = rng.randrange(max(1, image.width - length)), rng.randrange(max(1, image.height - length))
    mask[top : top + length, left : left + length] = 255
    return Image.fromarray(cv2.inpaint(pixels, mask, 3, cv2.INPAINT_TELEA))


def _shifted(image: Image.Image, rng: random.Random, *, by: float) -> Image.Image:
    """Moved by a share of the width, the sides repeated."""
    step = max(1, round(image.width * by))
    return Image.fromarray(np.pad(np.asarray(image), ((0, 0), (step, 0), (0, 0)), "edge")[:, : image.width])


def _cut(by: float) -> Edit:
    return partial(trim, left=by, top=by, right=by, bottom=by)


def _cut_and_back(image: Image.Image, rng: random.Random, *, by: float) -> Image.Image:
    return _cut(by)(image, rng).resize(image.size, Image.Resampling.LANCZOS)


COPIES: dict[str, Manipulation] = {
    **{f"jpeg {quality}": saved(quality=quality) for quality in (95, 88, 75, 60, 50, 40, 30)},
    **{f"jpeg 4:4:4 {quality}": saved(quality=quality, subsampling=0) for quality in (75, 30)},
    "jpeg 4:2:2 60": saved(quality=60, subsampling=1),
    "twice 70, 60": saved("JPEG", partial(recode, quality=70), quality=60),
    "twice 40, 30": saved("JPEG", partial(recode, quality=40), quality=30),
    "twice 30, 90": saved("JPEG", partial(recode, quality=30), quality=90),
    "twice on another grid": saved("JPEG", partial(_other_grid, quality=60), quality=60),
    **{f"webp {quality}": saved("WEBP", quality=quality) for quality in (80, 40)},
    "heic": saved("HEIF", quality=60),
    "avif": saved("AVIF", quality=60),
    "png": saved("PNG"),
    **{f"scale {by}": saved("JPEG", partial(scale, by=by)) for by in (2, 0.9, 0.75, 0.5, 0.33, 0.25)},
    **{f"scale {by} jpeg 60": saved("JPEG", partial(scale, by=by), quality=60) for by in (0.9, 0.5, 0.25)},
    "scale 0.6 bilinear": saved("JPEG", partial(_scaled, by=0.6, kernel=Image.Resampling.BILINEAR)),
    "scale 0.8 bicubic": saved("WEBP", partial(_scaled, by=0.8, kernel=Image.Resampling.BICUBIC)),
    "scale 1.5 bilinear": saved("JPEG", partial(_scaled, by=1.5, kernel=Image.Resampling.BILINEAR)),
    "scale 0.7 and back": saved("JPEG", partial(_there_and_back, by=0.7)),
}
HARSH: dict[str, Manipulation] = {
    **{f"jpeg {quality}": saved(quality=quality) for quality in (20, 15)},
    "webp 15": saved("WEBP", quality=15),
    "gif": saved("GIF", palette),
    "gif, dithered": saved("GIF", _dithered),
}
CHANGES: dict[str, Manipulation] = {
    "patch of 1 %": saved("JPEG", patch),
    "patch of 4 %": saved("JPEG", partial(patch, side=0.04)),
    "moved part of 4 %": saved("JPEG", moved_part),
    "removed part of 5 %": saved("JPEG", _removed),
    "4 % of each side off": saved("JPEG", _cut(0.04)),
    "1 % of each side off": saved("JPEG", _cut(0.01)),
    "2 % off, scaled back": saved("JPEG", partial(_cut_and_back, by=0.02)),
    "shift of 1.5 %": saved("JPEG", partial(_shifted, by=0.015)),
    "watermark of 15 %": saved("JPEG", tiled_watermark),
    "watermark of 10 %": saved("JPEG", partial(tiled_watermark, opacity=0.1)),
    "date stamp": saved("JPEG", date_stamp),
    "date stamp, jpeg 50": saved("JPEG", date_stamp, quality=50),
    "blurred part": saved("JPEG", blurred_part),
    "emoji": saved("JPEG", emoji),
    "signature": saved("JPEG", signature),
    "signature, half the size": saved("JPEG", signature, partial(scale, by=0.5)),
    **{f"saturation {by}": saved("JPEG", partial(saturation, by=by)) for by in (0.6, 1.5, 0.0)},
    **{f"brightness {by}": saved("JPEG", partial(brightness, by=by)) for by in (1.1, 1.3, 0.85)},
    **{f"contrast {by}": saved("JPEG", partial(contrast, by=by)) for by in (1.2, 0.8)},
    **{f"gamma {power}": saved("JPEG", partial(gamma, power=power)) for power in (1.2, 0.8)},
    "16 colours": saved("PNG", _few_colours),
    "mirror": saved("JPEG", mirror),
}
