"""The documents of one collection in one SQLite file: readers see the last commit, one writes at a time.

Every update is its own durable transaction; `commit` only decides what reads see. After a crash everything
that was acknowledged is there, and visible, as after the replay of Solr's transaction log.
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from include.flow_server.errors import BadRequestError, VersionConflictError
from include.flow_server.query.dates import now
from include.flow_server.store.schema import FLOW_FIELDS, Field, FieldType, Schema
from include.flow_server.store.selecting import Selector
from include.flow_server.store.snapshots import Snapshots, connect
from include.flow_server.store.upgrading import FORMAT, upgrade, written_format
from include.flow_server.store.writing import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeVar

    from include.flow_server.query.request import Selection, SelectRequest
    from include.flow_server.store.keyset import KeySet
    from include.flow_server.store.protocol import Document, Operation, Written

    T = TypeVar("T")

_TABLES = Path(__file__).with_name("tables.sql")
_CHUNK = 500
_CHANGES_AT_ONCE = 5000


class SqliteStore:
    """Implements DocumentStore."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._write_lock = threading.RLock()
        self._watcher_lock = threading.Lock()
        self._writer = connect(path)
        self._writer.executescript(_TABLES.read_text(encoding="utf-8"))
        self._check_format(path)
        self._schema = self._read_schema()
        self._writer.execute("BEGIN IMMEDIATE")
        for field in FLOW_FIELDS.values():
            if field.name not in ("id", "_version_"):
                Writer(self._writer, self._schema, now()).field_for(field.name, "")
        upgrade(self._writer, self._schema, now())
        self._writer.execute("COMMIT")
        self._watcher = connect(path)
        self._data_version = self._pragma_data_version()
        self._seen = self._commit_counter()
        self._snapshots = Snapshots(path)

    def refresh(self) -> bool:
        with self._watcher_lock:
            changed = self._pragma_data_version()
            if changed == self._data_version:
                return False
            self._data_version = changed
            if self._commit_counter() == self._seen:
                return False
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

    def documents(self, keys: Sequence[int]) -> dict[int, Document]:
        return self._read(lambda selector: selector.documents(keys))

    def key_of(self, document_id: str) -> int | None:
        with self._snapshots.reading() as (connection, _):
            row = connection.execute("SELECT key FROM documents WHERE id = ?", (document_id,)).fetchone()
        return row[0] if row else None

    def get(self, ids: Sequence[str]) -> list[Document]:
        with self._write_lock:
            writer = Writer(self._writer, self._schema, now())
            found = [writer.find(document_id) for document_id in ids]
        return [document for document in found if document]

    def update(self, operations: Sequence[Operation], skip_conflicts: bool = False) -> Written:
        with self._write_lock:
            self._writer.execute("BEGIN IMMEDIATE")
            self._schema = self._read_schema()
            writer = Writer(self._writer, self._schema, now())
            try:
                for operation in operations:
                    with contextlib.suppress(*([VersionConflictError] if skip_conflicts else [])):
                        self._apply(writer, operation)
            finally:
                writer.finish()
                self._writer.execute("COMMIT")
                self._schema = self._read_schema()
        return writer.written

    def declare(self, types: Mapping[str, FieldType]) -> None:
        """Gives names that nothing defines yet a type for good."""
        with self._write_lock:
            self._writer.execute("BEGIN IMMEDIATE")
            self._schema = self._read_schema()
            writer = Writer(self._writer, self._schema, now())
            for name, kind in types.items():
                writer.declare(name, kind)
            self._writer.execute("COMMIT")

    def commit(self) -> None:
        with self._write_lock:
            self._writer.execute("UPDATE counters SET value = value + 1 WHERE name = 'commit'")
        self._show_newest()

    def descriptors(self, keys: Sequence[int]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        with self._snapshots.reading() as (connection, _):
            for start in range(0, len(keys), _CHUNK):
                marks = ",".join(str(int(key)) for key in keys[start : start + _CHUNK])
                sql = f"SELECT key, descriptor FROM descriptors WHERE key IN ({marks})"  # noqa: S608
                found.update(connection.execute(sql))
        return found

    def changes(self, since: int) -> Iterator[tuple[int, int, bytes | None]]:
        sql = (
            "SELECT sequence, key, descriptor FROM changes LEFT JOIN descriptors USING (key) "
            "WHERE sequence > ? ORDER BY sequence LIMIT ?"
        )
        while True:
            with self._snapshots.reading() as (connection, _):
                rows = connection.execute(sql, (since, _CHANGES_AT_ONCE)).fetchall()
            if not rows:
                return
            yield from rows
            since = rows[-1][0]

    def close(self) -> None:
        with self._write_lock, self._watcher_lock:
            self._snapshots.close()
            self._watcher.close()
            self._writer.close()

    def _apply(self, writer: Writer, operation: Operation) -> None:
        """One operation whole or not at all; those before it in the batch stay, as in Solr."""
        self._writer.execute("SAVEPOINT operation")
        try:
            writer.apply(operation)
        except BaseException:
            self._writer.execute("ROLLBACK TO operation")
            raise
        finally:
            self._writer.execute("RELEASE operation")

    def _read(self, answer: Callable[[Selector], T]) -> T:
        with self._snapshots.reading() as (connection, remembered):
            return answer(Selector(connection, remembered, self._schema, now()))

    def _show_newest(self) -> None:
        with self._write_lock:
            self._schema = self._read_schema()
            with self._watcher_lock:
                self._seen = self._commit_counter()
            self._snapshots.advance()

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
        sql = "SELECT value FROM counters WHERE name = 'commit'"
        return int(self._watcher.execute(sql).fetchone()[0])
