"""A group of 200 duplicates is found whole, by one search as by the self-join."""

from __future__ import annotations

from itertools import islice, product
from typing import TYPE_CHECKING

import pytest
import requests
from PIL import Image, ImageEnhance

from tests.support.embedded_server import EmbeddedServer, launch, run_sync
from tests.support.small_collection import PHOTOS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COPIES = 200
OTHERS = 40
SECONDS = 120
SEARCHES = [{}, {"rank.approximate": "true", "rank.smartfilter": "medium"}]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """200 files of one photograph, no two alike in size, brightness and compression, among 40 others."""
    folder, data = tmp_path_factory.mktemp("pictures"), tmp_path_factory.mktemp("data")
    write_copies(folder)
    for file in islice(
        (one for one in sorted(PHOTOS.glob("*.jpg")) if one.stem != "skimage-chelsea"), OTHERS
    ):
        (folder / file.name).write_bytes(file.read_bytes())
    run_sync(folder, data)
    running = launch(data, images=folder)
    yield running
    running.stop()


def write_copies(folder: Path) -> None:
    original = Image.open(PHOTOS / "skimage-chelsea.jpg").convert("RGB")
    changes = product(range(20), (0.8, 0.9, 1.0, 1.1, 1.2), (40, 90))
    for number, (step, brightness, quality) in enumerate(changes):
        side = 1 - step / 40
        small = original.resize((round(original.width * side), round(original.height * side)))
        ImageEnhance.Brightness(small).enhance(brightness).save(
            folder / f"copy-{number:03}.jpg", quality=quality
        )


@pytest.mark.parametrize("search", SEARCHES)
def test_one_search_finds_all_of_it(server: EmbeddedServer, search: dict[str, str]) -> None:
    for number in (0, 99, 199):
        asked = {"rank.by.id": f"copy-{number:03}.jpg", "fl": "id", "rows": "1000", **search}
        found = requests.get(f"{server.url}/duplicate", asked, timeout=SECONDS).json()["response"]
        assert {hit["id"] for hit in found["docs"]} == set(copies())
        assert found["numFound"] == COPIES


@pytest.mark.parametrize("search", SEARCHES)
def test_the_self_join_finds_every_pair_of_it_once(server: EmbeddedServer, search: dict[str, str]) -> None:
    scanned = copies()[::50]
    asked = {"fq": "{!terms f=id}" + ",".join(scanned), **search}
    page = requests.get(f"{server.url}/duplicates", asked, timeout=SECONDS).json()["response"]["docs"]
    found = [frozenset((one["id"], hit["id"])) for one in page for hit in one["hits"]]
    assert len(found) == len(set(found))
    assert set(found) == {frozenset(pair) for pair in product(scanned, copies()) if pair[0] != pair[1]}


def copies() -> list[str]:
    return [f"copy-{number:03}.jpg" for number in range(COPIES)]
