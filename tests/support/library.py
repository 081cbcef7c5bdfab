"""A library: a folder of pictures behind the live server, a quarantine, and runs that delete copies in it."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image, ImageDraw

from include.dedupe.acting.apply import ApplyStats
from include.dedupe.rundir import Attempt
from tests.support.acting import FIRST, Acting
from tests.support.embedded_server import EmbeddedServer, launch
from tests.support.small_collection import PHOTOS

BY_NAME = {"rule": "prefer", "field": "format_s", "values": ["JPEG", "PNG", "HEIF"]}
"""Tells hardly any documents apart, so that the shortest id stays."""
AT_ONCE = 50
"""Documents that are indexed with one request, which has to end before the client's patience does."""

LENIENT: dict[str, Any] = {"scan": {"exact_threshold": 0.75}, "guards": {"delete_threshold": 0.7}}
"""What thumbnails can hardly tell apart is exact, as it may be to a Flow whose score nobody knows."""


def photo(name: str = "skimage-chelsea.jpg", side: int = 320) -> Image.Image:
    with Image.open(PHOTOS / name) as picture:
        picture.thumbnail((side, side))
        return picture.convert("RGB")


def stamped() -> Image.Image:
    picture = photo()
    draw = ImageDraw.Draw(picture)
    draw.text((picture.width * 0.7, picture.height * 0.9), "2024 11 28", fill=(255, 140, 20))
    return picture


def jpeg(picture: Image.Image, quality: int = 90) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality)
    return out.getvalue()


@dataclass
class Library:
    """``folder`` holds the pictures, ``away`` those that were moved; ids are paths in ``folder``."""

    acting: Acting
    folder: Path
    away: Path

    def fill(self, files: Mapping[str, bytes], fields: Mapping[str, Mapping[str, Any]] | None = None) -> None:
        """Write files and index those that are pictures by their names."""
        for name, data in files.items():
            (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / name).write_bytes(data)
        pictures = [name for name in files if name.endswith((".jpg", ".png", ".heic"))]
        documents = [self.document(name) | dict((fields or {}).get(name, {})) for name in pictures]
        self.acting.client(lambda client: client.delete(query="*:*"))
        for first in range(0, len(documents), AT_ONCE):
            part = documents[first : first + AT_ONCE]
            self.acting.client(lambda client, part=part: client.update(part, commit=True))  # type: ignore[misc]

    def document(self, name: str) -> dict[str, Any]:
        return {"id": name, "image": f"{self.acting.server.base}/images/{quote(name)}"}

    def index_again(self, name: str, **fields: Any) -> None:
        self.acting.change({**self.document(name), **fields})

    def decided(self, run_id: str = "run-1", do: str = "delete", **settings: Any) -> str:
        """Check, and decide to do it to exact copies; the one whose name sorts first is the keeper."""
        config = self.acting.config(**self.settings(do, **settings))
        steps = self.acting.check(config)
        assert not [step for step in steps if step.problem], steps
        return self.acting.decide(self.acting.run(run_id), config).hash

    def settings(self, do: str = "delete", **settings: Any) -> dict[str, Any]:
        quarantine = {"library": str(self.folder), "folder": str(self.away)}
        policies = {"exact": {"do": do}}
        return {"policies": policies, "quarantine": quarantine, "keeper": {"rules": [BY_NAME]}, **settings}

    def apply(self, digest: str, run_id: str = "run-1", attempt: Attempt = FIRST) -> ApplyStats:
        return self.acting.apply(self.acting.run(run_id), digest, attempt=attempt)

    def files(self) -> dict[str, bytes]:
        """Return all files of the library that can be read, by their paths in it."""
        return _read(self.folder)

    def moved(self, run_id: str = "run-1") -> dict[str, bytes]:
        """Return the files that a run has moved away, by the paths that they had."""
        return _read(self.away / run_id)


def _read(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def library_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    home = tmp_path_factory.mktemp("library-server")
    (home / "pictures").mkdir()
    server = launch(
        home / "data",
        images=home / "pictures",
        collections=("library",),
        arguments=("--allow-host", "127.0.0.1"),
    )
    yield server
    server.stop()


@pytest.fixture
def library(library_server: EmbeddedServer, tmp_path: Path) -> Library:
    assert library_server.images is not None
    shutil.rmtree(library_server.images)
    library_server.images.mkdir()
    library_server.clear_faults()
    acting = Acting(library_server, tmp_path / "storage", collection="library")
    return Library(acting, library_server.images, tmp_path / "away")
