"""A small collection with known clusters behind the real server, for tests that meet it over HTTP."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.support.embedded_server import EmbeddedServer, launch

PHOTOS = Path(__file__).parents[2] / "include" / "demo" / "photos"
ORIGINALS = {
    "animals/cat.jpg": ("skimage-chelsea.jpg", "2026-04-02T10:00:00Z"),
    "animals/moose.jpg": ("gcompris-moose.jpg", "2026-05-02T10:00:00Z"),
    "things/coffee.jpg": ("skimage-coffee.jpg", "2026-06-30T23:59:59Z"),
    "things/rocket.jpg": ("skimage-rocket.jpg", "2026-04-30T23:59:59Z"),
    "places/china.jpg": ("sklearn-china.jpg", "2026-05-01T00:00:00Z"),
}
COPIES = {
    'animals/cat, "small".png': ("animals/cat.jpg", "2026-06-01T00:00:00Z"),
    "things/coffee & cake.webp": ("things/coffee.jpg", "2026-04-15T12:00:00Z"),
    "places/chîna: two.jpg": ("places/china.jpg", "2026-05-20T12:00:00Z"),
    "places/china three.jpg": ("places/china.jpg", "2026-05-21T12:00:00Z"),
}
CLUSTERS = {
    frozenset({"animals/cat.jpg", 'animals/cat, "small".png'}),
    frozenset({"things/coffee.jpg", "things/coffee & cake.webp"}),
    frozenset({"places/china.jpg", "places/chîna: two.jpg", "places/china three.jpg"}),
}


def make_pictures(folder: Path) -> None:
    rows = []
    for name, (photo, date) in ORIGINALS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((PHOTOS / photo).read_bytes())
        rows.append((name, name.split("/")[0], date))
    for number, (name, (original, date)) in enumerate(COPIES.items()):
        with Image.open(folder / original) as picture:
            share = 0.8 - number / 10
            picture.resize((int(picture.width * share), int(picture.height * share))).save(folder / name)
        rows.append((name, name.split("/")[0], date))
    with (folder / "fields.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("path", "category", "date_dt"), *rows])


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """The small collection ``my-collection``, and ``plain``, which is empty."""
    folder = tmp_path_factory.mktemp("library")
    make_pictures(folder / "pictures")
    running = launch(
        folder / "data",
        images=folder / "pictures",
        collections=("my-collection", "plain"),
        arguments=("--allow-host", "127.0.0.1"),
    )
    running.sync(folder / "pictures")
    yield running
    running.stop()


@pytest.fixture
def flow_server(server: EmbeddedServer) -> EmbeddedServer:
    """The server without faults, its counts at zero."""
    server.clear_faults()
    server.clear_counts()
    return server
