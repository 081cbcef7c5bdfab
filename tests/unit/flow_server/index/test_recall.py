"""A small fixed benchmark: floors of recall per manipulation, no wrong pair among the demo photographs."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.editing.manipulations import BEYOND, EXACT, HARSH, NEAR, encode
from include.detector.imaging import Descriptor, analyze
from include.detector.training.pages import pages
from include.flow_server.index import DuplicateIndex, SearchOptions

PHOTOS = sorted(Path("include/demo/photos").glob("*.jpg"))
COPIED = PHOTOS[::13]  # six of them
MANIPULATIONS = EXACT | HARSH | NEAR | BEYOND
FLOORS = {"quarter turn + crop": 0.3, "crop 0.3 corner": 0.5}
USUAL_FLOOR = 5 / 6
MOST_EXACT = 1 / 6  # white words over white, small ones over a busy front: one has to look for them


@pytest.fixture(scope="module")
def descriptors() -> dict[int, Descriptor]:
    return {key: analyze(path.read_bytes()) for key, path in enumerate(PHOTOS)}


@pytest.fixture(scope="module")
def index(descriptors: dict[int, Descriptor]) -> DuplicateIndex:
    index = DuplicateIndex(lambda keys: {key: descriptors[key] for key in keys})
    index.add(descriptors.items())
    return index


@pytest.fixture(scope="module")
def copied() -> dict[int, Image.Image]:
    images = {}
    for path in COPIED:
        image = Image.open(path).convert("RGB")
        image.thumbnail((480, 480))
        images[PHOTOS.index(path)] = image
    return images


@pytest.mark.parametrize("name", MANIPULATIONS)
def test_copies_are_found_and_nothing_else(
    name: str, index: DuplicateIndex, copied: dict[int, Image.Image]
) -> None:
    near, exact = 0, 0
    for key, image in copied.items():
        copy = MANIPULATIONS[name](image, random.Random(f"{key}/{name}"))
        scores = {hit.key: hit.score for hit in index.search(analyze(copy), SearchOptions())}
        assert set(scores) <= {key}
        near += scores.get(key, 0) >= 0.70
        exact += scores.get(key, 0) >= 0.95
    assert near >= FLOORS.get(name, USUAL_FLOOR) * len(copied)
    if name in EXACT:
        assert exact >= USUAL_FLOOR * len(copied)
    if name in NEAR:
        assert exact <= MOST_EXACT * len(copied)


def test_no_photograph_is_a_duplicate_of_another(
    index: DuplicateIndex, descriptors: dict[int, Descriptor]
) -> None:
    for key, descriptor in descriptors.items():
        assert [hit.key for hit in index.search(descriptor, SearchOptions())] == [key]


def test_pages_of_one_template_are_not_copies_of_each_other() -> None:
    made = {key: analyze(encode(page, "PNG")) for key, page in enumerate(pages(seed=99, count=5).values())}
    index = DuplicateIndex(lambda keys: {key: made[key] for key in keys})
    index.add(made.items())
    for key, descriptor in made.items():
        assert [hit.key for hit in index.search(descriptor, SearchOptions())] == [key]


def test_a_picture_with_a_small_patch_of_another_is_not_exact(descriptors: dict[int, Descriptor]) -> None:
    rng = random.Random(3)
    for number, path in enumerate(PHOTOS[::4]):
        image, other = (Image.open(each).convert("RGB") for each in (path, PHOTOS[number - 1]))
        width, height = image.width // 10, image.height // 10
        left, top = rng.randrange(image.width - width), rng.randrange(image.height - height)
        box = (left, top, left + width, top + height)
        changed = image.copy()
        changed.paste(other.resize(image.size).crop(box), box)
        assert score(descriptors[PHOTOS.index(path)], analyze(encode(changed))) < 0.95, path.name


def test_a_page_with_another_number_is_not_exact() -> None:
    for page in pages(seed=98, count=8).values():
        changed = page.copy()
        place, font = (page.width * 0.3, page.height * 0.4), ImageFont.load_default(page.height * 0.05)
        draw = ImageDraw.Draw(changed)
        draw.rectangle(draw.textbbox(place, "417", font=font), fill=(255, 255, 255))
        draw.text(place, "417", font=font, fill=(0, 0, 0))
        assert score(analyze(encode(page)), analyze(encode(changed))) < 0.95


@pytest.mark.parametrize("side", [64, 90])
def test_small_pages_of_text_that_look_alike_are_not_exact(side: int) -> None:
    made = pages(seed=77, count=30)
    for one, other in ((4, 19), (1, 16), (22, 28), (18, 21), (12, 21)):
        small = [made[f"text_page-{number}"].copy() for number in (one, other)]
        for page in small:
            page.thumbnail((side, side))
        first, second = (analyze(encode(page, "PNG")) for page in small)
        assert score(first, second) < 0.95, (one, other)


def score(first: Descriptor, second: Descriptor) -> float:
    return score_pair(Thumb.of(first), Thumb.of(second), mirror=True)
