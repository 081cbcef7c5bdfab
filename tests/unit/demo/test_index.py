"""The demo's index is brought up to date by itself, also after a change of the analysis."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from include.demo.flow import index
from include.demo.library import Library
from include.detector.imaging import DESCRIPTOR_VERSION
from include.flow_server.store.sqlite import SqliteStore
from tests.support.drawn import file, scene
from tests.unit.flow_server.test_reanalyze import make_outdated

if TYPE_CHECKING:
    from pathlib import Path


def is_current(library: Library) -> list[bool]:
    with closing(SqliteStore(library.data / "my-collection" / "documents.sqlite")) as store:
        return [DESCRIPTOR_VERSION.encode() in data for _, _, data in store.changes(0) if data is not None]


def test_what_an_earlier_version_analysed_is_analysed_anew(tmp_path: Path) -> None:
    library = Library(tmp_path / "pictures", tmp_path / "data", None)
    library.pictures.mkdir()
    for seed in range(3):
        (library.pictures / f"{seed}.png").write_bytes(file(scene(seed=seed)))
    index(library)
    make_outdated(library.data)
    assert is_current(library) == [False] * 3
    index(library)
    assert is_current(library) == [True] * 3
