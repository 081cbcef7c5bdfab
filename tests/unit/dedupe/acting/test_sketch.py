"""Sketches know a picture that was saved anew, and no other."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from include.dedupe.acting.sketch import closest, read_sketches, sketch
from tests.support.drawn import file, scene
from tests.support.small_collection import PHOTOS

FILES = sorted(PHOTOS.glob("*.jpg"))[:40]
KNOWN = [sketch(path.read_bytes()) for path in FILES]


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("share", "kind", "options"),
    [
        (1, "PNG", {}),
        (1, "JPEG", {"quality": 60}),
        (1, "WEBP", {"quality": 80}),
        (0.5, "JPEG", {"quality": 85}),
        (2, "PNG", {}),
    ],
)
def test_a_picture_that_was_saved_anew_is_known_and_is_taken_for_no_other(
    share: float, kind: str, options: dict[str, object]
) -> None:
    sketches = read_sketches(KNOWN)
    for number, path in enumerate(FILES):
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        scaled = picture.resize((int(picture.width * share), int(picture.height * share)))
        assert closest(sketch(saved(scaled, kind, **options)), sketches) == number, path.name


def test_another_picture_or_a_large_change_is_not_known() -> None:
    known = read_sketches(KNOWN)
    assert closest(sketch(file(scene(seed=1))), known) == -1
    with Image.open(FILES[0]) as opened:
        picture = opened.convert("RGB")
    width, height = picture.size
    ImageDraw.Draw(picture).rectangle((0, 0, width // 5, height // 5), fill=(255, 0, 0))
    assert closest(sketch(saved(picture, "PNG")), known) == -1
    for number, text in enumerate(KNOWN):
        assert closest(text, read_sketches([*KNOWN[:number], *KNOWN[number + 1 :]])) == -1, FILES[number].name


@pytest.mark.parametrize("data", [b"", b"no picture", file(Image.new("RGB", (90, 60), "white"))])
def test_what_cannot_be_read_or_shows_nothing_has_no_sketch_and_is_never_known(data: bytes) -> None:
    assert sketch(data) == ""
    assert closest(sketch(data), read_sketches(KNOWN)) == -1
    assert closest(KNOWN[0], read_sketches([])) == -1
    assert read_sketches([KNOWN[0]]).dtype == np.int16
