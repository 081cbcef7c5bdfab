"""One field of many documents as arrays: what sort, facets and stats read (Lucene calls it docValues)."""

from __future__ import annotations

import json
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from include.flow_server.store.schema import Field, FieldType
from include.flow_server.store.terms import listed
from include.flow_server.store.values import Indexed, to_indexed, words

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from datetime import datetime

    from include.flow_server.store.keyset import Keys

_CHUNK = 500
_VALUE_BYTES = 100


@dataclass(frozen=True, slots=True)
class Column:
    """`values` are sorted and distinct; document `keys[i]` has `values[ordinals[i]]`.

    `keys` are sorted, and within one document its ordinals are.
    """

    keys: Keys
    ordinals: Keys
    values: list[Indexed]

    def bytes(self) -> int:
        """About what it takes in memory."""
        return self.keys.nbytes + self.ordinals.nbytes + _VALUE_BYTES * len(self.values)

    def ranks(
        self, keys: Keys, missing: float, largest: bool
    ) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """For each of `keys` the place of its smallest or `largest` value; `missing` where it has none."""
        if not len(self.keys):
            return np.full(len(keys), missing)
        places = (
            np.searchsorted(self.keys, keys, "right") - 1 if largest else np.searchsorted(self.keys, keys)
        )
        places = np.clip(places, 0, len(self.keys) - 1)
        return np.where(self.keys[places] == keys, self.ordinals[places].astype(np.float64), missing)

    def rank_of(self, value: Indexed) -> float:
        """Where a value stands among `values`; halfway between two when it is not among them."""
        place = bisect_left(self.values, value)
        return float(place) if self.values[place : place + 1] == [value] else place - 0.5


def whole_column(connection: sqlite3.Connection, field: Field) -> Column:
    """The column of all documents, from the index."""
    if field.name == "id":
        rows = connection.execute("SELECT id, key FROM documents ORDER BY id")
    elif field.name == "_version_":
        rows = connection.execute("SELECT version, key FROM documents ORDER BY version")
    else:
        rows = connection.execute(
            "SELECT value, key FROM terms WHERE field = ? ORDER BY value", (field.number,)
        )
    return _column(rows)


def column_of(connection: sqlite3.Connection, field: Field, keys: Keys, moment: datetime) -> Column:
    """The column of some documents, from their stored fields."""
    pairs: list[tuple[Indexed, int]] = []
    for start in range(0, len(keys), _CHUNK):
        marks = ",".join(str(key) for key in keys[start : start + _CHUNK].tolist())
        sql = f"SELECT key, id, version, fields FROM documents WHERE key IN ({marks})"  # noqa: S608
        for key, document_id, version, text in connection.execute(sql):
            own = {"id": document_id, "_version_": version}
            value = own[field.name] if field.name in own else json.loads(text).get(field.name, [])
            for one in listed(value):
                pairs.extend((indexed, key) for indexed in _indexed(field, one, moment))
    return _column(sorted(set(pairs)))


def _indexed(field: Field, value: object, moment: datetime) -> list[Indexed]:
    if field.type is FieldType.TEXT:
        return list(words(str(value)))
    return [to_indexed(field, value, moment)]  # type: ignore[arg-type]


def _column(rows: Iterable[tuple[Indexed, int]]) -> Column:
    values: list[Indexed] = []
    keys: list[int] = []
    ordinals: list[int] = []
    for value, key in rows:
        if not values or values[-1] != value:
            values.append(value)
        keys.append(key)
        ordinals.append(len(values) - 1)
    by_key = np.argsort(np.array(keys, dtype=np.int64), kind="stable")
    return Column(np.array(keys, dtype=np.int64)[by_key], np.array(ordinals, dtype=np.int64)[by_key], values)
