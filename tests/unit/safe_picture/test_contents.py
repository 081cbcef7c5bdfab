"""A file is all that is in it: its frames and pages, and what lies behind the picture."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
import pytest
from PIL import Image

from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.imaging import analyze
from include.safe_picture import decode
from tests.support.drawn import file, scene

FILM = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08mdat" + bytes(range(256)) * 40
SEVERAL = ["GIF", "WEBP", "PNG", "TIFF", "MPO", "HEIF"]
SINGLE = ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "HEIF", "AVIF", "JPEG2000", "ICO", "PPM"]


def album(kind: str, *seeds: int) -> bytes:
    pages = [scene(seed=seed) for seed in seeds]
    options: dict[str, Any] = {"WEBP": {"lossless": True}, "HEIF": {"quality": 90}}.get(kind, {})
    return file(pages[0], kind, save_all=True, append_images=pages[1:], **options)


def archive() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as packed:
        packed.writestr("a.txt", "b")
    return made.getvalue()


def score(first: bytes, second: bytes) -> float:
    return score_pair(Thumb.of(analyze(first)), Thumb.of(analyze(second)), mirror=True)


@pytest.mark.parametrize("kind", SEVERAL)
def test_files_that_begin_alike_and_go_on_otherwise_are_near_at_most(kind: str) -> None:
    one, other, more = album(kind, 3, 5, 6), album(kind, 3, 20, 21), album(kind, 3, 5, 6, 7)
    assert [decode(each).frames for each in (one, other)] == [3, 3]
    assert decode(more).frames == 4 or kind == "MPO"  # Pillow lists the fourth where it is not
    assert len({decode(each).content for each in (one, other, more, album(kind, 3))}) == 4
    assert 0.70 <= score(one, other) < 0.95
    assert 0.70 <= score(one, more) < 0.95
    assert 0.70 <= score(one, album(kind, 3)) < 0.95
    assert decode(one).content == decode(album(kind, 3, 5, 6)).content


@pytest.mark.parametrize("kind", SINGLE)
def test_a_single_picture_has_nothing_beside_it(kind: str) -> None:
    sizes = {"sizes": [(32, 32)]} if kind == "ICO" else {}
    found = decode(file(scene(64, 64), kind, **sizes))
    assert (found.frames, found.behind, found.beside) == (1, 0, "")


@pytest.mark.parametrize("kind", SINGLE)
@pytest.mark.parametrize(
    "behind", [FILM, archive(), bytes(100) + FILM, b"\1" * 9000, file(scene(9, 9), "JPEG")]
)
def test_what_lies_behind_a_picture_tells_it_apart(kind: str, behind: bytes) -> None:
    still = file(scene(64, 64), kind, **({"sizes": [(32, 32)]} if kind == "ICO" else {}))
    found, alone = decode(still + behind), decode(still)
    assert found.behind == len(behind)
    assert found.content != alone.content
    assert np.array_equal(found.rgb, alone.rgb)
    assert found.content == decode(still + behind).content != decode(still + behind + b"more").content


@pytest.mark.parametrize("kind", SINGLE)
@pytest.mark.parametrize("signature", [bytes(50_000), b"\0SEFH" + b"\2" * 900 + b"SEFT", b"\n"])
def test_padding_and_the_signatures_of_cameras_are_nothing(kind: str, signature: bytes) -> None:
    still = file(scene(64, 64), kind, **({"sizes": [(32, 32)]} if kind == "ICO" else {}))
    assert decode(still + signature).content == decode(still).content


def test_a_motion_photo_is_near_its_still_at_most() -> None:
    still = file(scene(400, 300), "JPEG", quality=90)
    assert 0.70 <= score(still, still + FILM) < 0.95
    assert score(file(scene(400, 300), "JPEG", quality=80) + FILM, still + FILM) > 0.95


def test_a_film_in_a_box_of_its_own_is_seen() -> None:
    still = file(scene(64, 64), "HEIF", quality=90)
    box = (len(FILM) + 8).to_bytes(4, "big") + b"mpvd" + FILM
    assert decode(still + box).behind == len(box)


def test_the_sizes_of_an_icon_are_pictures_of_their_own() -> None:
    icon = file(scene(64, 64), "ICO", sizes=[(16, 16), (32, 32), (64, 64)])
    assert decode(icon).frames == 3
    assert decode(icon).content != decode(file(scene(64, 64), "ICO", sizes=[(64, 64)])).content


def test_how_long_a_frame_is_shown_counts() -> None:
    slow, fast = (
        file(scene(), "GIF", save_all=True, append_images=[scene(seed=2)], duration=each)
        for each in (100, 900)
    )
    assert decode(slow).content != decode(fast).content


def test_a_page_that_cannot_be_read_leaves_the_first_readable_and_equal_only_to_itself() -> None:
    whole = album("TIFF", 1, 2)
    second = whole.rfind(np.asarray(scene(seed=2))[-1].tobytes())
    broken = whole[:second]
    assert np.array_equal(decode(broken + bytes(9)).rgb, np.asarray(scene(seed=1)))
    assert decode(broken + bytes(9)).content != decode(broken + bytes(8)).content


def test_more_frames_than_are_looked_at_are_equal_only_as_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("include.safe_picture.frames.MOST_FRAME_PIXELS", 120 * 80 * 2)
    one, other = album("GIF", 1, 2, 3, 4), album("GIF", 1, 2, 3, 5)
    assert decode(one).content == decode(one).content != decode(other).content
    assert decode(one).beside != decode(other).beside


def test_reduced_pages_belong_to_the_picture() -> None:
    page, small = scene(), scene().resize((30, 20))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    assert decode(file(page, "TIFF", save_all=True, append_images=[small])).frames == 1
    assert Image.open(io.BytesIO(file(page, "TIFF", save_all=True, append_images=[small]))).n_frames == 2
