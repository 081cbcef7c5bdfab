"""The demo's index is brought up to date by itself, also after a change of the analysis."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from PIL import Image

from include.demo.flow import index
from include.demo.library import Library
from include.detector.imaging import DESCRIPTOR_VERSION
from include.flow_server.store.sqlite import SqliteStore
from tests.support.drawn import file, scene
from tests.support.outdated import make_outdated

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


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


def test_what_is_left_out_of_a_folder_is_shown_and_a_shrunken_one_is_indexed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(13):
        Image.new("RGB", (32, 24), (number * 9, 90, 30)).save(pictures / f"{number}.png")
    (pictures / "a.nef").touch()
    (pictures / "loop.jpg").symlink_to("loop.jpg")
    library = Library(pictures, tmp_path / "data", None)
    index(library)
    shown = capfd.readouterr()
    assert "left out: other kinds 1 (.nef 1)" in shown.out
    assert "unreadable: loop.jpg: it is a link that leads nowhere" in shown.err
    for number in range(12):
        (pictures / f"{number}.png").unlink()
    index(library)
    assert "12 gone" in capfd.readouterr().out
