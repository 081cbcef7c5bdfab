"""What is measured of two aligned pictures says what happened to one of them."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PIL import Image, ImageOps

from include.detector.comparing.comparison import Comparison
from include.detector.comparing.difference import Difference, equal_cells
from include.detector.comparing.evidence import Evidence
from include.detector.comparing.orientation import MIRRORED
from include.detector.comparing.score import exactness, score
from include.detector.comparing.thumb import Thumb
from include.detector.comparing.verify import compare
from include.detector.editing.drawing import coloured_text, logo, stripes
from include.detector.editing.manipulations import scale
from include.detector.imaging import analyze
from tests.support.drawn import file, structured

RNG = random.Random(4)


def compared(first: Image.Image, second: Image.Image) -> Comparison:
    found = compare(Thumb.of(analyze(file(first))), Thumb.of(analyze(file(second))))
    assert found is not None
    return found


def evidence(first: Image.Image, second: Image.Image) -> Evidence:
    return compared(first, second).evidence


def difference(first: Image.Image, second: Image.Image) -> Difference:
    found = compared(first, second).difference
    assert found is not None
    return found


def cells(first: Image.Image, second: Image.Image) -> tuple[float, float]:
    return equal_cells(Thumb.of(analyze(file(first))), Thumb.of(analyze(file(second))), blurred=True)


def test_all_agrees_beside_a_label() -> None:
    found = evidence(logo(structured(5), RNG, area=0.15), structured(5))
    assert found.beside_patch > 0.85
    assert found.beside_patch > found.weighted + 0.05


def test_what_differs_in_many_places_does_not_agree_beside_one_patch() -> None:
    dotted = structured(5)
    for seed in range(12):
        dotted.paste(structured(100 + seed, 60, 60), (40 * (seed % 12), 30 + 100 * (seed % 3)))
    found = evidence(dotted, structured(5))
    assert found.beside_patch < 0.8


def test_the_same_drawing_in_other_colours_is_seen_by_its_colours() -> None:
    red, green, blue = structured(5).split()
    found = evidence(structured(5), Image.merge("RGB", (blue, green, red)))
    assert found.agreeing_chroma < 0.7
    assert evidence(structured(5), structured(5).convert("L").convert("RGB")).agreeing_chroma > 0.8
    assert evidence(logo(structured(5), RNG, area=0.15), structured(5)).agreeing_chroma > 0.9


@pytest.mark.parametrize("by", [0.12, 0.25, 0.333, 0.5])
def test_rounding_to_whole_pixels_is_no_change_of_shape(by: float) -> None:
    assert difference(structured(5, 437, 311), scale(structured(5, 437, 311), RNG, by=by)).aspect < 1e-4


def test_a_slight_stretch_is_not_exact() -> None:
    found = difference(structured(5), structured(5).resize((480, 370)))
    assert found.aspect == pytest.approx(np.log(370 / 360), abs=0.003)
    assert exactness(found) <= 0


def test_text_in_a_colour_as_bright_as_the_picture_is_not_exact() -> None:
    for seed in range(6):
        rng = random.Random(seed)
        found = compared(coloured_text(structured(seed), rng), structured(seed))
        assert 0.70 <= score(found) < 0.95


def test_cells_beside_a_label_or_stripes_keep_their_colours() -> None:
    for edited, least, beside in (
        (logo(structured(5), RNG, area=0.2), 0.6, 0.9),
        (stripes(structured(5), RNG), 0.2, 0.2),
    ):
        found = compared(edited, structured(5))
        assert found.equal > least
        assert found.equal_beside > beside
    assert max(cells(structured(6), structured(5))) < 0.15


def test_cells_that_a_patch_covers_in_part_belong_to_the_patch() -> None:
    patched = structured(5)
    patched.paste((255, 0, 0), (103, 57, 303, 227))
    assert cells(patched, structured(5))[1] > 0.98


def test_the_cells_of_a_tiny_copy_are_those_of_the_picture_as_blurred() -> None:
    tiny = scale(structured(5), RNG, by=0.04)
    assert min(cells(tiny, structured(5))) > 0.95
    assert max(cells(tiny, structured(6))) < 0.1


def test_cells_of_a_mirrored_copy_are_those_of_the_picture_flipped() -> None:
    found = compared(ImageOps.mirror(structured(5)), structured(5))
    assert found.shown == MIRRORED
    assert found.equal > 0.95
