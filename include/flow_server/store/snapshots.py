"""Read connections that all stand at the last commit, and what was computed from that state.

SQLite in WAL mode gives each open read transaction the state it began with. The pool keeps its connections
inside such transactions and moves all of them on together at a commit: what Solr calls a new searcher.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
from collections import OrderedDict
from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Generic, TypeVar

from include.flow_server.store.keyset import KeySet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from include.flow_server.query.columns import Column
    from include.flow_server.store.keyset import Keys

_CONNECTIONS = 8
_BUSY_SECONDS = 60.0
K = TypeVar("K")
V = TypeVar("V")


class Recent(MutableMapping[K, V], Generic[K, V]):
    """A mapping that keeps the `limit` entries used last."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._entries: OrderedDict[K, V] = OrderedDict()

    def __getitem__(self, key: K) -> V:
        value = self._entries[key]
        with contextlib.suppress(KeyError):  # another thread may have pushed it out meanwhile
            self._entries.move_to_end(key)
        return value

    def __setitem__(self, key: K, value: V) -> None:
        self._entries[key] = value
        while len(self._entries) > self._limit:
            with contextlib.suppress(KeyError):
                self._entries.popitem(last=False)

    def __delitem__(self, key: K) -> None:
        del self._entries[key]

    def __iter__(self) -> Iterator[K]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)


class Remembered:
    """What was computed from one state of the collection; a new state starts with an empty one."""

    def __init__(self) -> None:
        self.queries: Recent[tuple[str, str, str], KeySet] = Recent(256)
        self.columns: Recent[str, Column] = Recent(16)
        self.orders: Recent[object, Keys] = Recent(16)
        self.count: int | None = None


def connect(path: Path) -> sqlite3.Connection:
    """A connection without Python's own transaction handling; BEGIN and COMMIT are ours to say."""
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -32768")
    return connection


class Snapshots:
    """The pool. `reading` lends a connection; `advance` moves all of them to the newest state."""

    def __init__(self, path: Path) -> None:
        self._idle: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        self.remembered = Remembered()
        for _ in range(_CONNECTIONS):
            connection = connect(path)
            _begin(connection)
            self._idle.put(connection)

    @contextlib.contextmanager
    def reading(self) -> Iterator[tuple[sqlite3.Connection, Remembered]]:
        """A connection at the last commit, and what is remembered of exactly that state."""
        connection = self._idle.get()
        try:
            yield connection, self.remembered
        finally:
            self._idle.put(connection)

    def advance(self) -> None:
        """Waits for reads under way, then begins anew. The caller sees to it that nobody writes meanwhile."""
        taken = [self._idle.get() for _ in range(_CONNECTIONS)]
        for connection in taken:
            connection.execute("COMMIT")
            _begin(connection)
        self.remembered = Remembered()
        for connection in taken:
            self._idle.put(connection)

    def close(self) -> None:
        for _ in range(_CONNECTIONS):
            self._idle.get().close()


def _begin(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("SELECT value FROM counters WHERE name = 'commit'").fetchone()
