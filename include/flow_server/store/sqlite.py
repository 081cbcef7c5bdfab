"""The documents of one collection in one SQLite file: readers see the last commit, one writes at a time.

Every update is its own durable transaction; `commit` only decides what reads see. After a crash everything
that was acknowledged is there, and visible, as after the replay of Solr's transaction log.

What is written goes into a log first (SQLite's WAL), which can begin anew only while nobody reads. A log that
has grown to LOG_BYTES is a commit, too: all readers move on, and it begins anew.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from include.flow_server.errors import BadRequestError, BusyError, FlowError, VersionConflictError
from include.flow_server.index.index_file import IndexFile
from include.flow_server.index.keypoint_file import KeypointFile
from include.flow_server.index.memory import MemoryPictures, comparable
from include.flow_server.query.dates import now
from include.flow_server.store.failures import told
from include.flow_server.store.log import WATCH_SECONDS, WriteAheadLog
from include.flow_server.store.schema import FLOW_FIELDS, Field, FieldType, Schema
from include.flow_server.store.selecting import Selector
from include.flow_server.store.snapshots import PATIENCE, Remembered, Snapshots, connect
from include.flow_server.store.upgrading import FORMAT, upgrade, written_format
from include.flow_server.store.writing import Writer, find_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import TypeVar

    from include.detector.imaging import Analysis
    from include.flow_server.index.finder import Load
    from include.flow_server.index.scores import Comparers
    from include.flow_server.query.request import SelectRequest
    from include.flow_server.store.keyset import KeySet
    from include.flow_server.store.protocol import Document, Operation, Selection, Written

    T = TypeVar("T")

_TABLES = Path(__file__).with_name("tables.sql")
_CHUNK = 500
_CHANGES_AT_ONCE = 5000


class SqliteStore:
    """Implements DocumentStore."""

    @told()
    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        """Where another program holds a lock for more than `patience` seconds, calls are a BusyError."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._patience = patience
        self._path = path
        self._write_lock = threading.RLock()
        self._watcher_lock = threading.Lock()
        self._newest_lock = threading.Lock()
        self._writer = connect(path, patience)
        self._log = WriteAheadLog(path, self._writer, patience)
        self._log.restart()
        self._writer.executescript(_TABLES.read_text(encoding="utf-8"))
        self._check_format(path)
        self._schema = self._read_schema()
        self._writer.execute("BEGIN IMMEDIATE")
        for field in FLOW_FIELDS.values():
            if field.name not in ("id", "_version_"):
                Writer(self._writer, self._schema, now()).field_for(field.name, "")
        upgrade(self._writer, self._schema, now())
        self._writer.execute("COMMIT")
        self._watcher = connect(path, patience)
        self._newest = connect(path, patience)
        self._data_version = self._pragma_data_version()
        self._seen = self._commit_counter()
        self._snapshots = Snapshots(path, patience)
        self._keypoints = KeypointFile(path.with_name("keypoints.sqlite"))
        self._moved = False
        self._closed = threading.Event()
        self._pictures: MemoryPictures | None = None
        threading.Thread(target=self._watch_log, name="log", daemon=True).start()

    @told()
    def refresh(self) -> bool:
        with self._watcher_lock:
            before, self._data_version = self._data_version, self._pragma_data_version()
            moved, self._moved = self._moved, False
            if before == self._data_version or self._commit_counter() == self._seen:
                return moved
        self._show_newest()
        return True

    def count(self) -> int:
        return self._read(lambda selector: selector.count())

    @property
    def schema(self) -> Schema:
        return self._schema

    def select(self, request: SelectRequest) -> Selection:
        return self._read(lambda selector: selector.select(request))

    def matching(self, filters: Sequence[str], df: str | None = None) -> KeySet:
        return self._read(lambda selector: selector.matching(filters, df))

    def documents(self, keys: Sequence[int], names: Sequence[str] | None = None) -> dict[int, Document]:
        return self._read(lambda selector: selector.documents(keys))

    @told()
    def key_of(self, document_id: str) -> int | None:
        with self._reading() as (connection, _):
            row = connection.execute("SELECT key FROM documents WHERE id = ?", (document_id,)).fetchone()
        return row[0] if row else None

    def existing(self, ids: Iterable[str]) -> set[str]:
        return {document_id for document_id in ids if self.key_of(document_id) is not None}

    @told()
    def get(self, ids: Sequence[str]) -> list[Document]:
        with self._newest_lock:
            self._newest.execute("BEGIN")
            try:
                found = find_all(self._newest, ids)
            finally:
                self._newest.execute("COMMIT")
        return [found[document_id] for document_id in ids if document_id in found]

    @told()
    def update(
        self, operations: Sequence[Operation], skip_conflicts: bool = False, versions: bool = True
    ) -> Written:
        failure: FlowError | None = None
        with self._writing():
            with self._changing() as writer:
                try:
                    for operation in operations:
                        with contextlib.suppress(*([VersionConflictError] if skip_conflicts else [])):
                            self._apply(writer, operation)
                except FlowError as error:
                    failure = error
                writer.finish()
            self._bound_log()
        if failure:
            raise failure
        return writer.written

    def keep(self, found: Iterable[Analysis]) -> None:
        self._keypoints.keep(found)

    @told()
    def declare(self, types: Mapping[str, FieldType]) -> None:
        """Gives names that nothing defines yet a type for good."""
        with self._writing(), self._changing() as writer:
            for name, kind in types.items():
                writer.declare(name, kind)

    @told()
    def commit(self) -> None:
        with self._writing():
            self._writer.execute("UPDATE counters SET value = value + 1 WHERE name = 'commit'")
        self._show_newest()

    def outdated(self) -> list[int]:
        return [key for _, key, data in self.changes(0) if data is not None and not comparable(data)]

    @told()
    def descriptors(self, keys: Sequence[int]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        with self._reading() as (connection, _):
            for start in range(0, len(keys), _CHUNK):
                marks = ",".join(str(int(key)) for key in keys[start : start + _CHUNK])
                sql = f"SELECT key, descriptor FROM descriptors WHERE key IN ({marks})"  # noqa: S608
                found.update(connection.execute(sql))
        return found

    def pictures(
        self, load: Load, *, mirror: bool, turn: bool, comparers: Comparers | None
    ) -> MemoryPictures:
        kept, file = self._keypoints, IndexFile(self._path.with_name("index.npz"))
        self._pictures = MemoryPictures(self, load, kept, file, mirror=mirror, turn=turn, comparers=comparers)
        return self._pictures

    def changes(self, since: int) -> Iterator[tuple[int, int, bytes | None]]:
        sql = "SELECT sequence, key, descriptor FROM changes LEFT JOIN descriptors USING (key) "
        sql += "WHERE sequence > ? ORDER BY sequence LIMIT ?"
        while True:
            with told(), self._reading() as (connection, _):
                rows = connection.execute(sql, (since, _CHANGES_AT_ONCE)).fetchall()
            if not rows:
                return
            yield from rows
            since = rows[-1][0]

    @told()
    def stamp(self) -> str | None:
        with self._watcher_lock:
            row = self._watcher.execute("SELECT value FROM counters WHERE name = 'index'").fetchone()
        return str(row[0]) if row else None

    @told()
    def set_stamp(self, stamp: str) -> None:
        with self._writing():
            self._writer.execute("INSERT OR REPLACE INTO counters VALUES ('index', ?)", (stamp,))

    def close(self) -> None:
        self._closed.set()
        if self._pictures:
            self._pictures.close()
        self._keypoints.close()
        with self._write_lock, self._watcher_lock, self._newest_lock:
            self._snapshots.close()
            self._newest.close()
            self._watcher.close()
            self._writer.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """The right to write, of all threads of this process."""
        if not self._write_lock.acquire(timeout=self._patience):
            raise BusyError("another update has been waiting or at work for too long, nothing was changed")
        try:
            yield
        finally:
            self._write_lock.release()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Writer]:
        """A transaction, of which nothing is left where it fails."""
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            self._schema = self._read_schema()
            yield Writer(self._writer, self._schema, now())
            self._writer.execute("COMMIT")
        finally:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            self._schema = self._read_schema()

    def _apply(self, writer: Writer, operation: Operation) -> None:
        """One operation whole or not at all; those before it in the batch stay, as in Solr."""
        self._writer.execute("SAVEPOINT operation")
        try:
            writer.apply(operation)
        except FlowError:
            self._writer.execute("ROLLBACK TO operation")
            raise
        finally:
            if self._writer.in_transaction:  # a full disk has ended it
                self._writer.execute("RELEASE operation")

    @contextlib.contextmanager
    def _reading(self) -> Iterator[tuple[sqlite3.Connection, Remembered]]:
        if not self._snapshots.standing:
            self._show_newest()
        with self._snapshots.reading() as lent:
            yield lent

    @told()
    def _read(self, answer: Callable[[Selector], T]) -> T:
        with self._reading() as (connection, remembered):
            return answer(Selector(connection, remembered, self._schema, now()))

    def _show_newest(self) -> None:
        with self._writing():
            self._schema = self._read_schema()
            with self._watcher_lock:
                self._seen = self._commit_counter()
            self._snapshots.advance(self._log.restart_if_long)

    def _watch_log(self) -> None:
        """Lets the log begin anew that another program fills while nobody asks this one."""
        while not self._closed.wait(WATCH_SECONDS):
            with contextlib.suppress(FlowError, sqlite3.Error), self._writing():
                if not self._closed.is_set():
                    self._bound_log()

    def _bound_log(self) -> None:
        """Where the log is long, moves all readers on, which lets it begin anew."""
        if self._log.is_long():
            self._show_newest()
            self._moved = True

    def _read_schema(self) -> Schema:
        rows = self._writer.execute("SELECT name, type, multi, number FROM fields")
        return Schema({name: Field(name, FieldType(kind), bool(multi), n) for name, kind, multi, n in rows})

    def _check_format(self, path: Path) -> None:
        written = written_format(self._writer)
        if not 1 <= written <= FORMAT:
            raise BadRequestError(
                f"{path} has format {written}, this server reads format {FORMAT}: use its version"
            )

    def _pragma_data_version(self) -> int:
        return int(self._watcher.execute("PRAGMA data_version").fetchone()[0])

    def _commit_counter(self) -> int:
        return int(self._watcher.execute("SELECT value FROM counters WHERE name = 'commit'").fetchone()[0])
