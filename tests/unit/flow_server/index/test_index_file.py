"""A saved index is used by the next start, and only where it is that of the documents as they are."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from include.detector.imaging import Descriptor
from include.flow_server.index import SearchOptions, memory
from include.flow_server.index.index_file import IndexFile
from include.flow_server.store.protocol import Add, Delete
from include.flow_server.store.sqlite import SqliteStore
from tests.support.cropped import photos_and_crops

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from include.flow_server.index.memory import MemoryPictures

Opened = tuple[SqliteStore, "MemoryPictures"]


@pytest.fixture(scope="module")
def descriptors() -> list[Descriptor]:
    return photos_and_crops(20, 14, 30, 16)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(memory, "WORTH_SAVING", 8)
    return tmp_path / "documents.sqlite"


@pytest.fixture
def saved(path: Path, descriptors: list[Descriptor]) -> Path:
    """Documents "0" to "7" and the file of their index."""
    with opened(path) as (store, pictures):
        add(store, pictures, dict(enumerate(descriptors)))
    return path.with_name("index.npz")


@contextmanager
def opened(path: Path) -> Iterator[Opened]:
    store = SqliteStore(path)
    pictures = store.pictures(
        lambda keys: {key: Descriptor.from_bytes(data) for key, data in store.descriptors(keys).items()},
        mirror=True,
        turn=True,
        comparers=None,
    )
    try:
        yield store, pictures
    finally:
        store.close()


def add(store: SqliteStore, pictures: MemoryPictures, added: dict[int, Descriptor]) -> None:
    store.update([Add(str(number), {}, descriptor.to_bytes()) for number, descriptor in added.items()])
    store.commit()
    pictures.catch_up()


def found(store: SqliteStore, pictures: MemoryPictures, query: Descriptor) -> set[str]:
    """Ids of the hits."""
    hits = pictures.search_all([query], SearchOptions(), store.matching(()))[0]
    return {one.id for one in store.documents([hit.key for hit in hits]).values()}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The descriptors that a start reads."""
    seen: list[bytes] = []
    comparable = memory.comparable

    def noted(data: bytes) -> Descriptor | None:
        seen.append(data)
        return comparable(data)

    monkeypatch.setattr(memory, "comparable", noted)
    return seen


def test_a_restart_goes_on_from_the_saved_index(
    saved: Path, path: Path, descriptors: list[Descriptor], read: list[bytes]
) -> None:
    assert saved.exists()
    with opened(path) as (store, pictures):
        assert not read
        assert pictures.indexed() == 8
        for number, descriptor in enumerate(descriptors):
            assert found(store, pictures, descriptor) == {str(number), str((number + 4) % 8)}


def test_what_changed_after_it_was_saved_is_found(
    saved: Path, path: Path, descriptors: list[Descriptor], read: list[bytes]
) -> None:
    with opened(path) as (store, pictures):
        add(store, pictures, {8: descriptors[0], 5: descriptors[2]})
        store.update([Delete("3")])
        store.commit()
    before = saved.stat().st_mtime_ns
    read.clear()
    with opened(path) as (store, pictures):
        assert read == [descriptors[0].to_bytes(), descriptors[2].to_bytes()]
        assert found(store, pictures, descriptors[0]) == {"0", "4", "8"}
        assert found(store, pictures, descriptors[1]) == {"1"}
        assert found(store, pictures, descriptors[2]) == {"2", "5", "6"}
        assert found(store, pictures, descriptors[3]) == {"7"}
    assert saved.stat().st_mtime_ns == before


def shorter(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def other_byte(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def other_stamp(file: Path) -> None:
    """As if the server had been killed before the documents got the stamp of a file that was whole."""
    with opened(file.with_name("documents.sqlite")) as (store, _):
        whole = IndexFile(file).read(store.stamp())
    assert whole
    IndexFile(file).write(whole, "another")


@pytest.mark.parametrize("harm", [shorter, other_byte, other_stamp, lambda file: file.unlink()])
def test_a_file_that_is_of_no_use_is_built_anew_and_told(
    saved: Path,
    path: Path,
    descriptors: list[Descriptor],
    harm: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    harm(saved)
    caplog.clear()
    with opened(path) as (store, pictures):
        assert "built anew" in caplog.text
        assert found(store, pictures, descriptors[0]) == {"0", "4"}
    caplog.clear()
    with opened(path):
        assert not caplog.text


def test_documents_of_a_backup_never_get_the_index_of_later_ones(
    path: Path, descriptors: list[Descriptor], tmp_path: Path
) -> None:
    with opened(path) as (store, pictures):
        add(store, pictures, dict(enumerate(descriptors)))
    shutil.copyfile(path, tmp_path / "backup")
    with opened(path) as (store, pictures):
        add(store, pictures, {8 + number: one for number, one in enumerate(descriptors)})
    shutil.copyfile(tmp_path / "backup", path)
    with opened(path) as (store, pictures):
        add(store, pictures, dict.fromkeys(range(8, 16), descriptors[0]))
        assert found(store, pictures, descriptors[0]) == {"0", "4", *map(str, range(8, 16))}
        assert found(store, pictures, descriptors[1]) == {"1", "5"}


def test_a_half_written_file_changes_nothing(saved: Path, path: Path, read: list[bytes]) -> None:
    saved.with_suffix(".unfinished").write_bytes(saved.read_bytes()[:1000])
    with opened(path) as (_, pictures):
        assert not read
        assert pictures.indexed() == 8


def test_where_it_cannot_be_written_everything_else_goes_on(
    path: Path, descriptors: list[Descriptor], caplog: pytest.LogCaptureFixture
) -> None:
    path.with_name("index.unfinished").mkdir()
    with opened(path) as (store, pictures):
        add(store, pictures, dict(enumerate(descriptors)))
        assert found(store, pictures, descriptors[0]) == {"0", "4"}
    assert "cannot be saved" in caplog.text
