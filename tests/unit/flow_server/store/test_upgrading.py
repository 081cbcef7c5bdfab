"""A file of format 1 is brought to this format when it is opened."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from include.flow_server.query.request import SelectRequest
from include.flow_server.store.protocol import Add, Delete
from include.flow_server.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path


def found(store: SqliteStore, query: str) -> int:
    return store.select(SelectRequest(q=query)).found


def test_numbers_leave_the_catch_all_field_and_words_stay(tmp_path: Path) -> None:
    path = tmp_path / "documents.sqlite"
    store = SqliteStore(path)
    store.update([Add("a", {"n_i": 7, "labels": ["red door", "8"]}), Add("b", {"n_i": 7})])
    catch_all, key = store.schema.require("_text_").number, store.get(["b"])[0].key
    store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO terms VALUES (?, '7', ?)", (catch_all, key))
        connection.execute("UPDATE counters SET value = 1 WHERE name = 'format'")
    store = SqliteStore(path)
    assert [found(store, query) for query in ("7", "n_i:7", "8", '"red door"', "a")] == [0, 2, 1, 1, 1]
    store.update([Delete("a"), Delete("b")])
    store.commit()
    assert [found(store, query) for query in ("7", "8", "red", "*:*")] == [0, 0, 0, 0]
    store.close()
