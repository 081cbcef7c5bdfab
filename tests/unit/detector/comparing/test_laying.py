"""One picture's sides are the other's in one scale, rounded, or they are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from include.detector.comparing.laying import laid_onto, misses_ratio, split


def blank(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize("smaller", [(50, 500), (33, 333), (34, 333), (33, 334), (1, 10)])
def test_sides_may_be_rounded_up_or_down(smaller: tuple[int, int]) -> None:
    assert not misses_ratio(blank(100, 1000), blank(*smaller))
    assert not misses_ratio(blank(*smaller), blank(100, 1000))


@pytest.mark.parametrize("smaller", [(97, 1000), (48, 500), (95, 975)])
def test_a_strip_that_was_cut_off_is_no_rounding(smaller: tuple[int, int]) -> None:
    assert misses_ratio(blank(100, 1000), blank(*smaller))


def test_a_picture_that_lies_farther_off_than_scaling_moves_it_is_not_laid() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (240, 320, 3), np.uint8)
    one = cv2.GaussianBlur(noise, (0, 0), 3)
    aside, beside = (
        cv2.warpAffine(one, np.array([[1, 0, by], [0, 1, 0.0]]), (320, 240)) for by in (1.0, 0.4)
    )
    assert laid_onto(split(one, (320, 240)), split(aside, (320, 240))) is None
    assert laid_onto(split(one, (320, 240)), split(beside, (320, 240))) is not None
