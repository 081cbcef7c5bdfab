"""How a page lies on another is found from the spectra, however it was turned, cropped and scanned again."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from PIL import Image

from include.detector.comparing.score import EXACT, NEAR, score_pair
from include.detector.comparing.spectra import by_spectra
from include.detector.comparing.thumb import Thumb
from include.detector.editing.edits import encode
from include.detector.imaging import analyze
from include.detector.training.pages import bar_chart, form, pages, table, text_page

KINDS = ("text_page", "bar_chart", "table", "form")
Box = tuple[float, float, float, float]
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@cache
def drawn() -> dict[str, Image.Image]:
    return pages(12, 2, (text_page, bar_chart, table, form))


@cache
def original(name: str) -> Thumb:
    return Thumb.of(analyze(encode(drawn()[name], "PNG")))


def scanned(name: str, degrees: float, box: Box = WHOLE, paper: str = "white") -> Thumb:
    page = drawn()[name].rotate(degrees, Image.Resampling.BICUBIC, fillcolor=paper)
    left, top, right, bottom = (round(share * side) for share, side in zip(box, page.size * 2, strict=True))
    return Thumb.of(analyze(encode(page.crop((left, top, right, bottom)), "JPEG", quality=80)))


@pytest.mark.parametrize("name", [f"{kind}-0" for kind in KINDS])
@pytest.mark.parametrize(
    ("degrees", "box"), [(3, WHOLE), (-11, WHOLE), (0, (0.1, 0.1, 0.9, 0.9)), (-4, (0, 0, 0.8, 0.8))]
)
def test_turn_growth_and_place_are_found_to_a_pixel(name: str, degrees: float, box: Box) -> None:
    page, copy = original(name), scanned(name, degrees, box)
    found = by_spectra(copy, page)
    assert np.abs(found.turns()) == pytest.approx(abs(degrees), abs=0.5)
    middle = np.array([(box[0] + box[2]) / 2 * page.width, (box[1] + box[3]) / 2 * page.height])
    put = found.matrix @ [copy.width / 2, copy.height / 2, 1]
    turned = np.deg2rad(degrees)
    around = np.array([[np.cos(turned), -np.sin(turned)], [np.sin(turned), np.cos(turned)]])
    centre = np.array([page.width, page.height]) / 2
    assert put == pytest.approx(centre + around @ (middle - centre), abs=1.5)
    back = by_spectra(page, copy).after(found)
    assert back.matrix == pytest.approx(np.eye(3)[:2], abs=2.0)


@pytest.mark.parametrize("name", [f"{kind}-0" for kind in KINDS])
@pytest.mark.parametrize("degrees", [1, -2, 5])
def test_a_page_scanned_again_is_near_and_another_of_its_template_is_not(name: str, degrees: float) -> None:
    copy = scanned(name, degrees)
    assert NEAR <= score_pair(copy, original(name), mirror=True) < EXACT
    assert score_pair(copy, original(name.replace("-0", "-1")), mirror=True) < NEAR


@pytest.mark.parametrize("name", [f"{kind}-1" for kind in KINDS])
def test_half_a_page_is_found_in_the_whole(name: str) -> None:
    assert score_pair(scanned(name, 0, (0.14, 0.14, 0.86, 0.86)), original(name), mirror=True) >= NEAR


def test_black_corners_and_thin_strips_are_no_matter() -> None:
    assert score_pair(scanned("form-0", 3, paper="black"), original("form-0"), mirror=True) >= NEAR
    strip = Thumb.of(analyze(encode(drawn()["text_page-0"].crop((0, 100, 600, 130)), "PNG")))
    assert np.isfinite(by_spectra(strip, original("text_page-0")).matrix).all()
    blank = Thumb.of(analyze(encode(Image.new("RGB", (60, 80), "white"), "PNG")))
    assert np.isfinite(by_spectra(blank, strip).matrix).all()
