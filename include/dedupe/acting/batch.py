"""Batch: a few documents that are read, judged, archived, changed and looked at again together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from include.dedupe.acting.absorbing import absorbing, given_back, stored
from include.dedupe.acting.archive import Entry, Tombstone, write_entries, write_tombstones
from include.dedupe.acting.judge import Moment
from include.dedupe.acting.lease import Lease, require_not_stopped
from include.dedupe.acting.looking import Looking, is_visible
from include.dedupe.acting.outcome import Objection, Outcome
from include.dedupe.acting.quarantine import changed_since, move_away, plan_move
from include.dedupe.acting.replacing import note_of, plan_link, put_link, take_links_back
from include.dedupe.acting.seeing import UNSEEN, see
from include.dedupe.acting.writer import ConflictError, FlowWriter
from include.dedupe.clock import now
from include.dedupe.deciding.changes import Order, changes, missing_from
from include.dedupe.deciding.refused import keep_refusals
from include.dedupe.errors import DedupeError
from include.dedupe.flow import Document
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.verdicts import read_verdicts, standing_verdicts

WRITES_AT_ONCE = 4
"""So few that none waits for its turn between the last judgement and its write."""
UNARCHIVED = "it cannot be archived so that it could be restored"
ORPHANED = "it was deleted, and at the same moment somebody else removed its keeper; restore it"
KEEPS = "it stays, but its keeper has its fields and could not give them back: restore the keeper"


@dataclass(slots=True)
class Batch:
    """The orders of one batch. Without a lease it judges and writes nothing.

    ``stands`` says of an order why it does not stand any more at this moment; empty if it does.
    """

    writer: FlowWriter
    run: RunDir
    config: CollectionConfig
    name: str
    earlier: dict[str, list[Entry]]
    lease: Lease | None
    stands: Callable[[Order], str]
    looking: Looking = field(init=False)
    ended: Exception | None = None

    def __post_init__(self) -> None:
        overruled = standing_verdicts(read_verdicts(self.run.lasting)).overruled
        self.looking = Looking(self.writer, self.config, self.earlier, overruled)

    async def carry_out(self, orders: Sequence[Order]) -> list[Outcome]:
        """Return what became of each order, in their order.

        An order that meets a document that changes at this very moment is judged and tried once more; so is
        one that was begun before an interruption, whose request may have been on its way until now.

        Raises:
            StoppedError: a person has stopped all writing.
            LeaseError: somebody else has taken over.
        """
        begun = {name for name, entries in self.earlier.items() if entries[-1].action in DELETING}
        found = await self._try(orders, "")
        again = [
            order
            for order, one in found.items()
            if one.outcome == "conflict" or (one.outcome == "skipped" and order.id in begun)
        ]
        if again:
            await self.writer.commit()
            found |= await self._try(again, "-again")
        outcomes = [found[order] for order in orders]
        refused = (one.refusal(self.run.run_id) for one in outcomes)
        keep_refusals(self.run, [one for one in refused if one is not None])
        return [replace(one, outcome="skipped") if one.outcome == "conflict" else one for one in outcomes]

    async def _try(self, orders: Sequence[Order], suffix: str) -> dict[Order, Outcome]:
        moment = await self.looking.moment(orders)
        found: dict[Order, Outcome] = {}
        resumed = [(order, was) for order in orders if (was := moment.was_done(order))]
        for order, _ in resumed:
            found[order] = Outcome(order, "done", "done before the interruption", now())
        if self.lease:
            found |= self._bury(resumed, f"{suffix}-resumed")
        left = [order for order in orders if order not in found]
        objections = await asyncio.gather(*(self.looking.objection(order, moment) for order in left))
        for order, objection in zip(left, objections, strict=True):
            if objection:
                found[order] = Outcome.of(order, objection)
        going = [order for order in left if order not in found]
        if self.lease is None:
            return found | {order: Outcome(order, "planned", order.reason, now()) for order in going}
        found |= await self._write(going, moment, suffix)
        if self.ended:
            raise self.ended
        return found

    async def _write(self, orders: Sequence[Order], moment: Moment, suffix: str) -> dict[Order, Outcome]:
        entries, found = await self._entries(orders, moment)
        if not entries:
            return found
        keepers = absorbing(entries, moment.documents, self.config)
        self._archive([*keepers.values(), *entries.values()], suffix)
        assert self.lease is not None, "nothing is written without a lease"  # noqa: S101
        self.lease.require()
        late = await self._late_objections(entries, moment)
        found |= late
        going = {order: entry for order, entry in entries.items() if order not in late}
        sent, written = await self._send(going, keepers, moment)
        tried = {order: entry for order, entry in going.items() if sent[order].outcome in ("done", "failed")}
        seen = await self._look_again(tried, sent)
        found |= sent | seen
        found |= await take_links_back(going, found)
        gone = [one for one in tried.items() if "done" in (sent[one[0]].outcome, found[one[0]].outcome)]
        found |= await self._give_back(written, going, [order for order, _ in gone], moment, suffix)
        return found | self._bury(gone, suffix)

    async def _entries(
        self, orders: Sequence[Order], moment: Moment
    ) -> tuple[dict[Order, Entry], dict[Order, Outcome]]:
        """Return what the archive has to hold of each order, and those that it cannot hold."""
        entries: dict[Order, Entry] = {}
        found: dict[Order, Outcome] = {}
        for order in orders:
            try:
                entries[order] = await asyncio.to_thread(self._entry, order, moment.documents[order.id])
            except (DedupeError, OSError, ValueError) as error:
                found[order] = Outcome(order, "skipped", f"{UNARCHIVED}: {error}", now())
        return entries, found

    def _archive(self, entries: Sequence[Entry], suffix: str) -> None:
        write_entries(self.run, f"{self.name}{suffix}", entries)
        for entry in entries:
            self.earlier.setdefault(entry.id, []).append(entry)

    async def _late_objections(self, entries: Mapping[Order, Entry], moment: Moment) -> dict[Order, Outcome]:
        """Look at the keepers once more: archiving may have taken minutes, and no write locks them."""
        late = await self.looking.late_moment(list(entries), moment)
        objections = {order: late.objection_to_keeper(order) for order in entries}
        return {order: Outcome.of(order, Objection(why)) for order, why in objections.items() if why}

    def _entry(self, order: Order, document: Document) -> Entry:
        """Return what the archive has to hold before this order is carried out."""
        entry = Entry(
            run_id=self.run.run_id,
            id=order.id,
            action=order.decision,
            cluster_id=order.cluster_id,
            keeper_id=order.keeper_id,
            fingerprint=order.fingerprint,
            at=now(),
            before=stored(document),
        )
        quarantine = self.config.quarantine
        if order.decision not in DELETING:
            entry = replace(entry, set=changes(order, document, self.config, entry.at[:19] + "Z"))
            if order.decision == "replace" and quarantine:
                entry = replace(entry, file=plan_link(order, self.run.folder, quarantine))
            return entry
        seen, move = self.looking.seen[order], plan_move(order.id, self.run.folder, quarantine)
        return replace(entry, analysis=seen.analysis, sketch=seen.sketch, file=move)

    async def _send(
        self, entries: Mapping[Order, Entry], keepers: Mapping[str, Entry], moment: Moment
    ) -> tuple[dict[Order, Outcome], dict[str, Entry]]:
        """Send the writes, each judged again at the last moment; a merge only after its keeper's.

        Returns:
            what became of each order, and those of ``keepers`` that were written.
        """
        failed: dict[str, tuple[str, str]] = {}
        merges = [order for order in entries if order.decision == "merge"]
        absorbed = {order.keeper_id for order in merges if not self._late(order)}
        written: dict[str, Entry] = {}
        for keeper_id, entry in keepers.items():
            if keeper_id in absorbed:
                outcome, reason = await self._one(entry, moment.documents[keeper_id]["_version_"])
                if outcome == "done":
                    written[keeper_id] = entry
                else:
                    failed[keeper_id] = outcome, f"its keeper: {reason}"
        slots = asyncio.Semaphore(WRITES_AT_ONCE)

        async def send(order: Order, entry: Entry) -> Outcome:
            async with slots:
                if order.decision == "merge" and order.keeper_id in failed:
                    return Outcome(order, *failed[order.keeper_id], now())
                changed = await self.looking.change(order, moment)
                if not changed and entry.action in DELETING:
                    files = entry.file, order.id, self.run.folder, self.config.quarantine
                    changed = await asyncio.to_thread(changed_since, *files)
                if late := changed or self._late(order):
                    return Outcome(order, "skipped", late, now())
                if order.decision == "replace" and (reason := await put_link(entry.file)):
                    return Outcome(order, "skipped", reason, now())
                return Outcome(order, *await self._one(entry, moment.documents[order.id]["_version_"]), now())

        outcomes = await asyncio.gather(*(send(order, entry) for order, entry in entries.items()))
        return {outcome.order: outcome for outcome in outcomes}, written

    def _late(self, order: Order) -> str:
        """Return what a person or a newer run has said by now; the whole batch ends where that is to stop."""
        assert self.lease is not None, "nothing is written without a lease"  # noqa: S101
        if self.ended is None:
            try:
                require_not_stopped(self.lease.place)
                self.lease.keep()
            except DedupeError as error:
                self.ended = error
        return str(self.ended) if self.ended else self.stands(order)

    async def _one(self, entry: Entry, version: int) -> tuple[str, str]:
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

    async def _give_back(
        self,
        keepers: Mapping[str, Entry],
        going: Mapping[Order, Entry],
        gone: Sequence[Order],
        moment: Moment,
        suffix: str,
    ) -> dict[Order, Outcome]:
        """Take out of the keepers what came from documents that stay; return where that failed.

        A document that is not there any more has gone, whoever removed it: perhaps a try that was killed,
        whose request arrived late.
        """
        found: dict[Order, Outcome] = {}
        now_there = await self.looking.read(sorted({*keepers, *(one.id for one in going)}))
        for keeper_id, entry in keepers.items():
            orders = [one for one in going if one.decision == "merge" and one.keeper_id == keeper_id]
            went = [one for one in orders if one in gone or one.id not in now_there]
            back = given_back(entry, orders, went, moment.documents, self.config)
            keeper = now_there.get(keeper_id)
            if back is None or keeper is None or missing_from(keeper, entry.set):
                continue  # it has not taken them in, or somebody has changed them since
            self._archive([back], f"{suffix}-back")
            outcome, reason = await self._one(back, int(keeper["_version_"]))
            if outcome != "done":
                told = f"{KEEPS}: {reason}"
                found |= {one: Outcome(one, "failed", told, now()) for one in orders if one not in gone}
        return found

    async def _look_again(
        self, entries: Mapping[Order, Entry], found: Mapping[Order, Outcome]
    ) -> dict[Order, Outcome]:
        """Say done of what is visible in the collection, whatever was answered to the write."""
        ids = sorted({one for order in entries for one in (order.id, order.keeper_id) if one})
        sent = {order: entry for order, entry in entries.items() if found[order].outcome == "done"}

        def are_visible(documents: Mapping[str, Document]) -> bool:
            return all(is_visible(entry, documents) for entry in sent.values())

        documents = await see(self.writer, ids, are_visible, self.looking.fields)
        unseen = {order for order, entry in entries.items() if not is_visible(entry, documents)}
        awaited = unseen & sent.keys()
        visible = {order: entry for order, entry in entries.items() if order not in unseen}
        seen = {order: Outcome(order, "done", note_of(entry), now()) for order, entry in visible.items()}
        lost = {order: Outcome(order, "failed", UNSEEN, now()) for order in awaited}
        orphaned = {
            order: Outcome(order, "failed", ORPHANED, now())
            for order, entry in visible.items()
            if entry.action in DELETING and order.keeper_id not in documents
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
                told = f"it was deleted, but its file was not: {error}"
                left[order] = Outcome(order, "failed", told, now())
        return left
