"""Brings an index in line with a folder: new, changed and gone pictures; everything else is left alone.

A picture is read again when its size or mtime changed, and analysed again when its bytes did. Chunks are
committed one by one: a sync that was interrupted goes on where it stopped, and a running server sees each
chunk. A document that was deleted through the API is not brought back until its picture changes.
"""

from __future__ import annotations

import json
from collections import deque
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from itertools import islice
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from include.flow_server.analysis import CRASHES, new_pool
from include.flow_server.folder.examine import Examined, examine
from include.flow_server.folder.seen import Seen, SeenTable
from include.flow_server.folder.walk import PictureFile, pictures, read_fields
from include.flow_server.measures import measures
from include.flow_server.service import store_file
from include.flow_server.settings import Limits
from include.flow_server.store.protocol import Add, Delete
from include.flow_server.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from include.detector.imaging import Descriptor

_CHUNK = 200
_AHEAD = 4
_DATE = "date_dt"  # the one field of ours that fields.csv may say; without its cell the picture says it again


@dataclass(slots=True)
class SyncReport:
    """What one sync did; `failed` holds (path, cause)."""

    added: int = 0
    changed: int = 0
    gone: int = 0
    unchanged: int = 0
    deleted_before: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)

    def summary(self) -> str:
        parts = f"{self.added} new, {self.changed} changed, {self.gone} gone, {self.unchanged} unchanged"
        deleted = (
            f", {self.deleted_before} deleted from the index earlier and left out"
            if self.deleted_before
            else ""
        )
        return f"{parts}{deleted}, {len(self.failed)} unreadable"


def sync(folder: Path, data: Path, collection: str, workers: int) -> SyncReport:
    """Runs one sync.

    Raises:
        FolderError: no such folder, no picture in it, or a wrong fields.csv.
        BadRequestError: a cell of fields.csv does not fit the type of its field.
    """
    files, refused = pictures(folder)
    columns = read_fields(folder, [file.path for file in files])
    store_path = store_file(data, collection)
    store = SqliteStore(store_path)
    seen = SeenTable(store_path.with_name("folder.sqlite"))
    try:
        return _Sync(folder, store, seen, columns, SyncReport(failed=list(refused))).run(files, workers)
    finally:
        seen.close()
        store.close()


class _Sync:
    """One run: its store, what was seen before, and what comes out."""

    def __init__(
        self,
        folder: Path,
        store: SqliteStore,
        seen: SeenTable,
        columns: Mapping[str, Mapping[str, str]],
        report: SyncReport,
    ) -> None:
        self._folder = folder.resolve()
        self._store = store
        self._table = seen
        self._seen = seen.all()
        self._columns = columns
        self._report = report

    def run(self, files: Sequence[PictureFile], workers: int) -> SyncReport:
        refused = {path for path, _ in self._report.failed}
        self._remove_gone(self._seen.keys() - {file.path for file in files} - refused)
        todo = [file for file in files if not self._is_as_seen(file)]
        by_path = {file.path: file for file in todo}
        with tqdm(total=len(files), initial=len(files) - len(todo), unit="picture", desc="sync") as progress:
            examined = self._examined([file.path for file in todo], workers)
            while chunk := list(islice(examined, _CHUNK)):
                self._write(chunk, by_path)
                progress.update(len(chunk))
        return self._report

    def _is_as_seen(self, file: PictureFile) -> bool:
        old = self._seen.get(file.path)
        same = old is not None and (old.size, old.mtime_ns, old.columns) == (
            file.size,
            file.mtime_ns,
            self._cells(file.path),
        )
        if same:
            self._count_unchanged(file.path)
        return same

    def _count_unchanged(self, path: str) -> None:
        if self._store.key_of(path) is None:
            self._report.deleted_before += 1
        else:
            self._report.unchanged += 1

    def _cells(self, path: str) -> str:
        return json.dumps(self._columns.get(path, {}), sort_keys=True, ensure_ascii=False)

    def _remove_gone(self, paths: set[str]) -> None:
        chunk = sorted(paths)
        if chunk:
            self._store.update([Delete(path) for path in chunk])
            self._store.commit()
            self._table.write((), gone=chunk)
            self._report.gone += len(chunk)

    def _examined(self, paths: Sequence[str], workers: int) -> Iterator[Examined]:
        """Every file described, in order; a few per process are read ahead."""
        doubtful: list[str] = []
        waiting = iter(paths)
        with new_pool(workers) as pool:
            try:
                running = deque(
                    (path, pool.submit(*self._job(path))) for path in islice(waiting, workers * _AHEAD)
                )
                while running:
                    path, future = running.popleft()
                    doubtful = [path, *(other for other, _ in running)]
                    yield future.result()
                    doubtful = [other for other, _ in running]
                    running.extend((path, pool.submit(*self._job(path))) for path in islice(waiting, 1))
            except BrokenProcessPool:
                pass
            else:
                return
        for path in doubtful:
            yield self._examined_alone(path)
        yield from self._examined(list(waiting), workers)

    def _examined_alone(self, path: str) -> Examined:
        """One of the files that were being read when a process died, in a process of its own."""
        with new_pool(1) as pool:
            try:
                result: Examined = pool.submit(*self._job(path)).result()
            except BrokenProcessPool:
                return Examined(path, failure=f"it {CRASHES}")
            return result

    def _job(self, path: str) -> tuple[Any, ...]:
        old = self._seen.get(path)
        date_is_free = bool(
            old and json.loads(old.columns).get(_DATE) and not self._columns.get(path, {}).get(_DATE)
        )
        known = old.content if old and not date_is_free else ""
        return examine, str(self._folder), path, known, Limits().picture_bytes

    def _write(self, chunk: Sequence[Examined], files: Mapping[str, PictureFile]) -> None:
        good = [one for one in chunk if not one.failure]
        self._report.failed += [(one.path, one.failure) for one in chunk if one.failure]
        adds = [add for one in good if (add := self._add(one)) is not None]
        self._store.update(adds)
        self._store.commit()
        self._table.write(
            Seen(one.path, files[one.path].size, files[one.path].mtime_ns, one.content, self._cells(one.path))
            for one in good
        )

    def _add(self, one: Examined) -> Add | None:
        """The write for one file: only its cells where the bytes are known; None where nothing is to do."""
        old = self._seen.get(one.path)
        fields: dict[str, Any] = {}
        if one.descriptor is not None:
            fields |= _own_fields(one, one.descriptor)
            self._report.changed += old is not None
            self._report.added += old is None
        elif self._store.key_of(one.path) is None:
            self._report.deleted_before += 1
            return None
        elif old is not None and old.columns != self._cells(one.path):
            self._report.changed += 1
        else:
            self._report.unchanged += 1
            return None
        before = json.loads(old.columns) if old else {}
        cells = {**dict.fromkeys(before), **self._columns.get(one.path, {})}
        fields |= {name: {"set": cell or None} for name, cell in cells.items() if cell or name not in fields}
        return Add(one.path, fields, one.descriptor.to_bytes() if one.descriptor else None, "image" in fields)


def _own_fields(one: Examined, descriptor: Descriptor) -> dict[str, Any]:
    path = PurePosixPath(one.path)
    values = {
        "image": one.path,
        "filename_s": path.name,
        "folder_s": path.parent.as_posix(),
        _DATE: one.date,
        **measures(descriptor),
    }
    return {name: {"set": value} for name, value in values.items()}
