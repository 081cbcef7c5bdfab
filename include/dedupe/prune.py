"""Prune: removes what has become old of one collection.

That is folders of runs and calibrations, the archive with pictures that were overwritten, and files in
quarantine. Only what an age was named for goes. A run folder is not needed to restore; the archive is, and
for a file that was moved away the quarantine, too. Both stay while their run is not settled, and an archive
as long as one of its files is in the quarantine; a picture that was overwritten stays with its archive.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal

from include.dedupe.acting.archive import FOLDER as ARCHIVE
from include.dedupe.acting.archive import Entry, archived_runs, read_entries
from include.dedupe.acting.lease import hold_lease, meeting_place
from include.dedupe.deciding.settled import exported_by, settled_by
from include.dedupe.errors import DedupeError
from include.dedupe.gating.buried import keep_traces
from include.dedupe.gating.replaced import FOLDER as REPLACED
from include.dedupe.gating.take import is_gate_run
from include.dedupe.reviewing.gates import summarise_gate
from include.dedupe.reviewing.layout import STAGE as REVIEW
from include.dedupe.reviewing.summary import summarise
from include.dedupe.rundir import RunDir, read_manifest
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.retention_settings import Retention
from include.dedupe.storage import Storage

RUNS = "runs"
DAY_S = 86_400
Kind = Literal["runs", "calibrations", "archive", "quarantine", "replaced"]


@dataclass(frozen=True, slots=True)
class Ages:
    """Days after which something may go, and how many of the newest runs stay; None keeps all of it.

    Calibrations go as runs do, the pictures that the gate has overwritten as the archive does.
    """

    runs: int | None = None
    archive: int | None = None
    quarantine: int | None = None
    newest_runs: int | None = None

    @classmethod
    def of(cls, retention: Retention) -> Ages:
        days = retention.keep_archive_days, retention.keep_quarantine_days
        return cls(None, *days, newest_runs=retention.keep_runs)

    @property
    def is_empty(self) -> bool:
        return self == Ages()


@dataclass(frozen=True, slots=True)
class Pruned:
    """One thing that is old enough: the bytes that it frees, and why it stays all the same, if it does.

    A file that has another name elsewhere (a hard link) frees none.
    """

    kind: Kind
    name: str
    bytes: int
    stays: str = ""


def prune(
    storage: str, collection: str, config: CollectionConfig, ages: Ages, by: str, *, dry_run: bool = True
) -> list[Pruned]:
    """Remove what is older than ``ages``; in a dry run only say what would be.

    Raises:
        DedupeError: no age is named.
        LeaseError: somebody writes to the collection.
    """
    if ages.is_empty:
        raise DedupeError(
            "Say what may go, and after how many days (--runs-days, --archive-days, --quarantine-days); or "
            "name it in the settings: retention."
        )
    lasting = Storage.of(storage, collection)
    runs = set(lasting.folders(RUNS))

    @cache
    def unsettled(run: str) -> str:
        return _why_unsettled(RunDir(storage, collection, run)) if run in runs else ""

    found: list[Pruned] = []
    with ExitStack() as held:
        if not dry_run:
            held.enter_context(hold_lease(meeting_place(lasting, config), f"A prune by {by}"))
        now = lasting.clock()
        if ages.quarantine is not None:
            before = now - ages.quarantine * DAY_S
            found += _quarantined(lasting, config, before, unsettled, dry_run=dry_run)
        if ages.archive is not None:
            before, gone = now - ages.archive * DAY_S, _going(found)
            found += _archived(lasting, before, gone, unsettled, dry_run=dry_run)
            found += _replaced(lasting, before, _going(found), dry_run=dry_run)
        for one in (*_old(lasting, "runs", ages, now), *_old(lasting, "calibrations", ages, now)):
            is_run = one.kind == "runs" and not one.stays
            stays = _why_needed(RunDir(storage, collection, one.name)) if is_run else one.stays
            if not stays and not dry_run:
                lasting.remove_folder(f"{one.kind}/{one.name}")
            found.append(replace(one, stays=stays))
    return found


def _going(found: Sequence[Pruned]) -> set[str]:
    return {one.name for one in found if not one.stays}


def _quarantined(
    lasting: Storage,
    config: CollectionConfig,
    before: float,
    unsettled: Callable[[str], str],
    *,
    dry_run: bool,
) -> Iterator[Pruned]:
    """Remove files that this collection's archive says were moved away, and that are there still."""
    for run in archived_runs(lasting):
        for entry in read_entries(lasting, run):
            if dt.datetime.fromisoformat(entry.at).timestamp() >= before:
                continue
            for path in files_of(entry):
                if not path.is_file():
                    continue
                status = path.stat()
                stays = unsettled(run) or remove_from_quarantine(path, config, dry_run=dry_run)
                freed = status.st_size if status.st_nlink == 1 else 0
                yield Pruned("quarantine", str(path), freed, stays)


def remove_from_quarantine(path: Path, config: CollectionConfig, *, dry_run: bool) -> str:
    """Remove a file that was moved away, unless ``dry_run``; return why it stays, if it does."""
    stays = _not_in_quarantine(path, config)
    if not stays and config.quarantine and not dry_run:
        _remove_file(path, Path(config.quarantine.folder).resolve())
    return stays


def _remove_file(path: Path, quarantine: Path) -> None:
    """Remove a file, and the folders of the quarantine that are empty without it."""
    path.unlink()
    for folder in path.resolve().parents:
        if folder == quarantine:
            return
        try:
            folder.rmdir()
        except OSError:  # another file is in it
            return


def _not_in_quarantine(path: Path, config: CollectionConfig) -> str:
    if config.quarantine is None:
        return "the settings name no quarantine any more"
    folder = Path(config.quarantine.folder).resolve()
    is_below = path.resolve().is_relative_to(folder) and not path.is_symlink()
    return "" if is_below else f"it lies outside of the quarantine {folder}"


def files_of(entry: Entry) -> list[Path]:
    """Return the files of a document that were moved away, as far as its archive says."""
    moves: Sequence[dict[str, Any]] = [*entry.file.get("sides", ()), entry.file] if entry.file else []
    return [Path(move["quarantine"]) for move in moves]


def _archived(
    lasting: Storage, before: float, gone: set[str], unsettled: Callable[[str], str], *, dry_run: bool
) -> Iterator[Pruned]:
    for run in archived_runs(lasting):
        size, written = lasting.measure(f"{ARCHIVE}/{run}")
        if written >= before:
            continue
        files = (path for entry in read_entries(lasting, run) for path in files_of(entry))
        left = [path for path in files if path.is_file() and str(path) not in gone]
        stays = f"{len(left)} of its files are in the quarantine, such as {left[0]}" if left else ""
        stays = stays or unsettled(run)
        if not stays and not dry_run:
            keep_traces(lasting, run)
            lasting.remove_folder(f"{ARCHIVE}/{run}")
        yield Pruned("archive", run, size, stays)


def _replaced(lasting: Storage, before: float, gone: set[str], *, dry_run: bool) -> Iterator[Pruned]:
    """Remove the pictures that the gate has overwritten, and that no archive names any more."""
    needed = {
        entry.picture: run
        for run in archived_runs(lasting)
        if run not in gone
        for entry in read_entries(lasting, run)
    }
    for name in lasting.names(REPLACED):
        picture = f"{REPLACED}/{name}"
        size, written = lasting.measure(picture)
        if written >= before:
            continue
        stays = f"a restore of run {needed[picture]} needs it" if picture in needed else ""
        if not stays and not dry_run:
            lasting.remove(picture)
        yield Pruned("replaced", name, size, stays)


def _old(lasting: Storage, kind: Literal["runs", "calibrations"], ages: Ages, now: float) -> Iterator[Pruned]:
    """Yield the folders that are too old, or more than are to stay; the newest of all stays."""
    measured = {name: lasting.measure(f"{kind}/{name}", but=REVIEW) for name in lasting.folders(kind)}
    newest_first = sorted(measured, key=lambda name: (measured[name][1], name), reverse=True)
    for place, name in enumerate(newest_first):
        size, written = measured[name]
        is_old = ages.runs is not None and written < now - ages.runs * DAY_S
        is_more = ages.newest_runs is not None and place >= ages.newest_runs and written < now - DAY_S
        if is_old or is_more:
            yield Pruned(kind, name, size, "" if place else "it is the newest")


def _why_unsettled(run: RunDir) -> str:
    """Return why the archive of a run must stay though it is old; empty if the run is settled."""
    if told := _why_needed(run):
        return f"its run is not settled: {told}"
    failed = not is_gate_run(run.folder) and summarise(run, {}, lambda _: False).state == "failed"
    return "its run is not settled: part of it could not be carried out, and it may go on" if failed else ""


def _why_needed(run: RunDir) -> str:
    """Return what somebody has still to do about a run; empty if nothing."""
    name = f"{run.collection} {run.folder}"
    try:
        if is_gate_run(run.folder):
            return _why_gate_needs(run, name)
        told = summarise(run, {}, lambda _: False)
        if told.state in ("waiting", "applying"):
            return f"it is {told.state}"
        is_open = told.state != "damaged" and bool(read_manifest(run.storage, "decide"))
        is_open = is_open and len(exported_by(run)) > len(settled_by(run))
        return f"what it exported is not acknowledged: `acknowledge {name}`" if is_open else ""
    except (DedupeError, ValueError) as error:
        return f"it is damaged: {error}"


def _why_gate_needs(run: RunDir, name: str) -> str:
    """Return the same of a run of the gate: what is pending or held of it is indexed from its folder."""
    told = summarise_gate(run)
    if told.state == "damaged":
        return f"it is damaged: {told.problem}"
    if told.held:
        return f"{told.held} documents are held: decide of them by `held {name}`"
    has_taken = bool(told.at)
    return "it did not come to its end: clear its tasks" if told.state == "working" and has_taken else ""
