"""Work on large documents and queries grows with their size; each of these would take minutes if not."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

from include.flow_server.endpoints.commands import Insert, read_commands
from include.flow_server.errors import BadRequestError
from include.flow_server.query.dates import now, parse_date
from include.flow_server.query.request import SelectRequest
from include.flow_server.store.keyset import NOTHING, KeySet, as_keys, union
from include.flow_server.store.protocol import Add
from include.flow_server.store.schema import FieldType, guess_type
from include.flow_server.store.sqlite import SqliteStore
from include.flow_server.store.terms import has_phrase

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MANY = 100_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "documents.sqlite")
    yield opened
    opened.close()


def test_a_type_is_guessed_at_one_look() -> None:
    assert guess_type("1" * 1_000_000 + "x", now()) is FieldType.STRING
    assert [guess_type(text, now()) for text in ("1.", ".5", "-1.5", "1.5.2")] == [
        *[FieldType.DOUBLE] * 3,
        FieldType.STRING,
    ]


def test_a_name_that_comes_often_has_all_its_values() -> None:
    body = '[{"id":"a",' + ",".join(['"labels":"x"'] * MANY) + "}]"
    (insert,) = read_commands(body.encode(), documents_only=False)
    assert isinstance(insert, Insert)
    assert insert.fields == {"id": "a", "labels": ["x"] * MANY}


def test_many_values_are_removed_and_added(store: SqliteStore) -> None:
    values = [f"v{number}" for number in range(MANY // 5)]
    store.update([Add("a", {"labels": values})])
    store.update([Add("a", {"labels": {"add-distinct": [*values, "new", "new"]}})])
    assert store.get(["a"])[0].fields["labels"] == [*values, "new"]
    store.update([Add("a", {"labels": {"remove": [*values, "other"]}})])
    assert store.get(["a"])[0].fields["labels"] == ["new"]


def test_a_long_phrase_is_looked_for_at_one_pass() -> None:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE documents (key, id, fields)")
        text = json.dumps({"title_t": "a " * MANY})
        connection.execute("INSERT INTO documents VALUES (1, 'x', ?)", (text,))
        assert has_phrase(connection, {"title_t"}, 1, ["a"] * (MANY // 2))
        assert not has_phrase(connection, {"title_t"}, 1, [*["a"] * (MANY // 2), "b"])


def test_a_union_of_many_sets_is_that_of_two_after_two() -> None:
    sets = [KeySet(as_keys(range(start, start + 50))) for start in range(0, MANY, 7)]
    assert union(sets).keys.tolist() == list(range(sets[-1].keys[-1] + 1))
    assert union([]) == NOTHING
    assert union([*sets, ~sets[0]]).size(MANY) == MANY


def test_long_date_math_and_numbers_are_refused() -> None:
    for text in ("NOW" + "+1DAY" * MANY, "NOW+" + "9" * MANY + "DAYS"):
        with pytest.raises(BadRequestError, match="Invalid Date Math"):
            parse_date(text, now())


def test_long_texts_of_a_query_are_refused(store: SqliteStore) -> None:
    store.update([Add("a", {"title_t": "a b"})])
    for query in ('"' + "a " * MANY + '"', "id:" + "*a" * MANY):
        with pytest.raises(BadRequestError, match=r"1024 words|4096 characters"):
            store.select(SelectRequest(q=query))
