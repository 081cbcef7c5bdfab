"""Read connections that all stand at the last commit, and what was computed from that state.

SQLite in WAL mode gives each open read transaction the state it began with. The pool keeps its connections
inside such transactions and moves all of them on together at a commit: what Solr calls a new searcher.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
from typing import TYPE_CHECKING

from include.flow_server.recent import Recent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from include.flow_server.query.columns import Column
    from include.flow_server.store.keyset import Keys, KeySet

_CONNECTIONS = 8
PATIENCE = 60.0
_MOST_BYTES = 128 * 1024 * 1024
_CHARACTER_BYTES = 4


class Remembered:
    """What was computed from one state of the collection; a new state starts with an empty one."""

    def __init__(self) -> None:
        self.queries: Recent[tuple[str, str, str], KeySet] = Recent(_MOST_BYTES, _weight_of_query)
        self.columns: Recent[str, Column] = Recent(_MOST_BYTES, lambda _, column: column.bytes())
        self.orders: Recent[tuple[object, ...], Keys] = Recent(_MOST_BYTES, _weight_of_order)
        self.count: int | None = None


def _weight_of_query(key: tuple[str, str, str], found: KeySet) -> int:
    return _CHARACTER_BYTES * len(key[0]) + found.keys.nbytes


def _weight_of_order(key: tuple[object, ...], ordered: Keys) -> int:
    return _CHARACTER_BYTES * len(str(key)) + ordered.nbytes


def connect(path: Path, patience: float = PATIENCE) -> sqlite3.Connection:
    """A connection without Python's own transaction handling; BEGIN and COMMIT are ours to say.

    It waits `patience` seconds where another program holds a lock that it needs.
    """
    connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -32768")
    return connection


class Snapshots:
    """The pool. `reading` lends a connection; `advance` moves all of them to the newest state."""

    def __init__(self, path: Path, patience: float) -> None:
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self.remembered = Remembered()
        self.standing = False
        for _ in range(_CONNECTIONS):
            self._idle.put(connect(path, patience))
        self.advance(lambda: None)

    @contextlib.contextmanager
    def reading(self) -> Iterator[tuple[sqlite3.Connection, Remembered]]:
        """A connection at the last commit, and what is remembered of exactly that state."""
        connection = self._idle.get()
        try:
            yield connection, self.remembered
        finally:
            self._idle.put(connection)

    def advance(self, between: Callable[[], None]) -> None:
        """Waits for reads under way, then begins anew. The caller sees to it that nobody writes meanwhile.

        `between` is called when no connection reads, the only moment at which the log can begin anew, too.
        Where this fails, `standing` is False, and nothing may be read until it succeeds.
        """
        taken = [self._idle.get() for _ in range(_CONNECTIONS)]
        self.standing = False
        try:
            for connection in taken:
                if connection.in_transaction:
                    connection.execute("COMMIT")
            between()
            for connection in taken:
                _begin(connection)
            self.standing = True
        finally:
            self.remembered = Remembered()
            for connection in taken:
                self._idle.put(connection)

    def close(self) -> None:
        for _ in range(_CONNECTIONS):
            self._idle.get().close()


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("SELECT value FROM counters WHERE name = 'commit'").fetchone()
