"""Prune: removes what has become old of one collection: folders of runs, its archive, files in quarantine.

Only what an age was named for goes. A run folder is not needed to restore; the archive is, and for a file
that was moved away the quarantine, too. So an archive stays as long as one of its files is in the quarantine.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from include.dedupe.acting.archive import FOLDER as ARCHIVE
from include.dedupe.acting.archive import Entry, archived_runs, read_entries
from include.dedupe.acting.lease import hold_lease, meeting_place
from include.dedupe.deciding.settled import exported_by, settled_by
from include.dedupe.errors import DedupeError
from include.dedupe.gating.buried import keep_traces
from include.dedupe.gating.take import is_gate_run
from include.dedupe.reviewing.gates import summarise_gate
from include.dedupe.reviewing.layout import STAGE as REVIEW
from include.dedupe.reviewing.summary import summarise
from include.dedupe.rundir import RunDir, read_manifest
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage

RUNS = "runs"
Kind = Literal["runs", "archive", "quarantine"]


@dataclass(frozen=True, slots=True)
class Ages:
    """Days after which something may go; None keeps all of it."""

    runs: int | None = None
    archive: int | None = None
    quarantine: int | None = None

    @property
    def is_empty(self) -> bool:
        return self.runs is None and self.archive is None and self.quarantine is None


@dataclass(frozen=True, slots=True)
class Pruned:
    """One thing that is old enough: its bytes, and why it stays all the same, if it does."""

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
        raise DedupeError("Say what may go, and after how many days: runs, archive or quarantine.")
    lasting = Storage(f"{storage.rstrip('/')}/{collection}")
    found: list[Pruned] = []
    with ExitStack() as held:
        if not dry_run:
            held.enter_context(hold_lease(meeting_place(lasting, config), f"A prune by {by}"))
        now = lasting.clock()
        if ages.quarantine is not None:
            found += _quarantined(lasting, config, now - ages.quarantine * 86_400, dry_run=dry_run)
        gone = {one.name for one in found if not one.stays}
        if ages.archive is not None:
            found += _archived(lasting, now - ages.archive * 86_400, gone, dry_run=dry_run)
        if ages.runs is not None:
            found += _runs(storage, collection, lasting, now - ages.runs * 86_400, dry_run=dry_run)
    return found


def _quarantined(
    lasting: Storage, config: CollectionConfig, before: float, *, dry_run: bool
) -> Iterator[Pruned]:
    """Remove files that this collection's archive says were moved away, and that are there still."""
    for run in archived_runs(lasting):
        for entry in read_entries(lasting, run):
            if dt.datetime.fromisoformat(entry.at).timestamp() >= before:
                continue
            for path in files_of(entry):
                if not path.is_file():
                    continue
                size = path.stat().st_size
                stays = remove_from_quarantine(path, config, dry_run=dry_run)
                yield Pruned("quarantine", str(path), size, stays)


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


def _archived(lasting: Storage, before: float, gone: set[str], *, dry_run: bool) -> Iterator[Pruned]:
    for run in archived_runs(lasting):
        size, written = lasting.measure(f"{ARCHIVE}/{run}")
        if written >= before:
            continue
        files = (path for entry in read_entries(lasting, run) for path in files_of(entry))
        left = [path for path in files if path.is_file() and str(path) not in gone]
        stays = f"{len(left)} of its files are in the quarantine, such as {left[0]}" if left else ""
        if not stays and not dry_run:
            keep_traces(lasting, run)
            lasting.remove_folder(f"{ARCHIVE}/{run}")
        yield Pruned("archive", run, size, stays)


def _runs(
    storage: str, collection: str, lasting: Storage, before: float, *, dry_run: bool
) -> Iterator[Pruned]:
    measured = {run: lasting.measure(f"{RUNS}/{run}", but=REVIEW) for run in lasting.folders(RUNS)}
    newest = max(measured, key=lambda run: (measured[run][1], run), default="")
    for run, (size, written) in measured.items():
        if written >= before:
            continue
        stays = "it is the newest" if run == newest else _why_needed(RunDir(storage, collection, run))
        if not stays and not dry_run:
            lasting.remove_folder(f"{RUNS}/{run}")
        yield Pruned("runs", run, size, stays)


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
