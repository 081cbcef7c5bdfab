"""Restore: takes back what runs did, from their archives, and leaves alone what has changed since.

A deleted document is added again with its fields and with what Flow knew of its picture. A field that was set
goes back to what it was if it still holds what was set. What a person takes back is no duplicate: that is
remembered, so that the next run does not do it again.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from include.dedupe.acting.archive import (
    Entry,
    Tombstone,
    archived_runs,
    read_entries,
    read_tombstones,
    write_tombstones,
)
from include.dedupe.acting.lease import Lease, hold_lease, meeting_place
from include.dedupe.acting.quarantine import bring_back
from include.dedupe.acting.wanted import Wanted
from include.dedupe.acting.writer import ConflictError, FlowWriter
from include.dedupe.clock import now
from include.dedupe.errors import DedupeError
from include.dedupe.flow import Document
from include.dedupe.rundir import Storage, folder_name
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.verdicts import give_verdict, read_verdicts, standing_verdicts

FIELDS = ("*", "_version_")
BATCH = 100
RESTORED = "restored"


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
    config: CollectionConfig,
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
        config: its settings.
        wanted: which actions.
        by: who asks, for the verdicts.
        dry_run: say what would be done and write nothing.
        remember: restored documents and their keepers are no duplicates of each other from now on.

    Raises:
        DedupeError: nothing is named, or nothing of what is named was ever changed.
        LeaseError: somebody else writes to the collection.
    """
    if wanted.is_empty:
        raise DedupeError("Say what to restore: runs, ids, clusters, or a time since or until.")
    archived = list(_entries(lasting, wanted))
    wanted.require_known(archived, lasting)
    entries = sorted(filter(wanted.fits, archived), key=lambda entry: entry.at, reverse=True)
    before = _restored_before(lasting)
    taken_back = [entry for entry in archived if wanted.fits(entry) or _key(entry) in before]
    found: list[Restored] = []
    with ExitStack() as held:
        place = meeting_place(lasting, config)
        lease = None if dry_run else held.enter_context(hold_lease(place, f"A restore by {by}"))
        memory = _Memory(lasting, by, _clusters(taken_back)) if lease and remember else None
        work = _Batch(writer, lasting, lease, read_tombstones(lasting), before, memory)
        if lease:
            await writer.commit()  # shows what an apply that was killed has done last
        for batch in _batches(entries):
            found += await work.take_back(batch)
    return found


def _entries(lasting: Storage, wanted: Wanted) -> Iterable[Entry]:
    folders = [folder_name(run) for run in wanted.runs] or archived_runs(lasting)
    for folder in folders:
        yield from read_entries(lasting, folder)


def _clusters(entries: Iterable[Entry]) -> dict[tuple[str, str], set[str]]:
    """Return the documents of each cluster of each run, the keepers included."""
    clusters: dict[tuple[str, str], set[str]] = defaultdict(set)
    for entry in entries:
        if entry.keeper_id:
            clusters[entry.run_id, entry.cluster_id] |= {entry.id, entry.keeper_id}
    return clusters


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


@dataclass(slots=True)
class _Memory:
    """Remembers of what a person takes back that no two documents of a cluster are duplicates."""

    lasting: Storage
    by: str
    clusters: dict[tuple[str, str], set[str]]

    def keep(self, entries: Iterable[Entry]) -> None:
        """Say it once for each cluster, unless it was said before."""
        names = dict.fromkeys((entry.run_id, entry.cluster_id) for entry in entries)
        wanted = [(run_id, self.clusters.pop((run_id, name), set())) for run_id, name in names]
        known = standing_verdicts(read_verdicts(self.lasting)).not_duplicates
        for run_id, ids in wanted:
            ordered = sorted(ids, key=str.encode)
            if not known.holds(ordered):
                why = f"restored from run {run_id}"
                give_verdict(self.lasting, "not_duplicate", tuple(ordered), self.by, why)


@dataclass(slots=True)
class _Batch:
    writer: FlowWriter
    lasting: Storage
    lease: Lease | None
    stones: Mapping[str, Tombstone]
    before: Container[str]
    memory: _Memory | None

    async def take_back(self, entries: Sequence[Entry]) -> list[Restored]:
        """Take back at most one entry of each document."""
        if self.lease:
            self.lease.require()
        documents = await self.writer.read([entry.id for entry in entries], FIELDS)
        reasons = [self._why_not(entry, documents.get(entry.id)) for entry in entries]
        if self.memory:  # first, so that a later run does not do it again, whatever happens now
            self.memory.keep(entry for entry, reason in zip(entries, reasons, strict=True) if not reason)
        pairs = zip(entries, reasons, strict=True)
        found = await asyncio.gather(*(self._one(one, documents.get(one.id), why) for one, why in pairs))
        if self.lease:
            await self.writer.commit()
            pairs_done = zip(entries, found, strict=True)
            restored = [_key(entry) for entry, one in pairs_done if one.outcome == "restored"]
            self.lasting.write(f"{RESTORED}/{now().replace(':', '-')}.json", json.dumps(restored).encode())
        return found

    def _why_not(self, entry: Entry, document: Document | None) -> str:
        if _key(entry) in self.before:
            return "restored before"
        if entry.action in DELETING:
            return self._why_not_added(entry, document)
        return _why_not_reset(entry, document)

    async def _one(self, entry: Entry, document: Document | None, reason: str) -> Restored:
        outcome, why = ("untouched", reason) if reason else ("planned", "")
        if self.lease and not reason:
            outcome, why = await self._try(entry, document)
        return Restored(entry.id, entry.action, entry.run_id, outcome, why)

    async def _try(self, entry: Entry, document: Document | None) -> tuple[str, str]:
        assert self.lease is not None, "nothing is written without a lease"  # noqa: S101
        self.lease.keep()
        try:
            if entry.action in DELETING:
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
        if stone is None or (stone.restored_at or stone.at) < entry.at:
            return ""  # it was archived, and its deletion was interrupted before it was written down
        if stone.restored_at:
            return "restored before"
        later = stone.run_id != entry.run_id
        return f"run {stone.run_id} deleted it later; restore that run" if later else ""

    async def _add_again(self, entry: Entry) -> None:
        if entry.file:
            await asyncio.to_thread(bring_back, entry.file)
        fields = {name: value for name, value in entry.before.items() if name not in ("_version_", "score")}
        await self.writer.add(fields, entry.analysis)
        stone = self.stones.get(entry.id) or Tombstone(
            entry.id, entry.fingerprint, entry.keeper_id, entry.run_id, "interrupted", entry.at
        )
        taken_back = replace(stone, restored_at=now())
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
