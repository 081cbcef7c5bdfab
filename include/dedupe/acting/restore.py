"""Restore: takes back what runs did, from their archives, and leaves alone what has changed since.

A deleted document is added again with its fields and with what Flow knew of its picture. A field that was set
goes back to what it was if it still holds what was set. What a person takes back is no duplicate: that is
remembered, so that the next run does not do it again, unless it is to try again.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

from include.dedupe.acting.again import Copy, add_again, differences, take_out_extra
from include.dedupe.acting.archive import (
    COPY,
    Entry,
    Tombstone,
    archived_runs,
    by_sequence,
    read_entries,
    write_tombstones,
)
from include.dedupe.acting.gated import GATED, OVERWRITE, take_back, why_not_taken_back
from include.dedupe.acting.known import Known
from include.dedupe.acting.lease import Lease, hold_lease, meeting_place
from include.dedupe.acting.marker import require_claim
from include.dedupe.acting.memory import Memory, clusters_of
from include.dedupe.acting.quarantine import bring_back
from include.dedupe.acting.replacing import bring_file_back
from include.dedupe.acting.seeing import FIELDS, UNSEEN, see
from include.dedupe.acting.wanted import Wanted
from include.dedupe.acting.writer import ConflictError, FlowWriter
from include.dedupe.clock import now
from include.dedupe.errors import DedupeError
from include.dedupe.flow import Document
from include.dedupe.rundir import folder_name
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.storage import Storage, texts

BATCH = 100
RESTORED = "restored"
REMEMBER, TRY_AGAIN = AFTERWARDS = ("remember", "try-again")
"""What a person wants of what comes back: it is no duplicate in later runs, or they judge it anew."""
NEWER = "the run archived it once more later, as it was then"
OTHERWISE = "it is back, but not all of it is as it was"


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
        ClaimError: another storage writes to the collection.
        LeaseError: somebody else writes to the collection.
    """
    archived = _archived(lasting, wanted)
    entries = sorted(filter(wanted.fits, archived), key=by_sequence, reverse=True)
    before = _restored_before(lasting)
    taken_back = [entry for entry in archived if wanted.fits(entry) or entry.key in before]
    with ExitStack() as held:
        place = meeting_place(lasting, config)
        lease = None if dry_run else held.enter_context(hold_lease(place, f"A restore by {by}"))
        memory = Memory(lasting, by, clusters_of(taken_back)) if lease and remember else None
        known = Known.of(lasting, entries, [Copy(*rule) for rule in await writer.copies()], config.tags.names)
        work = _Batch(writer, lasting, config, lease, before, memory, known)
        if lease:
            await require_claim(writer, place, config)
            await writer.commit()  # shows what an apply that was killed has done last
        return [one for batch in _batches(entries) for one in await work.take_back(batch)]


def _archived(lasting: Storage, wanted: Wanted) -> list[Entry]:
    """Return all that the runs in question have archived.

    Raises:
        DedupeError: nothing is named, or nothing of what is named was ever changed.
    """
    if wanted.is_empty:
        raise DedupeError("Say what to restore: runs, ids, clusters, or a time since or until.")
    folders = [folder_name(run) for run in wanted.runs] or archived_runs(lasting)
    archived = [entry for folder in folders for entry in read_entries(lasting, folder)]
    wanted.require_known(archived, lasting)
    return archived


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
class _Batch:
    writer: FlowWriter
    lasting: Storage
    config: CollectionConfig
    lease: Lease | None
    before: Container[str]
    memory: Memory | None
    known: Known
    stuck: set[str] = field(default_factory=set)
    """Documents of which a newer state could not be taken back: an older one must not take its place."""

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
            found = await self._look(entries, found)
            pairs_done = zip(entries, found, strict=True)
            restored = [entry.key for entry, one in pairs_done if one.outcome == "restored"]
            self.lasting.write(f"{RESTORED}/{now().replace(':', '-')}.json", json.dumps(restored).encode())
        self.stuck |= {one.id for one in found if one.outcome == "failed"}
        return found

    async def _look(self, entries: Sequence[Entry], found: Sequence[Restored]) -> list[Restored]:
        """Look whether documents are as they were, take out what they had not, and say what is left."""
        added = {
            entry.id: entry.before
            for entry, one in zip(entries, found, strict=True)
            if entry.action in (*DELETING, OVERWRITE) and one.outcome == "restored"
        }
        documents = await see(self.writer, list(added), lambda found: added.keys() <= found.keys())
        extra = [await self._take_out_extra(added[name], document) for name, document in documents.items()]
        if any(extra):
            taken_out = [one for one, has_extra in zip(documents.values(), extra, strict=True) if has_extra]
            documents = await see(self.writer, list(added), lambda found: _are_newer(found, taken_out))
        wrong = _wrong(added, documents)
        return [
            replace(one, outcome="failed", reason=wrong[one.id]) if one.id in wrong else one for one in found
        ]

    async def _take_out_extra(self, before: Document, document: Document) -> bool:
        try:
            return await take_out_extra(self.writer, before, document)
        except (ConflictError, self.writer.reader.failure):
            return False  # what is left of it is told as a difference

    def _why_not(self, entry: Entry, document: Document | None) -> str:
        if entry.key in self.before:
            return "restored before"
        if entry.id in self.stuck:
            return "a newer state of it could not be taken back; try again"
        if entry.action in DELETING:
            return self._why_not_added(entry, document)
        if entry.action in GATED:
            indexed = self.known.indexed.get((entry.run_id, entry.id))
            return why_not_taken_back(entry, document, indexed, self.known.own_fields)
        if entry.action == "replace":
            return "" if document is not None else "it no longer exists"
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
            elif entry.action in GATED and document is not None:
                place = self.writer, self.lasting, self.config
                return "restored", await take_back(*place, entry, document, copies=self.known.copies)
            else:
                assert document is not None, "checked above"  # noqa: S101
                back = await self._reset(entry, document)
                if back:
                    await self.writer.set_fields(entry.id, int(document["_version_"]), back)
        except ConflictError:
            return "untouched", "it changed while it was restored"
        except (self.writer.reader.failure, DedupeError, OSError) as error:
            return "failed", str(error)
        return "restored", ""

    async def _reset(self, entry: Entry, document: Document) -> dict[str, Any]:
        """Bring a file back that was replaced, and return the fields that are to be as they were."""
        back = _before(entry, document)
        if entry.action == "replace":
            if entry.file:
                await asyncio.to_thread(bring_file_back, entry.file)
            link = self.config.fields.hard_link  # a sync may have written another name of the same file
            if link and document.get(link) != entry.before.get(link):
                back[link] = entry.before.get(link)
        return back

    def _why_not_added(self, entry: Entry, document: Document | None) -> str:
        if document is not None:
            return "it exists"
        run_id, newest = self.known.newest[entry.id]
        if newest != entry.key:
            is_own = run_id == entry.run_id
            return NEWER if is_own else f"run {run_id} deleted it later; restore that run"
        stone = self.known.stones.get(entry.id)
        is_taken_back = stone is not None and stone.is_after(entry) and stone.restored_at
        return "restored before" if is_taken_back else ""  # without a stone the deletion was interrupted

    async def _add_again(self, entry: Entry) -> None:
        if entry.file:
            await asyncio.to_thread(bring_back, entry.file)
        await add_again(self.writer, entry.before, entry.analysis, self.known.copies)
        stone = self.known.stones.get(entry.id) or Tombstone(
            entry.id, entry.fingerprint, entry.keeper_id, entry.run_id, "interrupted", entry.at
        )
        taken_back = replace(stone, restored_at=now())
        label = f"{now().replace(':', '-')}-{entry.id.encode().hex()[:32]}-restored"
        write_tombstones(self.lasting, label, [taken_back])


def _are_newer(documents: Mapping[str, Document], old: Sequence[Document]) -> bool:
    return all(documents.get(one["id"], {}).get("_version_") != one["_version_"] for one in old)


def _wrong(wanted: Mapping[str, Document], documents: Mapping[str, Document]) -> dict[str, str]:
    """Return what is wrong with those documents that are not as they were, or not to be seen."""
    found = {}
    for name, before in wanted.items():
        if name not in documents:
            found[name] = UNSEEN
        elif wrong := differences(before, documents[name]):
            found[name] = f"{OTHERWISE}: {', '.join(wrong)}"
    return found


def _restored_before(lasting: Storage) -> set[str]:
    names = lasting.names(RESTORED)
    return {key for name in names for key in lasting.read_json(f"{RESTORED}/{name}", texts, COPY)}


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
