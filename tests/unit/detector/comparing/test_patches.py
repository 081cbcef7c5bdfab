"""Pictures under one label are as many as there are pictures; what hides half of one makes no other of it."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps

from include.detector.comparing.patches import beside_patch, label
from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.imaging import analyze
from tests.support.drawn import file
from tests.support.library import photo
from tests.support.small_collection import PHOTOS

SIZE = WIDTH, HEIGHT = 480, 360
OTHERS = sorted(PHOTOS.glob("*.jpg"))[::8]


def shot(path: Path) -> Image.Image:
    return ImageOps.fit(photo(path.name, WIDTH), SIZE)


def under_label(picture: Image.Image, share: float, *, paper: str = "white") -> Thumb:
    sheet = picture.copy()
    draw, top = ImageDraw.Draw(sheet), HEIGHT * (1 - share)
    draw.rectangle([0, top, WIDTH, HEIGHT], fill=paper)
    for line in range(2):
        at = 20, top + line * HEIGHT * share / 2
        draw.text(at, "© Agency 2024  www.example.com", "grey", ImageFont.load_default(HEIGHT * share / 3))
    return Thumb.of(analyze(file(sheet)))


@pytest.mark.parametrize("share", [0.4, 0.45, 0.5])
def test_other_pictures_under_one_label_are_others(share: float) -> None:
    thumbs = [under_label(shot(path), share) for path in OTHERS]
    scores = [score_pair(one, two, mirror=True) for one, two in itertools.combinations(thumbs, 2)]
    assert len(scores) > 20
    assert max(scores) < 0.70


@pytest.mark.parametrize("share", [0.25, 0.35])
def test_one_picture_under_a_label_and_without_is_one(share: float) -> None:
    scores = [
        score_pair(under_label(picture, share, paper="black"), Thumb.of(analyze(file(picture))), mirror=True)
        for picture in map(shot, OTHERS)
    ]
    assert np.median(scores) >= 0.70


def test_a_sign_on_plain_paper_with_a_caption_is_one() -> None:
    """What the caption is laid over is paper: of the sign itself nothing differs."""
    sign = Image.new("RGB", (360, 480), "white")
    draw = ImageDraw.Draw(sign)
    draw.polygon([(180, 60), (320, 300), (40, 300)], fill="yellow", outline="black", width=14)
    draw.line([(180, 130), (180, 220), (230, 260)], fill="black", width=20)
    with_caption = sign.copy()
    draw = ImageDraw.Draw(with_caption)
    draw.rectangle([0, 410, 360, 480], fill="black")
    draw.text((20, 420), "Summer sale: half price", "white", ImageFont.load_default(28))
    one, other = (Thumb.of(analyze(file(picture))) for picture in (sign, with_caption))
    assert 0.70 <= score_pair(one, other, mirror=True) < 0.95


def test_where_little_remains_beside_any_patch_all_counts() -> None:
    textured = np.zeros((14, 14), np.bool_)
    textured[:2] = True
    correlation = np.full((14, 14), 0.3, np.float32)
    assert beside_patch(correlation, textured) == pytest.approx(0.3)
    assert label(correlation, np.zeros_like(textured)) is None
