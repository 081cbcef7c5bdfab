"""Pictures are laid onto each other where they really lie, and what moves on its own is noticed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from include.detector.comparing.comparison import Comparison
from include.detector.comparing.orientation import ALL, Orientation
from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.comparing.verify import compare, in_order
from include.detector.imaging import analyze
from tests.support.drawn import file, structured

WIDTH, HEIGHT = 480, 360
WHOLE = Thumb.of(analyze(file(structured(21))))


def thumb(image: Image.Image) -> Thumb:
    return Thumb.of(analyze(file(image)))


def layers(near_shift: int) -> Image.Image:
    """The same things seen from a little aside: the near ones move, the far ones do not."""
    rng = np.random.default_rng(5)
    picture = np.asarray(structured(31)).copy()
    for _ in range(40):
        centre = (int(rng.integers(20, WIDTH - 20)) + near_shift, int(rng.integers(20, HEIGHT - 20)))
        colour = tuple(int(value) for value in rng.integers(0, 256, 3))
        cv2.rectangle(picture, centre, (centre[0] + 34, centre[1] + 26), colour, -1)
    return Image.fromarray(picture)


def compared(first: Thumb, second: Thumb) -> Comparison:
    found = compare(first, second)
    assert found is not None
    return found


@settings(max_examples=15, deadline=None)
@given(
    left=st.integers(0, 120),
    top=st.integers(0, 90),
    width=st.integers(300, 360),
    height=st.integers(225, 270),
)
def test_a_crop_is_found_where_it_was_taken(left: int, top: int, width: int, height: int) -> None:
    crop = thumb(structured(21).crop((left, top, left + width, top + height)))
    matrix = compared(crop, WHOLE).alignment().matrix
    per_pixel = WIDTH / WHOLE.width
    corner = matrix @ [0, 0, 1] * per_pixel
    opposite = matrix @ [crop.width, crop.height, 1] * per_pixel
    assert corner == pytest.approx([left, top], abs=5)
    assert opposite == pytest.approx([left + width, top + height], abs=5)


def test_a_rotation_is_measured() -> None:
    turned = thumb(structured(21).rotate(4, Image.Resampling.BICUBIC))
    assert compared(turned, WHOLE).alignment().turn() == pytest.approx(4, abs=0.3)


@pytest.mark.parametrize("orientation", ALL[1:])
def test_keypoints_shown_otherwise_are_those_of_the_picture_so_shown(orientation: Orientation) -> None:
    pixels = np.ascontiguousarray(orientation.grid(np.asarray(structured(21))))
    shown, direct = WHOLE.shown(orientation), thumb(Image.fromarray(pixels))
    similarity = shown.keypoints.similarity(direct.keypoints)
    assert np.median(similarity.max(axis=1)) > 0.95
    found = compare(shown, direct, mirror=False, turn=False)
    assert found is not None
    assert found.evidence.agreeing > 0.9
    assert found.evidence.alignment.votes > 20


@pytest.mark.parametrize("shift", [12, 20])
def test_a_second_photograph_from_aside_is_no_duplicate(shift: int) -> None:
    assert score_pair(thumb(layers(0)), thumb(layers(shift)), mirror=True) < 0.70


@pytest.mark.parametrize("share", [-0.05, 0.03, 0.05])
def test_a_skewed_copy_is_near(share: float) -> None:
    skewed = structured(21).transform(
        (WIDTH, HEIGHT),
        Image.Transform.AFFINE,
        (1, share, -share * HEIGHT / 2, 0, 1, 0),
        Image.Resampling.BILINEAR,
    )
    assert 0.70 <= score_pair(WHOLE, thumb(skewed), mirror=True) < 0.95


def test_the_order_of_two_pictures_is_always_the_same() -> None:
    other = thumb(structured(22))
    assert in_order(WHOLE, other) == in_order(other, WHOLE)
