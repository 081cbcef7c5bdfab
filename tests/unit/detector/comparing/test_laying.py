"""One picture's sides are the other's in one scale, rounded, or they are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from include.detector.comparing.laying import at_size, laid_onto, misses_ratio, one_size, split


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


@pytest.mark.parametrize(("size", "compared"), [((901, 640), (901, 640)), ((2400, 1801), (1024, 768))])
def test_pictures_are_brought_to_the_smaller_one_and_to_what_is_compared(
    size: tuple[int, int], compared: tuple[int, int]
) -> None:
    width, height = size
    larger = blank(3 * height, 3 * width)
    assert one_size(larger, blank(height, width)) == one_size(blank(height, width), larger) == compared


@pytest.mark.parametrize("size", [(500, 375), (333, 250), (131, 98), (1001, 750)])
def test_scaling_down_takes_means(size: tuple[int, int]) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (750, 1001, 3), np.uint8)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)
    area = cv2.resize(smooth, size, interpolation=cv2.INTER_AREA)
    assert int(cv2.absdiff(at_size(smooth, size), area).max()) <= 2


def test_planes_are_continued_to_whole_cells_by_their_mirrored_rim() -> None:
    noise = np.random.default_rng(2).integers(0, 256, (75, 101, 3), np.uint8)
    y, cr, cb = split(noise, (101, 75))
    assert (y.shape, cr.shape, cb.shape) == ((80, 104), (40, 52), (40, 52))
    assert np.array_equal(y[:75, 101:], y[:75, 97:100][:, ::-1])


def test_less_contrast_of_lines_is_no_softness() -> None:
    page = np.full((240, 320, 3), 255, np.uint8)
    page[20:220:12, 20:300] = 60
    paler = (255 - (255 - page.astype(np.float32)) * 0.6).astype(np.uint8)
    laid = laid_onto(split(page, (320, 240)), split(paler, (320, 240)))
    assert laid is not None
    one, two = laid
    assert float(np.abs(one.y - two.y).max()) > 60
