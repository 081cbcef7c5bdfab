"""The last look lets copies go and sees what people change, however small."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from include.detector.comparing.last_look import WHOLE, Change, differing
from include.detector.editing.edits import brightness, recode, saturation, scale, trim
from include.detector.editing.manipulations import saved
from include.detector.editing.retouching import (
    blurred_part,
    date_stamp,
    emoji,
    moved_part,
    patch,
    signature,
    tiled_watermark,
)
from include.safe_picture import decode
from include.tools.last_look_edits import CHANGES, COPIES, HARSH
from include.tools.last_look_pictures import PHOTOS, form, paper

NAMES = ("skimage-chelsea.jpg", "skimage-coffee.jpg", "gcompris-moose.jpg")
PICTURES = {name: Image.open(PHOTOS / name).convert("RGB") for name in NAMES} | {"form": form(48_213)}
LOCAL: dict[str, Callable[..., Image.Image]] = {
    "patch": patch,
    "moved part": moved_part,
    "blurred part": blurred_part,
    "date stamp": date_stamp,
    "emoji": emoji,
    "signature": signature,
    "watermark": tiled_watermark,
}


def pixels(data: bytes) -> NDArray[np.uint8]:
    return decode(data).rgb


ORIGINALS = {name: pixels(saved("PNG")(picture, random.Random(0))) for name, picture in PICTURES.items()}


REFUSED = {("skimage-coffee.jpg", "jpeg 15"), ("gcompris-moose.jpg", "jpeg 15"), ("form", "webp 15")}
"""So strongly coded that a person has to look: a rim or a rule has lost what a retoucher might take away."""


@pytest.mark.parametrize(
    ("name", "kind"),
    [(name, kind) for name in PICTURES for kind in (*COPIES, *HARSH) if (name, kind) not in REFUSED],
)
def test_coding_and_scaling_are_no_change(name: str, kind: str) -> None:
    copy = pixels((COPIES | HARSH)[kind](PICTURES[name], random.Random(name)))
    assert differing(ORIGINALS[name], copy) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_two_makes_no_difference(name: str) -> None:
    copy = pixels(COPIES["scale 0.5"](PICTURES[name], random.Random(name)))
    changed = pixels(saved("JPEG", date_stamp, partial(scale, by=0.5))(PICTURES[name], random.Random(name)))
    assert differing(copy, ORIGINALS[name]) is None
    assert differing(changed, ORIGINALS[name]) is not None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", LOCAL)
def test_what_people_do_is_seen(name: str, kind: str) -> None:
    edit = LOCAL[kind]
    changed = pixels(saved("JPEG", edit)(PICTURES[name], random.Random(f"{name}/{kind}")))
    assert differing(ORIGINALS[name], changed) is not None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "edit",
    [
        *(partial(saturation, by=by) for by in (0.6, 1.5, 0.0)),
        *(partial(brightness, by=by) for by in (1.1, 1.3, 0.85)),
        partial(trim, left=0.04, top=0.04, right=0.04, bottom=0.04),
        partial(trim, left=0.05, top=0, right=0, bottom=0),
    ],
    ids=lambda edit: f"{edit.func.__name__} {edit.keywords}",
)
def test_what_is_done_to_all_of_a_picture_is_seen(name: str, edit: Callable[..., Image.Image]) -> None:
    changed = pixels(saved("JPEG", edit)(PICTURES[name], random.Random(0)))
    assert differing(ORIGINALS[name], changed) is not None


@pytest.mark.parametrize("number", [48_214, 48_219, 48_113, 18_213])
@pytest.mark.parametrize("by", [1, 0.7])
def test_another_number_in_a_form_is_seen_and_its_place_is_told(number: int, by: float) -> None:
    other = pixels(saved("JPEG", partial(scale, by=by))(form(number), random.Random(0)))
    found = differing(ORIGINALS["form"], other)
    assert found is not None
    assert 0.2 < found.left < found.right < 0.4
    assert 0.93 < found.top < found.bottom < 0.98


@pytest.mark.parametrize("seed", range(6))
def test_another_letter_or_digit_of_a_paper_is_seen(seed: int) -> None:
    """In thin and bold type, on white, tinted, scanned and dark paper."""
    original = pixels(saved("PNG")(paper(seed), random.Random(0)))
    changed = pixels(saved("JPEG", quality=75)(paper(seed, changed=1), random.Random(0)))
    copy = pixels(saved("JPEG", quality=75)(paper(seed), random.Random(0)))
    assert differing(original, copy) is None
    assert differing(original, changed) is not None


@pytest.mark.parametrize("name", NAMES)
def test_a_photograph_in_few_colours_is_no_copy(name: str) -> None:
    few = pixels(CHANGES["16 colours"](PICTURES[name], random.Random(0)))
    assert differing(ORIGINALS[name], few) is not None


def test_the_place_of_a_change_is_a_rectangle_in_shares_of_the_picture() -> None:
    changed = ORIGINALS["skimage-coffee.jpg"].copy()
    height, width = changed.shape[:2]
    changed[height // 2 : height // 2 + height // 10, width // 4 : width // 4 + width // 10] = (10, 200, 30)
    found = differing(ORIGINALS["skimage-coffee.jpg"], changed)
    assert found is not None
    assert (found.left, found.top) == pytest.approx((0.25, 0.5), abs=0.05)
    assert (found.right, found.bottom) == pytest.approx((0.35, 0.6), abs=0.05)
    assert [float(part) for part in found.place.split(",")] == pytest.approx(
        [found.left, found.top, found.right, found.bottom], abs=1e-4
    )


def test_it_is_told_in_words_and_in_numbers() -> None:
    change = Change(0.25, 0.5, 0.356, 0.61)
    assert change.told == "at 25% to 36% of the width and 50% to 61% of the height"
    assert change.place == "0.2500,0.5000,0.3560,0.6100"


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 3), (7, 900)])
def test_the_smallest_pictures_are_compared_too(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    one = rng.integers(0, 256, (*shape, 3), np.uint8)
    assert differing(one, one.copy()) is None
    assert differing(one, np.uint8(255) - one) is not None


def test_pictures_of_other_proportions_differ_as_a_whole() -> None:
    one = ORIGINALS["skimage-coffee.jpg"]
    assert differing(one, one[:, :-10]) == WHOLE


def test_coded_twice_at_half_the_size_is_a_copy() -> None:
    edits = partial(recode, quality=70), partial(scale, by=0.5)
    copy = pixels(saved("JPEG", *edits, quality=60)(PICTURES["skimage-chelsea.jpg"], random.Random(0)))
    assert differing(ORIGINALS["skimage-chelsea.jpg"], copy) is None


def test_a_worker_needs_neither_the_embedding_nor_the_index_for_it() -> None:
    unwanted = "{'onnxruntime', 'faiss', 'pdqhash'}"
    code = f"import sys, include.dedupe.acting.apply; print(sys.modules.keys() & {unwanted})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
