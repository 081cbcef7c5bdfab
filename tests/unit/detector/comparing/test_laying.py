"""One picture's sides are the other's in one scale, rounded, or they are not."""

from __future__ import annotations

import numpy as np
import pytest

from include.detector.comparing.laying import misses_ratio


def blank(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize("smaller", [(50, 500), (33, 333), (34, 333), (33, 334), (1, 10)])
def test_sides_may_be_rounded_up_or_down(smaller: tuple[int, int]) -> None:
    assert not misses_ratio(blank(100, 1000), blank(*smaller))
    assert not misses_ratio(blank(*smaller), blank(100, 1000))


@pytest.mark.parametrize("smaller", [(97, 1000), (48, 500), (95, 975)])
def test_a_strip_that_was_cut_off_is_no_rounding(smaller: tuple[int, int]) -> None:
    assert misses_ratio(blank(100, 1000), blank(*smaller))
