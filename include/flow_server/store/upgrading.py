"""Brings a file that an earlier server wrote to the format of this one.

Format 1 had the words of numbers and dates in the catch-all field, too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from include.flow_server.store.schema import CATCH_ALL
from include.flow_server.store.terms import document_terms

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from include.flow_server.store.schema import Schema

FORMAT = 2


def upgrade(connection: sqlite3.Connection, schema: Schema, moment: datetime) -> None:
    """Does what is left to do; the caller holds the transaction."""
    if written_format(connection) == 1:
        _catch_all_without_numbers(connection, schema, moment)
        connection.execute("UPDATE counters SET value = 2 WHERE name = 'format'")


def written_format(connection: sqlite3.Connection) -> int:
    """The format that the file has now."""
    return int(connection.execute("SELECT value FROM counters WHERE name = 'format'").fetchone()[0])


def _catch_all_without_numbers(connection: sqlite3.Connection, schema: Schema, moment: datetime) -> None:
    number = schema.require(CATCH_ALL).number
    connection.execute("DELETE FROM terms WHERE field = ?", (number,))
    for key, document_id, fields in connection.execute("SELECT key, id, fields FROM documents"):
        terms = document_terms(document_id, json.loads(fields), schema, moment)
        words = [(field, word, key) for field, word in terms if field == number]
        connection.executemany("INSERT OR IGNORE INTO terms VALUES (?, ?, ?)", words)
