"""Batch: a few documents that are read, judged, archived, changed and looked at again together."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from include.dedupe.acting.archive import ABSORB, Entry, Tombstone, write_entries, write_tombstones
from include.dedupe.acting.judge import Moment, objection_to_pair
from include.dedupe.acting.lease import Lease
from include.dedupe.acting.outcome import Outcome
from include.dedupe.acting.quarantine import move_away, plan_move
from include.dedupe.acting.writer import ConflictError, FlowWriter
from include.dedupe.clock import now
from include.dedupe.clustering.facts import protected_among
from include.dedupe.deciding.changes import Order, changes, merged, missing_from
from include.dedupe.errors import DedupeError
from include.dedupe.flow import Document
from include.dedupe.reporting.pictures import picture_bytes
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import DELETING

ALL_FIELDS = ("*", "_version_")
VISIBLE_WITHIN_S = 30.0
UNSEEN = "it was written but cannot be seen in the collection"
ORPHANED = "it was deleted, and at the same moment somebody else removed its keeper; restore it"


@dataclass(slots=True)
class Batch:
    """The orders of one batch. Without a lease it judges and writes nothing."""

    writer: FlowWriter
    run: RunDir
    config: CollectionConfig
    name: str
    earlier: dict[str, Entry]
    lease: Lease | None

    async def carry_out(self, orders: Sequence[Order]) -> list[Outcome]:
        """Return what became of each order, in their order.

        An order that meets a document that changes at this very moment is judged and tried once more.
        """
        found = await self._try(orders, "")
        again = [one.order for one in found.values() if one.outcome == "conflict"]
        if again:
            await self.writer.commit()
            found |= await self._try(again, "-again")
        outcomes = [found[order] for order in orders]
        return [replace(one, outcome="skipped") if one.outcome == "conflict" else one for one in outcomes]

    async def _try(self, orders: Sequence[Order], suffix: str) -> dict[Order, Outcome]:
        moment = await self._look(orders)
        found: dict[Order, Outcome] = {}
        resumed = [(order, was) for order in orders if (was := moment.was_done(order))]
        for order, _ in resumed:
            found[order] = Outcome(order, "done", "done before the interruption", now())
        if self.lease:
            found |= self._bury(resumed, f"{suffix}-resumed")
        left = [order for order in orders if order not in found]
        objections = await asyncio.gather(*(self._objection(order, moment) for order in left))
        for order, objection in zip(left, objections, strict=True):
            if objection:
                found[order] = Outcome(order, "skipped", objection, now())
        going = [order for order in left if order not in found]
        if self.lease is None:
            return found | {order: Outcome(order, "planned", order.reason, now()) for order in going}
        return found | await self._write(going, moment, suffix)

    async def _objection(self, order: Order, moment: Moment) -> str:
        found = moment.objection(order)
        return found or await objection_to_pair(self.writer.reader, order, self.config)

    async def _look(self, orders: Sequence[Order]) -> Moment:
        ids = sorted({one for order in orders for one in (order.id, order.keeper_id) if one})
        documents = await self.writer.read(ids, ALL_FIELDS) if ids else {}
        protected = await protected_among(self.writer.reader, self.config, ids) if ids else frozenset()
        linked = await self._linked([order.id for order in orders if order.decision in DELETING])
        return Moment(self.config, documents, protected, linked, self.earlier)

    async def _linked(self, ids: Sequence[str]) -> dict[str, str]:
        """Return those of ``ids`` that other documents link to, with one that does."""
        link = self.config.tags.link
        if not ids:
            return {}
        only = self.writer.reader.filters.any_of(link, ids)
        pages = self.writer.reader.iterate(fq=(only,), fl=("id", link))
        return {str(one[link]): str(one["id"]) async for page in pages for one in page.docs}

    async def _write(self, orders: Sequence[Order], moment: Moment, suffix: str) -> dict[Order, Outcome]:
        found: dict[Order, Outcome] = {}
        entries: dict[Order, Entry] = {}
        made = await asyncio.gather(
            *(self._entry(order, moment.documents[order.id]) for order in orders), return_exceptions=True
        )
        for order, entry in zip(orders, made, strict=True):
            if isinstance(entry, Entry):
                entries[order] = entry
            elif isinstance(entry, (self.writer.reader.failure, DedupeError, OSError, ValueError)):
                reason = f"it cannot be archived so that it could be restored: {entry}"
                found[order] = Outcome(order, "skipped", reason, now())
            else:
                raise entry
        keepers = self._absorbing(entries, moment)
        if entries:
            write_entries(self.run, f"{self.name}{suffix}", [*keepers.values(), *entries.values()])
            self.earlier.update(keepers | {entry.id: entry for entry in entries.values()})
            assert self.lease is not None, "nothing is written without a lease"  # noqa: S101
            self.lease.require()
            late = await self._late_objections(entries, moment)
            found |= late
            going = {order: entry for order, entry in entries.items() if order not in late}
            sent = await self._send(going, keepers, moment)
            tried = {order: entry for order, entry in going.items() if sent[order].outcome != "conflict"}
            seen = await self._look_again(tried, sent)
            found |= sent | seen
            gone = [one for one in tried.items() if "done" in (sent[one[0]].outcome, found[one[0]].outcome)]
            found |= self._bury(gone, suffix)
        return found

    async def _late_objections(self, entries: Mapping[Order, Entry], moment: Moment) -> dict[Order, Outcome]:
        """Look at the keepers once more: archiving may have taken minutes, and no write locks them.

        The commit shows what others have written and not committed, such as a run that was killed.
        """
        await self.writer.commit()
        ids = {order.keeper_id for order in entries if order.keeper_id}
        keepers = await self.writer.read(sorted(ids), ALL_FIELDS) if ids else {}
        others = {name: document for name, document in moment.documents.items() if name not in ids}
        late = replace(moment, documents={**others, **keepers})
        objections = {order: late.objection_to_keeper(order) for order in entries}
        return {order: Outcome(order, "skipped", why, now()) for order, why in objections.items() if why}

    async def _entry(self, order: Order, document: Document) -> Entry:
        """Return what the archive has to hold before this order is carried out."""
        entry = Entry(
            run_id=self.run.run_id,
            id=order.id,
            action=order.decision,
            cluster_id=order.cluster_id,
            keeper_id=order.keeper_id,
            fingerprint=order.fingerprint,
            at=now(),
            before=dict(document),
        )
        if order.decision not in DELETING:
            return replace(entry, set=changes(order, document, self.config, entry.at[:19] + "Z"))
        move = (
            plan_move(order.id, self.run.folder, self.config.quarantine) if self.config.quarantine else None
        )
        return replace(entry, analysis=await self._analysis(document), file=move)

    async def _analysis(self, document: Document) -> Mapping[str, Any]:
        """Return what Flow says of the picture; Flow fetches it, and where it cannot, we do."""
        address = str(document.get(self.config.fields.image) or "")
        if not address:
            raise DedupeError("it has no address of a picture to analyse")
        try:
            return await self.writer.analyze(url=address)
        except self.writer.reader.failure:
            hosts, flow_host = self.config.report.allow_hosts, self.writer.reader.host
            data = await asyncio.to_thread(picture_bytes, address, hosts, flow_host)
            return await self.writer.analyze(data=data)

    def _absorbing(self, entries: Mapping[Order, Entry], moment: Moment) -> dict[str, Entry]:
        """Return an entry for each keeper whose fields change by merging."""
        merges: dict[str, list[Order]] = defaultdict(list)
        for order in entries:
            if order.decision == "merge":
                merges[order.keeper_id].append(order)
        assert self.config.policies is not None, "orders come from policies"  # noqa: S101
        keepers = {}
        for keeper_id, orders in merges.items():
            keeper, first = moment.documents[keeper_id], orders[0]
            rules = {
                name: rule
                for order in orders
                for name, rule in self.config.policies.by_class(order.duplicates).merge_fields.items()
            }
            values = merged(keeper, [moment.documents[order.id] for order in orders], rules)
            entry = replace(entries[first], id=keeper_id, action=ABSORB, keeper_id="", before=dict(keeper))
            entry = replace(entry, fingerprint=first.keeper_fingerprint, analysis=None, file=None, set=values)
            keepers[keeper_id] = replace(entry, partners=tuple(order.id for order in orders))
        return {keeper_id: entry for keeper_id, entry in keepers.items() if entry.set}

    async def _send(
        self, entries: Mapping[Order, Entry], keepers: Mapping[str, Entry], moment: Moment
    ) -> dict[Order, Outcome]:
        """Send the writes; a merge only after its keeper has taken in the fields."""
        failed: dict[str, tuple[str, str]] = {}
        absorbing = {order.keeper_id for order in entries if order.decision == "merge"}
        for keeper_id, entry in keepers.items():
            if keeper_id not in absorbing:
                continue
            outcome, reason = await self._one(entry, moment.documents[keeper_id]["_version_"])
            if outcome != "done":
                failed[keeper_id] = outcome, f"its keeper: {reason}"

        async def send(order: Order, entry: Entry) -> Outcome:
            if order.decision == "merge" and order.keeper_id in failed:
                return Outcome(order, *failed[order.keeper_id], now())
            return Outcome(order, *await self._one(entry, moment.documents[order.id]["_version_"]), now())

        outcomes = await asyncio.gather(*(send(order, entry) for order, entry in entries.items()))
        return {outcome.order: outcome for outcome in outcomes}

    async def _one(self, entry: Entry, version: int) -> tuple[str, str]:
        assert self.lease is not None, "nothing is written without a lease"  # noqa: S101
        self.lease.keep()
        try:
            if entry.action in DELETING:
                await self.writer.delete(entry.id, version)
            elif entry.set:
                await self.writer.set_fields(entry.id, version, entry.set)
        except ConflictError as error:
            return "conflict", str(error)
        except self.writer.reader.failure as error:
            return "failed", str(error)
        return "done", ""

    async def _look_again(
        self, entries: Mapping[Order, Entry], found: Mapping[Order, Outcome]
    ) -> dict[Order, Outcome]:
        """Say done of what is visible in the collection, whatever was answered to the write."""
        await self.writer.commit()
        ids = sorted({one for order in entries for one in (order.id, order.keeper_id) if one})
        deadline = asyncio.get_running_loop().time() + VISIBLE_WITHIN_S
        while True:
            documents = await self.writer.read(ids, ALL_FIELDS) if ids else {}
            unseen = {order for order, entry in entries.items() if not _is_visible(entry, documents)}
            awaited = {order for order in unseen if found[order].outcome == "done"}
            if not awaited or asyncio.get_running_loop().time() > deadline:
                break
            await asyncio.sleep(0.5)
        seen = {order: Outcome(order, "done", "", now()) for order in entries if order not in unseen}
        lost = {order: Outcome(order, "failed", UNSEEN, now()) for order in awaited}
        orphaned = {
            order: Outcome(order, "failed", ORPHANED, now())
            for order, entry in entries.items()
            if order in seen and entry.action in DELETING and order.keeper_id not in documents
        }
        return seen | lost | orphaned

    def _bury(self, deleted: Sequence[tuple[Order, Entry]], suffix: str) -> dict[Order, Outcome]:
        """Write tombstones and move the files of what was deleted; return where a file could not be moved."""
        gone = [(order, entry) for order, entry in deleted if entry.action in DELETING]
        stones = [
            Tombstone(order.id, order.fingerprint, order.keeper_id, self.run.run_id, order.reason, now())
            for order, _ in gone
        ]
        write_tombstones(self.run.lasting, f"{self.name}{suffix}", stones)
        left: dict[Order, Outcome] = {}
        for order, entry in gone:
            try:
                if entry.file:
                    move_away(entry.file)
            except (DedupeError, OSError) as error:
                left[order] = Outcome(
                    order, "failed", f"it was deleted, but its file was not: {error}", now()
                )
        return left


def _is_visible(entry: Entry, documents: Mapping[str, Document]) -> bool:
    """Whether the collection is as the entry wants it."""
    document = documents.get(entry.id)
    if entry.action in DELETING:
        return document is None
    return document is not None and not missing_from(document, entry.set)
