"""A store that is locked, or has no room left, says so, and is as before once that is over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from include.flow_server.errors import BusyError, StorageFullError, TooLargeError
from include.flow_server.query.request import SelectRequest
from include.flow_server.store.protocol import Add
from include.flow_server.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "documents.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(path, patience=0.2)) as opened:
        yield opened


def test_a_locked_store_is_busy_for_writers_and_open_for_readers(store: SqliteStore, path: Path) -> None:
    store.update([Add("a", {})])
    store.commit()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for write in (lambda: store.update([Add("b", {})]), store.commit):
            with pytest.raises(BusyError, match="ask again"):
                write()
        assert [one.id for one in store.get(["a", "b"])] == ["a"]
        assert store.select(SelectRequest()).found == 1
        other.execute("ROLLBACK")
    store.update([Add("b", {})])
    store.commit()
    assert store.select(SelectRequest()).found == 2


def test_a_store_that_is_locked_cannot_be_opened_and_says_so(store: SqliteStore, path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyError):
            SqliteStore(path, patience=0.2)


def test_a_full_disk_is_told_and_the_store_goes_on_when_there_is_room(store: SqliteStore) -> None:
    store.update([Add("a", {"n_i": 1})])
    pages = store._writer.execute("PRAGMA page_count").fetchone()[0]
    store._writer.execute(f"PRAGMA max_page_count = {pages + 2}")  # what a full disk is to SQLite
    big = [Add("b", {"n_i": 1}), Add("c", {"title_t": " ".join(map(str, range(20_000)))}), Add("d", {})]
    with pytest.raises(StorageFullError, match="disk is full"):
        store.update(big)
    assert [one.id for one in store.get(["a", "b", "c", "d"])] == ["a"]
    store._writer.execute("PRAGMA max_page_count = 1000000")
    store.update(big)
    store.commit()
    assert store.select(SelectRequest(q="n_i:1")).found == 2
    assert store.select(SelectRequest()).found == 4


def test_a_value_that_no_row_can_hold_is_refused(store: SqliteStore) -> None:
    store._writer.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 1000)
    with pytest.raises(TooLargeError, match="larger than"):
        store.update([Add("a", {"title_s": "x" * 2000})])
    assert store.get(["a"]) == []
