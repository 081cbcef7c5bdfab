"""What the last sync saw of each picture, in a small SQLite file beside the documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.flow_server.store.snapshots import connect

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_TABLE = """CREATE TABLE IF NOT EXISTS seen (
  path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  content TEXT NOT NULL, columns TEXT NOT NULL
)"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One picture as indexed: size and mtime of the file, SHA-256 of its bytes, its fields.csv cells."""

    path: str
    size: int
    mtime_ns: int
    content: str
    columns: str


class SeenTable:
    """Written after the documents of a chunk: a sync that dies in between repeats that chunk."""

    def __init__(self, file: Path) -> None:
        self._connection = connect(file)
        self._connection.execute(_TABLE)

    def all(self) -> dict[str, Seen]:
        rows = self._connection.execute("SELECT path, size, mtime_ns, content, columns FROM seen")
        return {row[0]: Seen(*row) for row in rows}

    def write(self, seen: Iterable[Seen], gone: Iterable[str] = ()) -> None:
        """Replaces some entries and removes others, all or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        rows = [(one.path, one.size, one.mtime_ns, one.content, one.columns) for one in seen]
        self._connection.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)", rows)
        self._connection.executemany("DELETE FROM seen WHERE path = ?", [(path,) for path in gone])
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()
