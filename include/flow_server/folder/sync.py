"""Brings an index in line with a folder: new, changed and gone pictures; everything else is left alone.

A picture is read again when its size or one of its times changed, and analysed again when its bytes did.
Chunks are committed one by one: a sync that was interrupted goes on where it stopped, and a running server
sees each chunk. A document that was deleted through the API is not brought back until its picture changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from include.flow_server.folder.departing import Departing
from include.flow_server.folder.examine import Examined, Job, examine_all
from include.flow_server.folder.fields import read_fields
from include.flow_server.folder.kinds import LEFT_OUT, shown
from include.flow_server.folder.own import DATE, FILE_HASH, HARD_LINK, INDEXED, fields_of_picture
from include.flow_server.folder.report import SyncReport
from include.flow_server.folder.seen import Seen, SeenTable, State
from include.flow_server.folder.walk import PictureFile, same_files, walk
from include.flow_server.last_sync import FILE, keep_last_sync
from include.flow_server.measures import UNREADABLE
from include.flow_server.query.dates import format_date, now, to_milliseconds
from include.flow_server.service import open_store, store_file
from include.flow_server.settings import Limits
from include.flow_server.store.protocol import Add

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set
    from pathlib import Path

    from include.flow_server.settings import ServerSettings
    from include.flow_server.store.protocol import Document, DocumentStore

_CHUNK = 200


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """What the command line of `sync` may ask for; `leave_out` are patterns of names."""

    verify: bool = False
    allow_missing: bool = False
    include_deleted: bool = False
    leave_out: tuple[str, ...] = LEFT_OUT


def sync(folder: Path, settings: ServerSettings, options: SyncOptions | None = None) -> SyncReport:
    """Runs one sync into the first collection of `settings`.

    What was seen of the folder is kept below `settings.data`, also where a SolrCloud has the documents.

    Raises:
        FolderError: no such folder, no picture in it, a wrong fields.csv, or too many pictures missing.
        NotFoundError: there is no such collection in the SolrCloud.
    """
    (collection, *_) = settings.collections
    options = options or SyncOptions()
    walked = walk(folder, options.leave_out)
    table = read_fields(folder)
    kept = store_file(settings.data, collection).parent
    store = open_store(settings, collection)
    kept.mkdir(parents=True, exist_ok=True)
    seen = SeenTable(kept / "folder.sqlite")
    try:
        known = seen.all()
        remarks = table.without_picture({file.path for file in walked.pictures}, known)
        types = table.new_types(store.schema)
        departing = Departing(store, seen, known)
        missing = departing.missing(walked)
        if not options.allow_missing:
            departing.refuse_many(missing, walked)
        store.declare(types)
        report = SyncReport(walked.left_out, failed=list(walked.failed), remarks=remarks)
        report.gone = departing.remove(missing)
        report.marked = departing.mark([one for one in walked.failed if one[0] not in walked.unlisted])
        run = _Sync(folder.resolve(), store, seen, known, table.cells, departing, report, options)
        done = run.run(walked.pictures, settings.workers)
        keep_last_sync(kept / FILE, done.groups())
        return done
    finally:
        seen.close()
        store.close()


@dataclass(slots=True)
class _Sync:
    """One run: its store, what was seen before, and what comes out."""

    folder: Path
    store: DocumentStore
    table: SeenTable
    known: Mapping[str, Seen]
    columns: dict[str, dict[str, str]]
    departing: Departing
    report: SyncReport
    options: SyncOptions
    there: Set[str] = frozenset()

    def run(self, files: Sequence[PictureFile], workers: int) -> SyncReport:
        hard_links = same_files(files)
        self.report.hard_links = len(hard_links)
        for path, first in hard_links.items():
            self.columns[path] = {**self.columns.get(path, {}), HARD_LINK: first}
        self.there = self.store.existing(self.known)
        todo = {file.path: file for file in files if not self._is_as_seen(file)}
        with tqdm(total=len(files), initial=len(files) - len(todo), unit="picture", desc="sync") as progress:
            examined = examine_all(list(self._jobs([*todo])), workers)
            while chunk := list(islice(examined, _CHUNK)):
                self._write(chunk, todo)
                progress.update(len(chunk))
        return self.report

    def _is_as_seen(self, file: PictureFile) -> bool:
        old = self.known.get(file.path)
        same = old is not None and (old.stamp, old.columns, old.state) == (
            file.stamp,
            self._cells(file.path),
            State.HERE,
        )
        if not same or self.options.verify:
            return False
        deleted = file.path not in self.there
        if deleted and self.options.include_deleted:
            return False
        self.report.deleted_before += deleted
        self.report.unchanged += not deleted
        return True

    def _cells(self, path: str) -> str:
        return json.dumps(self.columns.get(path, {}), sort_keys=True, ensure_ascii=False)

    def _jobs(self, paths: Sequence[str]) -> Iterator[Job]:
        for start in range(0, len(paths), _CHUNK):
            chunk = paths[start : start + _CHUNK]
            asked = [path for path in chunk if path in self.there]
            documents = {document.id: document for document in self.store.get(asked)}
            for path in chunk:
                old = self.known.get(path)
                is_known = old is not None and self._may_be_known(path, old, documents.get(path))
                content = old.content if old and is_known else ""
                yield Job(str(self.folder), path, content, Limits().picture_bytes)

    def _may_be_known(self, path: str, old: Seen, document: Document | None) -> bool:
        """Whether there is no need to analyse the same bytes again."""
        if old.state not in (State.HERE, State.DELETED):
            return False
        if document is None:
            return not self.options.include_deleted
        date_is_free = json.loads(old.columns).get(DATE) and not self.columns.get(path, {}).get(DATE)
        return UNREADABLE not in document.fields and not date_is_free

    def _write(self, chunk: Sequence[Examined], files: Mapping[str, PictureFile]) -> None:
        good = [one for one in chunk if not one.failure]
        self.report.failed += [(one.path, one.failure) for one in chunk if one.failure]
        self.report.remarks += [f"{shown(one.path)}: {one.remark}" for one in good if one.remark]
        self.report.marked += self.departing.mark(
            [(one.path, one.failure) for one in chunk if one.failure and not one.vanished]
        )
        documents = {document.id: document for document in self.store.get([one.path for one in good])}
        adds = [add for one in good if (add := self._add(one, documents.get(one.path))) is not None]
        self.store.update(adds)
        self.store.keep([one.analysis for one in good if one.analysis])
        self.store.commit()
        self.table.write(
            Seen(one.path, files[one.path].stamp, one.content, self._cells(one.path)) for one in good
        )

    def _add(self, one: Examined, document: Document | None) -> Add | None:
        """The write for one file: of known bytes only what its document does not say yet."""
        old = self.known.get(one.path)
        if one.analysis is None and document is None:
            self.report.deleted_before += 1
            return None
        same_columns = old is not None and old.columns == self._cells(one.path)
        is_same = one.analysis is None and same_columns
        self.report.unchanged += is_same
        self.report.added += not is_same and (old is None or document is None)
        self.report.changed += not is_same and old is not None and document is not None
        values = {**_of_picture(one), **_kept(one, old, document)}
        if not is_same:
            before = json.loads(old.columns) if old else {}
            cells = {**dict.fromkeys(before), **self.columns.get(one.path, {})}
            values |= {name: cell or None for name, cell in cells.items() if cell or name not in values}
        if document and document.fields.get(HARD_LINK) != self.columns.get(one.path, {}).get(HARD_LINK):
            values[HARD_LINK] = self.columns.get(one.path, {}).get(HARD_LINK)
        fields = {name: {"set": value} for name, value in values.items()}
        data = one.analysis.descriptor.to_bytes() if one.analysis else None
        return Add(one.path, fields, data, "image" in fields) if fields else None


def _of_picture(one: Examined) -> dict[str, Any]:
    if one.analysis is None:
        return {}
    return fields_of_picture(one.path, one.date, one.camera, one.analysis.descriptor)


def _kept(one: Examined, old: Seen | None, document: Document | None) -> dict[str, Any]:
    """What the sync keeps of every picture; and what others wrote, where it went away and is back."""
    known = dict(document.fields) if document else {}
    is_back = old is not None and document is None and old.state in (State.GOING, State.GONE)
    kept = json.loads(old.fields) if old and is_back and old.content == one.content else {}
    if known.get(FILE_HASH) != one.content:
        kept[FILE_HASH] = one.content
    if INDEXED not in known | kept:
        kept[INDEXED] = format_date(to_milliseconds(now()) // 1000 * 1000)
    return kept
