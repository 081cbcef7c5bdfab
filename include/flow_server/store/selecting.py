"""Answers /select over one state of the collection."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from include.flow_server.query.columns import Column, column_of, whole_column
from include.flow_server.query.evaluate import Evaluator
from include.flow_server.query.facets import aggregate
from include.flow_server.query.ordering import (
    SCORE,
    check_cursor,
    in_order,
    is_after,
    read_mark,
    write_mark,
)
from include.flow_server.query.request import SelectRequest, SortKey
from include.flow_server.store.keyset import EVERYTHING, Keys, KeySet, as_keys
from include.flow_server.store.protocol import Document, Selection
from include.flow_server.store.schema import CATCH_ALL, Schema
from include.flow_server.store.terms import listed
from include.flow_server.store.values import to_indexed
from include.flow_server.store.writing import read_document

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from datetime import datetime

    from include.flow_server.store.snapshots import Remembered
    from include.flow_server.store.values import Indexed

_CHUNK = 500
_FEW = 200
_WALK_STEP = 2000
_OWN = ("id", "_version_", SCORE)


class Selector:
    """Reads one state over one connection."""

    def __init__(
        self, connection: sqlite3.Connection, remembered: Remembered, schema: Schema, moment: datetime
    ) -> None:
        self._connection = connection
        self._remembered = remembered
        self._schema = schema
        self._moment = moment
        self._evaluator = Evaluator(connection, schema, moment, remembered.queries)

    def count(self) -> int:
        if self._remembered.count is None:
            sql = "SELECT COUNT(*) FROM documents"
            self._remembered.count = int(self._connection.execute(sql).fetchone()[0])
        return self._remembered.count

    def matching(self, filters: Sequence[str], df: str | None, operator: str = "OR") -> KeySet:
        result = EVERYTHING
        for text in filters:
            result &= self._evaluator.query(text, operator, df or CATCH_ALL)
        return result

    def select(self, request: SelectRequest) -> Selection:
        match = self.matching((request.q, *request.fq), request.df, request.operator)
        found = match.size(self.count())
        if request.cursor is not None:
            check_cursor(request.sort, request.start)
        keys = self._page(match, found, request)
        fields_needed = request.cursor is not None and any(key.field not in _OWN for key in request.sort)
        documents = self._documents_in(keys, request.ids_only and not fields_needed)
        asked = request.aggregates
        extra = aggregate(asked, match, self, request.df, request.operator) if asked else {}
        mark = self._next_mark(request, documents) if request.cursor is not None else None
        return Selection(found, documents, mark, extra)

    def column(self, name: str, match: KeySet, whole: bool = False) -> Column:
        """A field of the matching documents; of all where the match is large, or `whole` is wanted."""
        field = self._schema.require(name)
        if not whole and match.size(self.count()) <= self._few():
            return column_of(self._connection, field, self.keys(match), self._moment)
        columns = self._remembered.columns
        return columns.get(name) or columns.keep(name, whole_column(self._connection, field))

    def _few(self) -> int:
        """So many documents are looked at one by one; for more, what is kept of all of them pays."""
        return max(_FEW, self.count() // 100)

    def keys(self, match: KeySet) -> Keys:
        """The keys of a match one by one."""
        if not match.complement:
            return match.keys
        every = as_keys(row[0] for row in self._connection.execute("SELECT key FROM documents"))
        return every[match.contains(every)]

    @property
    def schema(self) -> Schema:
        return self._schema

    @property
    def moment(self) -> datetime:
        return self._moment

    def documents(self, keys: Sequence[int], ids_only: bool = False) -> dict[int, Document]:
        columns = "key, id, version, from_folder, " + ("'{}'" if ids_only else "fields")
        found: dict[int, Document] = {}
        for start in range(0, len(keys), _CHUNK):
            marks = ",".join(str(int(key)) for key in keys[start : start + _CHUNK])
            rows = self._connection.execute(f"SELECT {columns} FROM documents WHERE key IN ({marks})")  # noqa: S608
            found.update((row[0], read_document(row)) for row in rows)
        return found

    def _documents_in(self, keys: Sequence[int], ids_only: bool) -> list[Document]:
        found = self.documents(keys, ids_only)
        return [found[key] for key in keys if key in found]

    def _page(self, match: KeySet, found: int, request: SelectRequest) -> list[int]:
        if not request.rows:
            return []
        if _by_id_only(request.sort) and found > self._few():
            return self._walk(match, request)
        ordered = self._ordered(match, request)
        begin = request.start
        if request.cursor not in (None, "*"):
            begin = self._place(ordered, str(request.cursor), request.sort)
        return [int(key) for key in ordered[begin : begin + request.rows]]

    def _place(self, ordered: Keys, cursor: str, sort: Sequence[SortKey]) -> int:
        """How many of `ordered` stand at or before the mark; looks at a few documents only."""
        mark = read_mark(cursor, sort)

        def after(place: int) -> bool:
            document = self.documents([int(ordered[place])])[int(ordered[place])]
            values = [self._sort_value(document, key) for key in sort]
            return is_after(values, mark, sort, self._schema)

        return bisect_left(range(len(ordered)), x=True, key=after)

    def _ordered(self, match: KeySet, request: SelectRequest) -> Keys:
        sort = tuple(key for key in request.sort if key.field != SCORE)
        if not sort:
            return self.keys(match)
        remember = (request.q, request.fq, request.df, request.operator, sort)
        known = self._remembered.orders.get(remember)
        if known is not None and not any("NOW" in text for text in (request.q, *request.fq)):
            return known
        ordered = in_order(self.keys(match), sort, lambda name: self.column(name, match), self._schema)
        return self._remembered.orders.keep(remember, ordered)

    def _walk(self, match: KeySet, request: SelectRequest) -> list[int]:
        """The page by id straight from the index of ids: no cost grows with the place of the page."""
        descending = request.sort[0].descending
        sql = "SELECT key FROM documents"
        mark = read_mark(request.cursor, request.sort)[0] if request.cursor not in (None, "*") else None
        if mark is not None:
            sql += f" WHERE id {'<' if descending else '>'} ?"
        rows = self._connection.execute(
            f"{sql} ORDER BY id {'DESC' if descending else 'ASC'}", () if mark is None else (str(mark),)
        )
        keys: list[int] = []
        while len(keys) < request.start + request.rows and (step := rows.fetchmany(_WALK_STEP)):
            batch = np.fromiter((row[0] for row in step), dtype=np.int64)
            keys.extend(batch[match.contains(batch)].tolist())
        rows.close()
        return keys[request.start : request.start + request.rows]

    def _next_mark(self, request: SelectRequest, documents: list[Document]) -> str:
        if not documents:
            return str(request.cursor)
        return write_mark([self._sort_value(documents[-1], key) for key in request.sort])

    def _sort_value(self, document: Document, key: SortKey) -> Indexed | None:
        own: dict[str, Indexed] = {"id": document.id, "_version_": document.version, SCORE: 1.0}
        if key.field in own:
            return own[key.field]
        field = self._schema.require(key.field)
        values = [to_indexed(field, v, self._moment) for v in listed(document.fields.get(key.field, []))]
        return (max(values) if key.descending else min(values)) if values else None


def _by_id_only(sort: Sequence[SortKey]) -> bool:
    return bool(sort) and sort[0].field == "id"
