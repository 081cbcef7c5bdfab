"""Erase: removes what the storage of a collection holds of some documents, as the law may ask.

It goes through all runs, the known pairs, verdicts, archives, tombstones and what the gate remembers. The
document in Flow is not touched, and what was erased cannot be restored. The files of a run that is under way
stay until it has ended, and are named; so is whatever else could not be erased.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from include.dedupe.acting.archive import archived_runs, read_entries
from include.dedupe.acting.lease import hold_lease, meeting_place
from include.dedupe.deciding.decisions import decisions_hash
from include.dedupe.errors import ArtifactError, DedupeError
from include.dedupe.parquet import from_parquet
from include.dedupe.planning.plan import PLAN_FILE
from include.dedupe.prune import files_of, remove_from_quarantine
from include.dedupe.reviewing.layout import STAGE as REVIEW
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage
from include.dedupe.tables import DECISIONS
from include.dedupe.under_way import why_under_way
from include.dedupe.verdicts import FOLDER as VERDICTS
from include.dedupe.verdicts import makes_sense
from include.dedupe.without import clusters_of, csv_without, json_without, mentions, parquet_without

RUNS = "runs"
NOT_HERE = (
    "the documents in Flow themselves, and the pictures that they lead to",
    "Airflow's logs, answers and XComs of the runs",
    "earlier versions and copies of these files, where the storage or you keep any",
)
"""Where this command does not look."""
_LISTS = "duplicates.csv"
_DECISIONS = re.compile(r"decide/decisions-(?P<hash>[0-9a-f]+)\.parquet")


@dataclass(frozen=True, slots=True)
class Erased:
    """One file that held something of the documents: what became of it, and why it stays, if it does."""

    name: str
    done: str
    stays: str = ""


def erase(
    storage: str, collection: str, config: CollectionConfig, ids: Collection[str], by: str, *, dry_run: bool
) -> Iterator[Erased]:
    """Erase documents from all files of a collection; yield each file that held something of them.

    Args:
        storage: where the runs of all collections are.
        collection: the settings' name.
        config: the settings.
        ids: the documents.
        by: who asks.
        dry_run: only say where they are.

    Raises:
        LeaseError: somebody writes to the collection.
    """
    lasting = Storage.of(storage, collection)
    lease = hold_lease(meeting_place(lasting, config), f"An erasure by {by}")
    with nullcontext() if dry_run else lease:
        yield from _pictures(lasting, config, ids, dry_run=dry_run)
        hashes: dict[str, str] = {}
        for folder in lasting.folders(RUNS):
            yield from _of_run(RunDir(storage, collection, folder), ids, hashes, dry_run=dry_run)
        rest = (name for name in lasting.all_names() if not name.startswith((f"{RUNS}/", "lease/")))
        for name in rest:
            yield from _rewritten(lasting, name, ids, ids, hashes, dry_run=dry_run)


def _pictures(
    lasting: Storage, config: CollectionConfig, ids: Collection[str], *, dry_run: bool
) -> Iterator[Erased]:
    """Remove the copies that archive and quarantine have of the documents' pictures."""
    entries = [entry for run in archived_runs(lasting) for entry in read_entries(lasting, run)]
    needed = {entry.picture for entry in entries if entry.id not in ids}
    for name in sorted({entry.picture for entry in entries if entry.id in ids and entry.picture} - needed):
        if lasting.exists(name):
            if not dry_run:
                lasting.remove(name)
            yield Erased(name, "removed")
    for path in (path for entry in entries if entry.id in ids for path in files_of(entry)):
        if path.is_file():
            yield Erased(str(path), "removed", remove_from_quarantine(Path(path), config, dry_run=dry_run))


def _of_run(run: RunDir, ids: Collection[str], hashes: dict[str, str], *, dry_run: bool) -> Iterator[Erased]:
    names = run.storage.all_names()
    stays = why_under_way(run)
    gone, is_shown = set(ids), False
    for name in names:
        if name.startswith("clusters/clusters-") and name.endswith(".parquet"):
            try:
                gone |= clusters_of(run.storage.read(name), ids, name)
            except ArtifactError:
                is_shown = True  # maybe; the file is told below as one that cannot be read
    first = sorted(names, key=lambda name: not name.startswith("decide/decisions-"))  # others name their hash
    for name in first:
        if name.startswith(f"{REVIEW}/"):
            continue
        told = _rewritten(run.storage, name, ids, gone, hashes, dry_run=dry_run or bool(stays), run=run)
        yield from (Erased(f"{RUNS}/{run.folder}/{one.name}", one.done, one.stays or stays) for one in told)
    if (is_shown or len(gone) > len(ids)) and any(name.startswith(f"{REVIEW}/") for name in names):
        if not dry_run and not stays:
            run.storage.remove_folder(REVIEW)
        yield Erased(f"{RUNS}/{run.folder}/{REVIEW}", "removed; the page makes it anew", stays)


def _rewritten(
    storage: Storage,
    name: str,
    ids: Collection[str],
    gone: Collection[str],
    hashes: dict[str, str],
    *,
    dry_run: bool,
    run: RunDir | None = None,
) -> Iterator[Erased]:
    """Write a file anew without the documents, or remove it where it cannot be without them."""
    data = storage.read(name)
    is_table = name.endswith(".parquet")
    try:
        has = mentions(data, gone, name)
        kept = _file_without(name, data, gone) if has else data
    except (DedupeError, ValueError) as error:
        yield Erased(name, "", f"it cannot be read: {error}")
        return
    if run and kept is not None and kept != data:
        hashes.update(_new_hash(name, kept, run))
    renamed = name
    for old, new in hashes.items():
        renamed = renamed.replace(old, new)
        kept = kept if kept is None or is_table else kept.replace(old.encode(), new.encode())
    if kept == data and renamed == name:
        if mentions(data, ids, name) or any(one in name for one in ids):
            yield Erased(name, "", "it mentions one of them in a text or in its name; look at it")
        return
    if not dry_run:
        if kept is not None:
            storage.write(renamed, kept)
        if kept is None or renamed != name:
            storage.remove(name)
    if has:
        left = kept is not None and mentions(kept, ids, name)
        stays = "it still mentions one of them in a text; look at it" if left else ""
        yield Erased(name, "removed" if kept is None else "written anew", stays)


def _file_without(name: str, data: bytes, gone: Collection[str]) -> bytes | None:
    """Return the file without the documents; None where it is to be removed."""
    file = name.rpartition("/")[2]
    if file.endswith(".parquet"):
        return parquet_without(data, gone, name)
    if file.endswith(".csv"):
        return csv_without(data, gone, has_header=file != _LISTS)
    if file.endswith(".html"):
        return None
    found = json_without(data, gone)
    is_void = found in (b"null", b"[]") or (name.startswith(f"{VERDICTS}/") and not makes_sense(found))
    return None if is_void else found


def _new_hash(name: str, data: bytes, run: RunDir) -> dict[str, str]:
    """Return the hash that a file of decisions is named after, with that of its new content."""
    found = _DECISIONS.fullmatch(name)
    if found is None or not run.storage.exists(f"plan/{PLAN_FILE}"):
        return {}
    run_id = run.storage.read_json(f"plan/{PLAN_FILE}", lambda plan: str(plan["run_id"]))
    return {found["hash"]: decisions_hash(run_id, from_parquet(data, DECISIONS, name))}
