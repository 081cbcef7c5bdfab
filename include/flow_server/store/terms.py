"""The rows of the terms table that a document stands for: every value, and the words of every text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from include.flow_server.store.schema import CATCH_ALL, WORDS, FieldType
from include.flow_server.store.values import Indexed, to_indexed, words

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Container, Iterator, Mapping
    from datetime import datetime

    from include.flow_server.store.schema import Schema


def listed(value: Any) -> list[Any]:
    """The values of a field, one or many."""
    return value if isinstance(value, list) else [value]


def document_terms(
    document_id: str, fields: Mapping[str, Any], schema: Schema, moment: datetime
) -> set[tuple[int, Indexed]]:
    """(field number, value) of all that a document can be found by; the same fields give the same terms."""
    terms: set[tuple[int, Indexed]] = set()
    catch_all = _number(schema, CATCH_ALL)
    terms.update((catch_all, word) for word in words(document_id))
    for name, value in fields.items():
        field, number = schema.require(name), _number(schema, name)
        for one in listed(value):
            found = words(str(one)) if field.type in WORDS else []
            terms.update((catch_all, word) for word in found)
            if field.type is FieldType.TEXT:
                terms.update((number, word) for word in found)
            else:
                terms.add((number, to_indexed(field, one, moment)))
    return terms


def has_phrase(connection: sqlite3.Connection, names: Container[str], key: int, phrase: list[str]) -> bool:
    """Whether the words stand one after the other in one value of one of the fields."""
    document_id, text = connection.execute(
        "SELECT id, fields FROM documents WHERE key = ?", (key,)
    ).fetchone()
    fields = json.loads(text)
    chosen: Iterator[Any] = (
        one
        for name, value in [("id", document_id), *fields.items()]
        if name in names
        for one in listed(value)
    )
    return any(_contains(words(str(one)), phrase) for one in chosen)


def _contains(sequence: list[str], part: list[str]) -> bool:
    """Whether `part` stands in `sequence` without a gap; no word holds a NUL."""
    return "\0".join(("", *part, "")) in "\0".join(("", *sequence, ""))


def _number(schema: Schema, name: str) -> int:
    number = schema.require(name).number
    if number is None:
        raise RuntimeError(f"field {name} has no number in the terms table")
    return number
