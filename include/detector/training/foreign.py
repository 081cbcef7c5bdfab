"""Manipulations by other people's code (AugLy, `pip install augly`), which no rule was fitted on."""

from __future__ import annotations

import importlib
import random
from functools import partial
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from include.detector.editing.edits import encode
from include.detector.editing.manipulations import Manipulation

if TYPE_CHECKING:
    from collections.abc import Callable

    Edits = dict[str, Callable[..., Any]]


def foreign_manipulations() -> dict[str, dict[str, Manipulation]]:
    """AugLy's manipulations by class (`exact`, `near`, `beyond`: grain belongs to neither) and name.

    Raises:
        ImportError: AugLy is not installed.
    """
    augly = importlib.import_module("augly.image")
    return {
        kind: {f"augly {name}": _saved(edit) for name, edit in edits.items()}
        for kind, edits in (("exact", _exact(augly)), ("near", _near(augly)), ("beyond", _beyond(augly)))
    }


def _exact(augly: Any) -> Edits:
    return {
        **{f"quality {level}": partial(augly.encoding_quality, quality=level) for level in (75, 40, 20, 15)},
        **{f"resize {by}": partial(augly.scale, factor=by) for by in (0.75, 0.5, 0.25)},
    }


def _near(augly: Any) -> Edits:
    return {
        "crop 80 %": partial(augly.crop, x1=0.05, y1=0.05, x2=0.95, y2=0.94),
        "crop right": partial(augly.crop, x1=0.28, y1=0.0, x2=1.0, y2=1.0),
        "crop lower": partial(augly.crop, x1=0.1, y1=0.3, x2=0.95, y2=1.0),
        "crop half": partial(augly.crop, x1=0.15, y1=0.15, x2=0.86, y2=0.86),
        "wider": lambda image: augly.change_aspect_ratio(image, ratio=1.3 * image.width / image.height),
        "narrower": lambda image: augly.change_aspect_ratio(image, ratio=0.8 * image.width / image.height),
        "brighter": partial(augly.brightness, factor=1.4),
        "darker": partial(augly.brightness, factor=0.6),
        "contrast": partial(augly.contrast, factor=1.5),
        "flat contrast": partial(augly.contrast, factor=0.6),
        "grey": augly.grayscale,
        "vivid": partial(augly.saturation, factor=2.2),
        "jitter": partial(
            augly.color_jitter, brightness_factor=1.2, contrast_factor=1.2, saturation_factor=1.4
        ),
        "emoji": partial(augly.overlay_emoji, emoji_size=0.25, x_pos=0.6, y_pos=0.2),
        "large emoji": partial(augly.overlay_emoji, emoji_size=0.4, x_pos=0.1, y_pos=0.5),
        "text": partial(augly.overlay_text, font_size=0.1, x_pos=0.1, y_pos=0.4),
        "stripes": partial(augly.overlay_stripes, line_width=0.3, line_density=0.4, line_opacity=0.6),
        "pad": partial(augly.pad, w_factor=0.12, h_factor=0.12),
        "mirror": augly.hflip,
        "mirrored upside down": augly.vflip,
        **{
            f"turn {degrees}": lambda image, by=degrees: image.rotate(by, expand=True)
            for degrees in (90, 180, 270)
        },
        "turn 4": partial(augly.rotate, degrees=4.0),
        "opacity": partial(augly.opacity, level=0.7),
    }


def _beyond(augly: Any) -> Edits:
    return {
        "sharper": partial(augly.sharpen, factor=3.0),
        **{f"skew {share}": partial(augly.skew, skew_factor=share) for share in (0.03, 0.05)},
        **{f"perspective {share}": partial(_perspective, share=share) for share in (0.03, 0.05)},
        "noise": partial(augly.random_noise, var=0.004),
    }


def _perspective(image: Image.Image, *, share: float) -> Image.Image:
    """Each corner moved at random by this share of the shorter side (a deviation); the rest becomes black."""
    width, height = image.size
    corners = np.array([(0, 0), (0, height), (width, height), (width, 0)])
    moved = corners + np.random.normal(0, share * min(image.size), corners.shape)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))
    return image.transform(
        image.size, Image.Transform.PERSPECTIVE, tuple(matrix.ravel()[:8]), Image.Resampling.BICUBIC
    )


def _saved(edit: Callable[..., Any]) -> Manipulation:
    """Save what AugLy returns as a JPEG of quality 88, or as it is where the edit is the coding."""

    def apply(image: Image.Image, rng: random.Random) -> bytes:
        random.seed(rng.random())
        np.random.seed(rng.randrange(2**32))
        edited = edit(image)
        if edited.mode == "RGBA":
            plain = Image.new("RGB", edited.size, (255, 255, 255))
            plain.paste(edited, mask=edited.getchannel("A"))
            edited = plain
        return encode(edited.convert("RGB"), quality=92)

    return apply
