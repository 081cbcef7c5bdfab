"""Writes one update into the tables, inside a transaction that the caller holds."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from include.flow_server.errors import BadRequestError, VersionConflictError
from include.flow_server.query.evaluate import Evaluator
from include.flow_server.store.atomic import is_atomic, updated_fields
from include.flow_server.store.keyset import as_keys
from include.flow_server.store.protocol import Add, Delete, Document, Reanalysed, Written
from include.flow_server.store.schema import CATCH_ALL, Field, Schema, guess_type
from include.flow_server.store.terms import document_terms, listed
from include.flow_server.store.values import to_stored

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from include.flow_server.store.protocol import Operation
    from include.flow_server.store.schema import FieldType

_CHUNK = 500
_DOCUMENTS = "SELECT key, id, version, from_folder, fields FROM documents"


def read_document(row: tuple[int, str, int, int, str]) -> Document:
    """A row of the documents table as a document."""
    key, document_id, version, from_folder, fields = row
    return Document(key, document_id, version, bool(from_folder), json.loads(fields))


def find(connection: sqlite3.Connection, document_id: str) -> Document | None:
    """The newest state of a document."""
    row = connection.execute(f"{_DOCUMENTS} WHERE id = ?", (document_id,)).fetchone()
    return read_document(row) if row else None


def find_all(connection: sqlite3.Connection, ids: Sequence[str]) -> dict[str, Document]:
    """The newest state of the documents that are there, by id."""
    found: dict[str, Document] = {}
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        marks = ",".join("?" * len(chunk))
        rows = connection.execute(f"{_DOCUMENTS} WHERE id IN ({marks})", chunk)
        found.update((row[1], read_document(row)) for row in rows)
    return found


class Writer:
    """Applies operations over the writing connection; `written` collects what came of them."""

    def __init__(self, connection: sqlite3.Connection, schema: Schema, moment: datetime) -> None:
        self._connection = connection
        self._schema = schema
        self._moment = moment
        self._version = self._counter("version")
        self._sequence = self._counter("sequence")
        self.written = Written()

    def finish(self) -> None:
        """Writes the counters back; the last thing before the transaction is committed."""
        values = [(self._version, "version"), (self._sequence, "sequence")]
        self._connection.executemany("UPDATE counters SET value = ? WHERE name = ?", values)

    def _counter(self, name: str) -> int:
        sql = "SELECT value FROM counters WHERE name = ?"
        return int(self._connection.execute(sql, (name,)).fetchone()[0])

    def apply(self, operation: Operation) -> None:
        """Applies one operation; a conflict or a wrong value raises before anything of it is written."""
        if isinstance(operation, Add):
            self._add(operation)
        elif isinstance(operation, Delete):
            self._delete(operation.id, operation.version)
        elif isinstance(operation, Reanalysed):
            self._reanalysed(operation)
        else:
            self._delete_by_query(operation.query)

    def _add(self, add: Add) -> None:
        old = find(self._connection, add.id)
        atomic = is_atomic(add.fields)
        if not (atomic and old):
            _check_version(add.id, add.version, old)
        updated = updated_fields(add, old, self) if atomic else None
        _check_version(add.id, add.version, old)
        if old and not add.overwrite:
            raise BadRequestError(f"document {add.id} exists, and overwrite=false would keep two of one id")
        fields = self.stored(add.id, add.fields if updated is None else updated)
        version = self._next_version()
        terms = document_terms(add.id, fields, self._schema, self._moment)
        from_folder = add.from_folder or bool(
            atomic and old and old.from_folder and "image" not in add.fields
        )
        text = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
        row = (version, int(from_folder), text)
        if old:
            self._replace_terms(old, terms)
            self._connection.execute(
                "UPDATE documents SET version = ?, from_folder = ?, fields = ? WHERE key = ?", (*row, old.key)
            )
            key = old.key
        else:
            key = self._insert(add.id, row)
            self._write_terms(key, terms)
        if add.descriptor is not None or (old and not atomic):
            self._write_descriptor(key, add.descriptor)
        self.written.adds.append((add.id, version))

    def _insert(self, document_id: str, row: tuple[int, int, str]) -> int:
        sql = "INSERT INTO documents (id, version, from_folder, fields) VALUES (?, ?, ?, ?)"
        return int(self._connection.execute(sql, (document_id, *row)).lastrowid or 0)

    def stored(self, document_id: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Checks the values of a document against the schema, which learns the names it did not know."""
        result: dict[str, Any] = {}
        for name, raw in fields.items():
            values = [value for value in listed(raw) if value is not None]
            if not values:
                continue
            if name == CATCH_ALL:
                raise BadRequestError(f"ERROR: [doc={document_id}] {name} fills itself and cannot be given")
            field = self.field_for(name, values[0])
            if len(values) > 1 and not field.multi:
                raise BadRequestError(
                    f"ERROR: [doc={document_id}] multiple values encountered for non multiValued field "
                    f"{name}: {values}"
                )
            checked = [to_stored(field, value, document_id, self._moment) for value in values]
            result[name] = checked if field.multi else checked[0]
        return result

    def field_for(self, name: str, first: object) -> Field:
        """The field of that name, numbered in the terms table; an unknown one is typed by its first value."""
        field = self._schema.find(name) or Field(name, guess_type(first, self._moment))
        return field if field.number is not None else self._number(field)

    def declare(self, name: str, kind: FieldType) -> None:
        """Gives a name that nothing defines a type; one that is defined keeps its own."""
        if self._schema.find(name) is None:
            self._number(Field(name, kind))

    def _number(self, field: Field) -> Field:
        cursor = self._connection.execute(
            "INSERT INTO fields (name, type, multi) VALUES (?, ?, ?)",
            (field.name, field.type.value, field.multi),
        )
        numbered = Field(field.name, field.type, field.multi, cursor.lastrowid)
        self._schema.learn(numbered)
        return numbered

    def _delete(self, document_id: str, version: int) -> None:
        old = find(self._connection, document_id)
        _check_version(document_id, version, old)
        if old:
            self._remove(old)
        self.written.deletes.append((document_id, -self._next_version()))

    def _delete_by_query(self, query: str) -> None:
        found = Evaluator(self._connection, self._schema, self._moment).query(query, default_field=None)
        every = as_keys(row[0] for row in self._connection.execute("SELECT key FROM documents"))
        for key in every[found.contains(every)].tolist():
            self._remove(
                read_document(self._connection.execute(f"{_DOCUMENTS} WHERE key = ?", (key,)).fetchone())
            )
        self.written.queries.append((query, -self._next_version()))

    def _reanalysed(self, one: Reanalysed) -> None:
        sql = "SELECT 1 FROM descriptors WHERE key = ? AND descriptor = ?"
        if self._connection.execute(sql, (one.key, one.before)).fetchone():
            self._write_descriptor(one.key, one.descriptor)

    def _remove(self, old: Document) -> None:
        self._replace_terms(old, set())
        self._write_descriptor(old.key, None)
        self._connection.execute("DELETE FROM documents WHERE key = ?", (old.key,))

    def _replace_terms(self, old: Document, terms: set[tuple[int, Any]]) -> None:
        before = document_terms(old.id, old.fields, self._schema, self._moment)
        gone = ((field, value, old.key) for field, value in before - terms)
        self._connection.executemany("DELETE FROM terms WHERE field = ? AND value = ? AND key = ?", gone)
        self._write_terms(old.key, terms - before)

    def _write_terms(self, key: int, terms: set[tuple[int, Any]]) -> None:
        rows = ((field, value, key) for field, value in terms)
        self._connection.executemany("INSERT INTO terms VALUES (?, ?, ?)", rows)

    def _write_descriptor(self, key: int, descriptor: bytes | None) -> None:
        if descriptor is None:
            gone = self._connection.execute("DELETE FROM descriptors WHERE key = ?", (key,)).rowcount
            if not gone:
                return
        else:
            self._connection.execute("INSERT OR REPLACE INTO descriptors VALUES (?, ?)", (key, descriptor))
        self._sequence += 1
        self._connection.execute("INSERT OR REPLACE INTO changes VALUES (?, ?)", (key, self._sequence))

    def _next_version(self) -> int:
        """Versions rise with time: milliseconds, then a count of 20 bits, as Solr makes them."""
        self._version = max(self._version + 1, (time.time_ns() // 1_000_000) << 20)
        return self._version


def _check_version(document_id: str, expected: int, old: Document | None) -> None:
    """Solr's optimistic concurrency: above 1 must match, 1 must exist, below 0 must not, 0 is no check."""
    actual = old.version if old else -1
    wrong = (expected > 1 and actual != expected) or (expected == 1 and not old) or (expected < 0 and old)
    if wrong:
        raise VersionConflictError(document_id, expected, actual)
