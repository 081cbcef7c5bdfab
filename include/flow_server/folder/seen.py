"""What the last sync saw of each picture, and what it remembers of those that are gone.

In a small SQLite file beside the documents.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from include.flow_server.store.snapshots import connect

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_TABLE = """CREATE TABLE IF NOT EXISTS pictures (
  path TEXT PRIMARY KEY, stamp TEXT NOT NULL, content TEXT NOT NULL, columns TEXT NOT NULL,
  state TEXT NOT NULL, fields TEXT NOT NULL
)"""
_FORMER = "SELECT 1 FROM sqlite_master WHERE name = 'seen'"  # without stamps: every picture is read once


class State(StrEnum):
    """How a picture and its document stand."""

    HERE = "here"  # the file was there; if its document is not, it was deleted through the API
    GOING = "going"  # the file is gone and the document about to be removed
    GONE = "gone"  # both are gone
    DELETED = "deleted"  # the document was deleted through the API, and then the file went


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture: stamp of the file (empty: to be read again), SHA-256 of its bytes, its cells as JSON.

    `fields`: as JSON, what a document that went with its picture held and gets back with it.
    """

    path: str
    stamp: str
    content: str
    columns: str
    state: State = State.HERE
    fields: str = "{}"


class SeenTable:
    """Written after the documents of a chunk: a sync that dies in between repeats that chunk."""

    def __init__(self, file: Path) -> None:
        self._connection = connect(file)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute(_TABLE)
        if self._connection.execute(_FORMER).fetchone():
            self._connection.execute(
                "INSERT OR IGNORE INTO pictures SELECT path, '', content, columns, 'here', '{}' FROM seen"
            )
            self._connection.execute("DROP TABLE seen")
        self._connection.execute("COMMIT")

    def all(self) -> dict[str, Seen]:
        rows = self._connection.execute("SELECT path, stamp, content, columns, state, fields FROM pictures")
        return {
            path: Seen(path, stamp, content, columns, State(state), fields)
            for path, stamp, content, columns, state, fields in rows
        }

    def write(self, seen: Iterable[Seen]) -> None:
        """Replaces some entries, all or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        rows = [astuple(one) for one in seen]
        self._connection.executemany("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()
