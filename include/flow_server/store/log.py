"""SQLite's write-ahead log, kept short: it begins anew once no reader stands in it any more."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

LOG_BYTES = 32 * 1024 * 1024
WATCH_SECONDS = 0.5
_OTHERS_SECONDS = 3 * WATCH_SECONDS  # in which another server on the same file has let go of the log, too
_REST_SECONDS = 10.0
_PAUSE_SECONDS = 0.02


class WriteAheadLog:
    """The log of one database; its methods are called by whoever has the right to write."""

    def __init__(self, path: Path, writer: sqlite3.Connection, patience: float) -> None:
        """`path` is the database's, `patience` how long `writer` otherwise waits for a lock, in seconds."""
        self._file = path.with_name(f"{path.name}-wal")
        self._writer = writer
        self._patience = patience
        self._busy_until = 0.0

    def is_long(self) -> bool:
        """Whether it should begin anew; not soon after another program has been in the way."""
        with contextlib.suppress(FileNotFoundError):
            return self._file.stat().st_size > LOG_BYTES and time.monotonic() > self._busy_until
        return False

    def restart_if_long(self) -> None:
        """Where another is in the way, rests until all try again: at the same moments of one clock."""
        if self.is_long() and not self.restart(_OTHERS_SECONDS):
            self._busy_until = (time.monotonic() // _REST_SECONDS + 1) * _REST_SECONDS

    def restart(self, patience: float = 0.0) -> bool:
        """Takes the log into the file and empties it; False where another program reads it all the while."""
        deadline = time.monotonic() + patience
        self._writer.execute("PRAGMA busy_timeout = 0")  # it would not wait for another one's checkpoint
        try:
            while self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() >= deadline:
                    return False
                time.sleep(_PAUSE_SECONDS)
        finally:
            self._writer.execute(f"PRAGMA busy_timeout = {int(self._patience * 1000)}")
        return True
