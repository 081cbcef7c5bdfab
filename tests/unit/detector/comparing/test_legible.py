"""A thumbnail shows a photograph; of a page it does not show what is written there."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from include.detector.comparing.last_look import differing
from include.detector.comparing.legible import is_legible
from include.tools.last_look_drawings import plan, statement, staves
from include.tools.last_look_pictures import PHOTOS, form

PAGES = {
    "form": form(48_213),
    "statement": statement("1", ""),
    "plan": plan("1"),
    "staves": staves("1"),
}
PHOTOGRAPHS = sorted(path.name for path in PHOTOS.glob("*.jpg"))[:24]


def scaled(picture: NDArray[np.uint8], by: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, None, fx=by, fy=by, interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("by", [0.1, 0.3, 0.5])
def test_print_cannot_be_told_from_half_its_size(page: str, by: float) -> None:
    picture = np.asarray(PAGES[page].convert("RGB"))
    small = scaled(picture, by)
    assert not is_legible(picture, small)
    assert not is_legible(small, picture)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("by", [0.6, 0.7, 1.0, 1.5])
def test_print_of_near_its_size_is_compared(page: str, by: float) -> None:
    picture = np.asarray(PAGES[page].convert("RGB"))
    assert is_legible(picture, scaled(picture, by))


def test_of_photographs_and_things_on_white_a_thumbnail_is_enough() -> None:
    white = np.full((800, 800, 3), 255, np.uint8)
    cv2.ellipse(white, (400, 420), (260, 180), 20, 0, 360, (180, 40, 60), -1)
    pictures = [np.asarray(Image.open(PHOTOS / name).convert("RGB")) for name in PHOTOGRAPHS]
    told = [is_legible(picture, scaled(picture, 0.15)) for picture in (*pictures, white)]
    assert told.count(False) <= 2
    assert told[-1]


def test_scans_larger_than_what_is_compared_are_legible_at_that_size() -> None:
    scan = cv2.resize(np.asarray(PAGES["form"].convert("RGB")), (2400, 3200))
    assert is_legible(np.asarray(scan), scaled(np.asarray(scan), 0.3))


@pytest.mark.parametrize("by", [0.3, 0.36, 0.42, 0.5, 0.6])
def test_another_digit_never_passes_at_any_size(by: float) -> None:
    for number in range(6):
        page, other = (np.asarray(statement(f"{number}", change)) for change in ("", "changed"))
        small = scaled(other, by)
        assert not is_legible(page, small) or differing(page, small) is not None
