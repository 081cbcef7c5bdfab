"""The SQLite store: what reads see, what survives, how the duplicate index is told, plans at scale."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from include.flow_server.errors import BadRequestError, VersionConflictError
from include.flow_server.query.request import SelectRequest, SortKey
from include.flow_server.store.protocol import Add, Delete, DeleteByQuery, Reanalysed
from include.flow_server.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "documents.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(path)
    yield opened
    opened.close()


def ids(store: SqliteStore, **request: object) -> list[str]:
    return [one.id for one in store.select(SelectRequest(rows=100, **request)).documents]  # type: ignore[arg-type]


def test_reads_see_the_last_commit_and_get_sees_the_newest(store: SqliteStore) -> None:
    store.update([Add("a", {"n_i": 1})])
    assert ids(store) == []
    assert [one.id for one in store.get(["a", "b"])] == ["a"]
    store.commit()
    store.update([Add("a", {"n_i": 2}), Delete("a"), Add("b", {})])
    assert store.select(SelectRequest()).documents[0].fields == {"n_i": 1}
    store.commit()
    assert ids(store) == ["b"]


def test_another_process_sees_a_commit_after_refresh(store: SqliteStore, path: Path) -> None:
    other = SqliteStore(path)
    other.update([Add("a", {"new_field": "7"})])
    assert not store.refresh()
    other.commit()
    assert store.refresh()
    assert ids(store, q="new_field:[1 TO 9]") == ["a"]
    assert not store.refresh()
    store.update([Add("b", {"new_field": "8"})])
    store.commit()
    assert other.refresh()
    assert ids(other, q="new_field:8") == ["b"]
    other.close()


def test_reopening_shows_what_was_acknowledged_but_not_committed(path: Path) -> None:
    first = SqliteStore(path)
    first.update([Add("a", {})])
    first.close()
    second = SqliteStore(path)
    assert ids(second) == ["a"]
    second.close()


def test_a_failing_operation_leaves_those_before_it_and_nothing_of_itself(store: SqliteStore) -> None:
    with pytest.raises(BadRequestError):
        store.update([Add("a", {}), Add("b", {"labels": ["x"], "n_i": "one"}), Add("c", {})])
    with pytest.raises(VersionConflictError):
        store.update([Delete("a", version=5)])
    store.commit()
    assert ids(store) == ["a"]
    assert ids(store, q="labels:x") == []


def test_the_index_of_terms_never_disagrees_with_the_documents(store: SqliteStore, path: Path) -> None:
    store.update([Add(str(n), {"labels": [f"l{n % 3}", "all"], "n_i": n}) for n in range(20)])
    store.update([Add(str(n), {"labels": {"remove": "all"}, "n_i": {"inc": 100}}) for n in range(0, 20, 2)])
    store.update([Add("3", {"title_t": "new words"}), DeleteByQuery("n_i:[104 TO 108]"), Delete("1")])
    store.commit()
    with sqlite3.connect(path) as raw:
        orphans = raw.execute(
            "SELECT COUNT(*) FROM terms WHERE key NOT IN (SELECT key FROM documents)"
        ).fetchone()
    assert orphans == (0,)
    for document in store.select(SelectRequest(rows=100)).documents:
        for label in document.fields.get("labels", []):
            assert document.id in ids(store, q=f"labels:{label}")
    assert len(ids(store, q="labels:all")) == 8


def test_changes_tell_every_descriptor_once_in_order(store: SqliteStore) -> None:
    store.update([Add("a", {}, b"1"), Add("b", {}, b"2"), Add("c", {})])
    store.commit()
    first = list(store.changes(0))
    assert [data for _, _, data in first] == [b"1", b"2"]
    store.update([Add("a", {"labels": {"add": "x"}}), Add("b", {}, b"3"), Delete("c")])
    store.commit()
    assert [data for _, _, data in store.changes(first[-1][0])] == [b"3"]
    store.update([Delete("a"), Add("b", {})])
    store.commit()
    assert [data for _, _, data in store.changes(first[-1][0] + 1)] == [None, None]


def test_a_key_is_never_used_again(store: SqliteStore) -> None:
    store.update([Add("a", {}), Delete("a"), Add("b", {})])
    store.commit()
    key = store.key_of("b")
    store.update([Delete("b"), Add("c", {})])
    store.commit()
    assert store.key_of("c") not in (None, key)


def test_a_cursor_under_id_meets_each_document_once_while_others_come_and_go(store: SqliteStore) -> None:
    store.update([Add(f"{n:04}", {}) for n in range(0, 1000, 2)])
    store.commit()
    met: list[str] = []
    mark = "*"
    while True:
        page = store.select(SelectRequest(rows=70, sort=(SortKey("id"),), cursor=mark))
        if page.next_cursor == mark:
            break
        met += [one.id for one in page.documents]
        mark = str(page.next_cursor)
        store.update([Add(f"{len(met) + 1:04}", {}), Delete(f"{len(met) // 2 * 2:04}")])
        store.commit()
    assert len(met) == len(set(met))
    assert met == sorted(met)


@pytest.mark.parametrize("filters", [("category_s:c1",), ("n_i:[5 TO 90}",), ("-category_s:c1",), ()])
@pytest.mark.parametrize("descending", [False, True])
def test_walking_the_index_and_sorting_give_the_same_pages(
    store: SqliteStore, filters: tuple[str, ...], descending: bool
) -> None:
    store.update([Add(f"d{n}", {"category_s": f"c{n % 2}", "n_i": n}) for n in range(700)])
    store.commit()
    by_id = (SortKey("id", descending),)
    same = (SortKey("score", descending=True), *by_id)
    marks = ["*", "*"]
    for _ in range(20):
        pages = [
            store.select(SelectRequest(fq=filters, rows=50, sort=sort, cursor=mark))
            for sort, mark in zip((by_id, same), marks, strict=True)
        ]
        assert [one.id for one in pages[0].documents] == [one.id for one in pages[1].documents]
        marks = [str(page.next_cursor) for page in pages]


def test_filters_use_the_index_and_read_no_documents(store: SqliteStore, path: Path) -> None:
    with sqlite3.connect(path) as raw:
        plan = raw.execute(
            "EXPLAIN QUERY PLAN SELECT key FROM terms WHERE field = 3 AND value >= ? AND value < ?",
            ("a", "b"),
        ).fetchall()
    assert all("USING PRIMARY KEY (field=? AND value>? AND value<?)" in row[-1] for row in plan)


def test_a_file_of_another_format_is_refused(store: SqliteStore, path: Path) -> None:
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE counters SET value = 99 WHERE name = 'format'")
    with pytest.raises(BadRequestError, match="has format 99"):
        SqliteStore(path)


def test_a_descriptor_is_renewed_only_in_the_place_of_the_one_that_was_read(store: SqliteStore) -> None:
    store.update([Add("a", {"n_i": 1}, b"old"), Add("b", {}, b"new picture"), Add("c", {}, b"old")])
    store.commit()
    (before,) = store.get(["a"])
    keys = {name: store.get([name])[0].key for name in "abc"}
    store.update([Delete("c")])
    store.update([Reanalysed(key, b"old", b"renewed") for key in keys.values()])
    store.commit()
    assert store.descriptors(list(keys.values())) == {keys["a"]: b"renewed", keys["b"]: b"new picture"}
    assert store.get(["a"]) == [before]
    assert {key: data for _, key, data in store.changes(3)} == {keys["a"]: b"renewed", keys["c"]: None}


def test_reads_do_not_wait_for_a_write(store: SqliteStore, path: Path) -> None:
    store.update([Add("a", {"n_i": 1})])
    store.commit()
    with closing(sqlite3.connect(path, isolation_level=None)) as writing:
        writing.execute("BEGIN IMMEDIATE")
        writing.execute("DELETE FROM documents")
        assert not store.refresh()
        assert ids(store, q="n_i:1") == ["a"]
        assert [one.id for one in store.get(["a"])] == ["a"]
        writing.execute("ROLLBACK")
