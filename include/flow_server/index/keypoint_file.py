"""The keypoints of a collection's pictures, kept on disk beside its documents.

The analysis finds them, and nobody has to again: no other process, not after a restart. Those of a picture
that came as a descriptor are found when a comparison first needs them. A picture is known by its thumbnail,
so that keypoints cannot be those of a picture that stood there before. All of it can be found anew: the file
may be deleted at any time, and where it cannot be read or written, the log says why and keypoints are found
as if nothing were kept.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from include.detector.imaging.keypoints import FOUND_BY, Keypoints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from include.detector.imaging import Analysis, Descriptor

DIGEST_BYTES = 16
MAPPED_BYTES = 256 << 20  # of the file are read as they lie
PATIENCE = 1.0  # seconds that a write waits for one of another process
_TABLES = """
CREATE TABLE IF NOT EXISTS keypoints (
  digest BLOB PRIMARY KEY, content TEXT NOT NULL, keypoints BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS keypoints_by_content ON keypoints (content);
"""
_log = logging.getLogger(__name__)


class KeypointFile:
    """Thread-safe; several processes may share one file, and one that is sent this object opens its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._fresh: dict[bytes, tuple[str, bytes]] = {}
        self._connection: sqlite3.Connection | None = None
        with self._told():
            self._connection = sqlite3.connect(
                path, PATIENCE, isolation_level=None, check_same_thread=False, cached_statements=16
            )
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(f"PRAGMA mmap_size = {MAPPED_BYTES}")
            self._connection.executescript(_TABLES)

    def __reduce__(self) -> tuple[Callable[[Path], KeypointFile], tuple[Path]]:
        return opened, (self.path,)

    def keypoints(self, descriptor: Descriptor, find: Callable[[], Keypoints]) -> Keypoints:
        """Those of a picture; `find` finds them where they are not kept yet."""
        digest = _digest(descriptor)
        with self._lock:
            kept = self._read(digest)
        if kept is not None:
            with contextlib.suppress(ValueError):
                return Keypoints.from_bytes(kept)
        found = find()
        with self._lock:
            self._fresh[digest] = descriptor.content_hash, found.to_bytes()
        return found

    def keep(self, found: Iterable[Analysis]) -> None:
        """Write those that an analysis found."""
        with self._lock:
            for descriptor, keypoints in found:
                self._fresh[_digest(descriptor)] = descriptor.content_hash, keypoints.to_bytes()
        self.flush()

    def flush(self) -> None:
        """Write what was found since; other processes know it then."""
        with self._lock:
            rows = [(digest, *row) for digest, row in self._fresh.items()]
            self._fresh.clear()
            if rows:
                self._write("INSERT OR REPLACE INTO keypoints VALUES (?, ?, ?)", rows)

    def keep_only(self, is_wanted: Callable[[str], bool]) -> None:
        """Forget the pictures whose content hash nobody wants any more."""
        with self._lock:
            contents: list[tuple[str]] = []
            with self._told():
                if self._connection:
                    contents = self._connection.execute("SELECT DISTINCT content FROM keypoints").fetchall()
            gone = [row for row in contents if not is_wanted(row[0])]
            if gone:
                self._write("DELETE FROM keypoints WHERE content = ?", gone)

    def close(self) -> None:
        """Write what is left and release the file."""
        self.flush()
        with self._lock, self._told():
            if self._connection:
                self._connection.close()
                self._connection = None

    def _read(self, digest: bytes) -> bytes | None:
        if digest in self._fresh:
            return self._fresh[digest][1]
        with self._told():
            if self._connection:
                sql = "SELECT keypoints FROM keypoints WHERE digest = ?"
                row = self._connection.execute(sql, (digest,)).fetchone()
                return row[0] if row else None
        return None

    def _write(self, sql: str, rows: list[tuple[bytes, str, bytes]] | list[tuple[str]]) -> None:
        with self._told():
            if self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany(sql, rows)
                self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Whatever fails costs time alone: a file that is busy is tried again, any other is given up."""
        try:
            yield
        except sqlite3.Error as error:
            _log.warning("%s cannot be read or written, so keypoints are found anew: %s", self.path, error)
            if self._connection is None:
                return
            if self._connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                self._connection.close()
                self._connection = None


def _digest(descriptor: Descriptor) -> bytes:
    return blake2b(descriptor.thumbnail, digest_size=DIGEST_BYTES, key=FOUND_BY.encode()).digest()


@cache
def opened(path: Path) -> KeypointFile:
    """The file at a path, opened once in each process that compares pictures."""
    return KeypointFile(path)
