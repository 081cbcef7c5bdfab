"""A copy that was pulled at its corners is a copy; a second photograph from aside is none."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from include.detector.comparing.perspective import straightened
from include.detector.comparing.score import compared, score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.comparing.verify import whole_onto_whole
from include.detector.imaging import analyze
from tests.support.drawn import file, structured

WIDTH, HEIGHT = 480, 360
CORNERS = np.array([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)], np.float32)
WHOLE = Thumb.of(analyze(file(structured(21))))


def pulled(moves: list[tuple[float, float]], seed: int = 21) -> Thumb:
    """The picture as seen with its corners moved by these shares of its height."""
    matrix = cv2.getPerspectiveTransform(CORNERS, CORNERS + np.array(moves, np.float32) * HEIGHT)
    pixels = cv2.warpPerspective(np.asarray(structured(seed)), matrix, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
    return Thumb.of(analyze(file(Image.fromarray(pixels))))


KEYSTONE = [(0.04, 0.0), (-0.04, 0.0), (0.0, 0.0), (0.0, 0.0)]
SLIGHT = [(0.012, 0.0), (-0.012, 0.0), (0.0, 0.0), (0.0, 0.0)]
TILTED = [(0.03, 0.02), (-0.01, 0.04), (0.02, -0.02), (-0.02, 0.01)]


@pytest.mark.parametrize("moves", [SLIGHT, KEYSTONE, TILTED])
def test_a_copy_in_perspective_is_near(moves: list[tuple[float, float]]) -> None:
    copy = pulled(moves)
    assert 0.70 <= score_pair(WHOLE, copy, mirror=True) < 0.95
    assert score_pair(copy, WHOLE, mirror=True) == score_pair(WHOLE, copy, mirror=True)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.floats(-0.04, 0.04), st.floats(-0.04, 0.04)), min_size=4, max_size=4))
def test_what_is_straightened_lies_on_the_picture(moves: list[tuple[float, float]]) -> None:
    copy = pulled(moves)
    found = straightened(WHOLE, copy, whole_onto_whole(WHOLE, copy))
    assert found is not None
    straight, alignment = found
    matrix = alignment.matrix
    warped = cv2.warpAffine(
        straight.pixels.ycc[..., 0],
        matrix,
        (WHOLE.width, WHOLE.height),
        flags=cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR,
    )
    inner = slice(12, -12)
    own = WHOLE.pixels.ycc[inner, inner, 0].ravel().astype(float)
    assert np.corrcoef(own, warped[inner, inner].ravel().astype(float))[0, 1] > 0.97


def test_a_plane_that_is_tilted_too_much_is_no_edit() -> None:
    copy = pulled([(0.22, 0.0), (-0.22, 0.0), (0.0, 0.0), (0.0, 0.0)])
    assert straightened(WHOLE, copy, whole_onto_whole(WHOLE, copy)) is None


def test_another_picture_is_not_bent_into_this_one() -> None:
    assert (
        straightened(WHOLE, Thumb.of(analyze(file(structured(22)))), whole_onto_whole(WHOLE, WHOLE)) is None
    )


def test_only_what_moved_is_bent() -> None:
    found = compared(WHOLE, Thumb.of(analyze(file(structured(21).resize((240, 180))))), mirror=True)
    assert found is not None
    assert not found.evidence.straightened
