"""Restore: takes back what runs did, from their archives, and leaves alone what has changed since.

A deleted document is added again with its fields and with what Flow knew of its picture. A field that was set
goes back to what it was if it still holds what was set. What a person takes back is no duplicate: that is
remembered, so that the next run does not do it again.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from include.dedupe.archive import (
    Entry,
    Tombstone,
    archived_runs,
    now,
    read_entries,
    read_tombstones,
    write_tombstones,
)
from include.dedupe.errors import DedupeError
from include.dedupe.flow import Document
from include.dedupe.lease import Lease, hold_lease
from include.dedupe.policy_settings import DELETING
from include.dedupe.quarantine import bring_back
from include.dedupe.rundir import Storage, folder_name
from include.dedupe.verdicts import give_verdict, read_verdicts, standing_verdicts
from include.dedupe.writer import ConflictError, FlowWriter

FIELDS = ("*", "_version_")
BATCH = 100
RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be taken back: everything that fits all that is given."""

    runs: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    def fits(self, entry: Entry) -> bool:
        at = dt.datetime.fromisoformat(entry.at)
        concerned = {entry.id, *entry.partners}
        return (
            (not self.runs or entry.run_id in self.runs)
            and (not self.ids or bool(concerned & set(self.ids)))
            and (not self.clusters or entry.cluster_id in self.clusters)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )

    @property
    def is_empty(self) -> bool:
        return not (self.runs or self.ids or self.clusters or self.since or self.until)


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of one archived entry: restored, planned (a dry run), untouched or failed, and why."""

    id: str
    action: str
    run_id: str
    outcome: str
    reason: str = ""


async def restore(
    writer: FlowWriter,
    lasting: Storage,
    wanted: Wanted,
    by: str,
    *,
    dry_run: bool = True,
    remember: bool = True,
) -> list[Restored]:
    """Take back what fits ``wanted``, the newest first.

    Args:
        writer: the collection.
        lasting: its storage.
        wanted: which actions.
        by: who asks, for the verdicts.
        dry_run: say what would be done and write nothing.
        remember: restored documents are no duplicates of their keepers from now on.

    Raises:
        DedupeError: nothing is named.
        LeaseError: somebody else writes to the collection.
    """
    if wanted.is_empty:
        raise DedupeError("Say what to restore: runs, ids, clusters, or a time since or until.")
    entries = [entry for entry in _entries(lasting, wanted) if wanted.fits(entry)]
    entries.sort(key=lambda entry: entry.at, reverse=True)
    found: list[Restored] = []
    with ExitStack() as held:
        lease = None if dry_run else held.enter_context(hold_lease(lasting, f"A restore by {by}"))
        stones = read_tombstones(lasting)
        work = _Batch(writer, lasting, lease, stones)
        for batch in _batches(entries):
            found += await work.take_back(batch)
        if lease and remember:
            _remember(lasting, entries, found, by)
    return found


def _entries(lasting: Storage, wanted: Wanted) -> Iterable[Entry]:
    folders = [folder_name(run) for run in wanted.runs] or archived_runs(lasting)
    for folder in folders:
        yield from read_entries(lasting, folder)


def _batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Yield the newest entry of each document, then the one before, so that each undoes the one before it."""
    rounds: list[list[Entry]] = []
    seen: Counter[str] = Counter()
    for entry in entries:
        if seen[entry.id] == len(rounds):
            rounds.append([])
        rounds[seen[entry.id]].append(entry)
        seen[entry.id] += 1
    for one in rounds:
        yield from (one[first : first + BATCH] for first in range(0, len(one), BATCH))


def _remember(lasting: Storage, entries: Sequence[Entry], found: Sequence[Restored], by: str) -> None:
    restored = {(one.id, one.run_id) for one in found if one.outcome == "restored"}
    known = standing_verdicts(read_verdicts(lasting)).not_duplicates
    for entry in entries:
        low, high = sorted((entry.id, entry.keeper_id), key=str.encode)
        if entry.keeper_id and (entry.id, entry.run_id) in restored and (low, high) not in known:
            give_verdict(lasting, "not_duplicate", (low, high), by, f"restored from run {entry.run_id}")
            known |= {(low, high)}


@dataclass(slots=True)
class _Batch:
    writer: FlowWriter
    lasting: Storage
    lease: Lease | None
    stones: Mapping[str, Tombstone]

    async def take_back(self, entries: Sequence[Entry]) -> list[Restored]:
        """Take back at most one entry of each document."""
        if self.lease:
            self.lease.require()
        before = _restored_before(self.lasting)
        documents = await self.writer.read([entry.id for entry in entries], FIELDS)
        found = await asyncio.gather(
            *(self._one(entry, documents.get(entry.id), before) for entry in entries)
        )
        if self.lease:
            await self.writer.commit()
            pairs = zip(entries, found, strict=True)
            restored = [_key(entry) for entry, one in pairs if one.outcome == "restored"]
            self.lasting.write(f"{RESTORED}/{now().replace(':', '-')}.json", json.dumps(restored).encode())
        return found

    async def _one(self, entry: Entry, document: Document | None, before: Container[str]) -> Restored:
        known = _key(entry) in before
        outcome, reason = ("untouched", "restored before") if known else await self._try(entry, document)
        return Restored(entry.id, entry.action, entry.run_id, outcome, reason)

    async def _try(self, entry: Entry, document: Document | None) -> tuple[str, str]:
        deleted = entry.action in DELETING
        reason = self._why_not_added(entry, document) if deleted else _why_not_reset(entry, document)
        if reason or self.lease is None:
            return ("untouched", reason) if reason else ("planned", "")
        try:
            if deleted:
                await self._add_again(entry)
            else:
                assert document is not None, "checked above"  # noqa: S101
                back = _before(entry, document)
                await self.writer.set_fields(entry.id, int(document["_version_"]), back)
        except ConflictError:
            return "untouched", "it changed while it was restored"
        except (self.writer.reader.failure, DedupeError, OSError) as error:
            return "failed", str(error)
        return "restored", ""

    def _why_not_added(self, entry: Entry, document: Document | None) -> str:
        if document is not None:
            return "it exists"
        stone = self.stones.get(entry.id)
        if stone is not None and stone.run_id != entry.run_id:
            return f"run {stone.run_id} deleted it later; restore that run"
        if stone is None or stone.restored_at:
            return "it was not deleted by this run"
        return ""

    async def _add_again(self, entry: Entry) -> None:
        if entry.file:
            await asyncio.to_thread(bring_back, entry.file)
        fields = {name: value for name, value in entry.before.items() if name not in ("_version_", "score")}
        await self.writer.add(fields, entry.analysis)
        taken_back = replace(self.stones[entry.id], restored_at=now())
        label = f"{now().replace(':', '-')}-{entry.id.encode().hex()[:32]}-restored"
        write_tombstones(self.lasting, label, [taken_back])


def _key(entry: Entry) -> str:
    return f"{entry.run_id}\n{entry.id}\n{entry.at}"


def _restored_before(lasting: Storage) -> set[str]:
    names = lasting.names(RESTORED)
    return {key for name in names for key in json.loads(lasting.read(f"{RESTORED}/{name}"))}


def _why_not_reset(entry: Entry, document: Document | None) -> str:
    if document is None:
        return "it no longer exists"
    if not entry.set:
        return "nothing of it was changed"
    return "" if _before(entry, document) else "its fields have changed since"


def _before(entry: Entry, document: Document) -> dict[str, Any]:
    """Return those fields that still hold what was set, with what they held before."""
    ours = {name for name, value in entry.set.items() if document.get(name) == value}
    if not any(entry.set[name] is not None for name in ours) and any(entry.set.values()):
        return {}  # only what was removed is as we left it, so the rest was taken back already
    before = {name: entry.before.get(name) for name in ours}
    return {name: value for name, value in before.items() if document.get(name) != value}
