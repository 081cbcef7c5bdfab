"""The index finds copies, tells exact from near, and lets everything else be."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from include.detector.imaging import Descriptor, analyze
from include.flow_server.index import DuplicateIndex, SearchOptions
from include.flow_server.index.options import SMART_FILTERS
from tests.support.drawn import file, structured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def index_of(descriptors: dict[int, Descriptor]) -> DuplicateIndex:
    index = DuplicateIndex(lambda keys: {key: descriptors[key] for key in keys})
    index.add(descriptors.items())
    return index


def best(index: DuplicateIndex, image: Image.Image | bytes) -> dict[int, float]:
    data = image if isinstance(image, bytes) else file(image)
    return {hit.key: hit.score for hit in index.search(analyze(data), SearchOptions())}


@pytest.fixture(scope="module")
def descriptors() -> dict[int, Descriptor]:
    return {seed: analyze(file(structured(seed))) for seed in range(12)}


@pytest.fixture(scope="module")
def index(descriptors: dict[int, Descriptor]) -> DuplicateIndex:
    return index_of(descriptors)


def test_equal_pixels_score_one(index: DuplicateIndex) -> None:
    assert best(index, structured(3)) == {3: 1.0}


@pytest.mark.parametrize(
    "copy",
    [
        lambda image: file(image, "JPEG", quality=40),
        lambda image: file(image, "WEBP", quality=70),
        lambda image: file(image.resize((240, 180), Image.Resampling.LANCZOS)),
    ],
    ids=["jpeg", "webp", "half"],
)
def test_recoded_and_scaled_copies_are_exact(
    index: DuplicateIndex, copy: Callable[[Image.Image], bytes]
) -> None:
    found = best(index, copy(structured(5)))
    assert list(found) == [5]
    assert found[5] >= 0.95


@pytest.mark.parametrize(
    "change",
    [
        lambda image: image.crop((30, 20, 440, 330)),
        lambda image: image.resize((480, 270)),
        lambda image: ImageEnhance.Brightness(image).enhance(0.6),
        lambda image: ImageEnhance.Color(image).enhance(0.0),
        lambda image: image.crop((0, 0, 340, 255)),
        ImageOps.mirror,
        lambda image: image.rotate(4, Image.Resampling.BICUBIC),
        lambda image: ImageOps.pad(image, (800, 360), color=(0, 0, 0)),
    ],
    ids=["crop", "stretch", "darker", "grey", "half", "mirrored", "turned", "letterbox"],
)
def test_visibly_changed_copies_are_near(
    index: DuplicateIndex, change: Callable[[Image.Image], Image.Image]
) -> None:
    found = best(index, change(structured(7)))
    assert list(found) == [7]
    assert 0.70 <= found[7] < 0.95


def test_other_pictures_are_not_found(index: DuplicateIndex) -> None:
    assert best(index, structured(99)) == {}


def test_flat_pictures_match_by_equal_pixels_only() -> None:
    greys = {
        level: analyze(file(Image.new("RGB", (90, 60), (level, level, level)))) for level in (200, 201, 255)
    }
    index = index_of(greys)
    assert best(index, file(Image.new("RGB", (90, 60), (201, 201, 201)), "BMP")) == {201: 1.0}
    assert best(index, Image.new("RGB", (90, 61), (201, 201, 201))) == {}


def test_scores_are_the_same_in_both_directions(descriptors: dict[int, Descriptor]) -> None:
    changed = analyze(file(structured(2).crop((40, 10, 420, 340))))
    there = index_of({1: descriptors[2]}).search(changed, SearchOptions())
    back = index_of({1: changed}).search(descriptors[2], SearchOptions())
    assert there[0].score == back[0].score


def test_allowed_limits_the_answer(index: DuplicateIndex, descriptors: dict[int, Descriptor]) -> None:
    for allowed, found in (([3, 4], [3]), ([4], []), ([], [])):
        hits = index.search(descriptors[3], SearchOptions(), np.array(allowed, np.int64))
        assert [hit.key for hit in hits] == found


def test_adding_a_known_key_replaces_it_and_removing_forgets_it(descriptors: dict[int, Descriptor]) -> None:
    known = {1: descriptors[1]}
    index = index_of(known)
    known[1] = descriptors[2]
    index.add(known.items())
    assert len(index) == 1
    assert best(index, structured(1)) == {}
    assert best(index, structured(2)) == {1: 1.0}
    index.remove([1, 77])
    assert len(index) == 0
    assert best(index, structured(2)) == {}


def test_a_document_deleted_meanwhile_is_left_out(descriptors: dict[int, Descriptor]) -> None:
    def load(keys: Iterable[int]) -> dict[int, Descriptor]:
        return {key: descriptors[key] for key in keys if key != 2}

    index = DuplicateIndex(load)
    index.add(descriptors.items())
    assert best(index, file(structured(2), "JPEG", quality=50)) == {}


def test_every_hit_is_returned_even_with_many_copies() -> None:
    copies = {quality: analyze(file(structured(1), "JPEG", quality=quality)) for quality in range(10, 95)}
    assert len(best(index_of(copies), structured(1))) == len(copies)


def test_an_explanation_names_the_crop(index: DuplicateIndex) -> None:
    (hit,) = index.search(
        analyze(file(structured(4).crop((120, 90, 480, 360)))), SearchOptions(), explain=True
    )
    assert hit.explanation is not None
    assert hit.explanation.crop == pytest.approx((0.25, 0.25, 1, 1), abs=0.02)
    assert not hit.explanation.mirrored
    assert hit.explanation.reason.startswith("near")


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="smartfilter"):
        SearchOptions(smartfilter="most")
    with pytest.raises(ValueError, match="threshold"):
        SearchOptions(threshold=7)


def test_mirrored_copies_count_only_if_wanted(descriptors: dict[int, Descriptor]) -> None:
    index = DuplicateIndex(lambda keys: {key: descriptors[key] for key in keys}, mirror=False)
    index.add(descriptors.items())
    assert best(index, ImageOps.mirror(structured(6))) == {}


def test_an_explanation_says_that_a_copy_is_mirrored(index: DuplicateIndex) -> None:
    (hit,) = index.search(analyze(file(ImageOps.mirror(structured(6)))), SearchOptions(), explain=True)
    assert hit.explanation is not None
    assert hit.explanation.mirrored


def test_approximate_and_filtered_searches_find_plain_copies(index: DuplicateIndex) -> None:
    query = analyze(file(structured(8), "JPEG", quality=60))
    for options in (SearchOptions(approximate=True), *(SearchOptions(smartfilter=f) for f in SMART_FILTERS)):
        assert [hit.key for hit in index.search(query, options)] == [8]


def test_hits_below_the_usual_threshold_are_returned_on_demand(index: DuplicateIndex) -> None:
    hits = index.search(analyze(file(structured(5))), SearchOptions(threshold=0.0))
    assert hits[0].key == 5
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_many_readers_and_one_writer_agree(descriptors: dict[int, Descriptor]) -> None:
    index = index_of(descriptors)
    copies = {seed: analyze(file(structured(seed), "JPEG", quality=55)) for seed in range(6)}

    def write() -> None:
        for _ in range(20):
            index.remove([11])
            index.add([(11, descriptors[11])])

    with ThreadPoolExecutor(4) as pool:
        writing = pool.submit(write)
        found = list(pool.map(lambda seed: index.search(copies[seed], SearchOptions()), [*copies] * 4))
        writing.result()
    assert [hits[0].key for hits in found] == [*copies] * 4
    assert len(index) == len(descriptors)
