"""Apply: carries out what is approved and still stands, batch by batch, and writes down what became of it.

Each batch reads its documents anew, archives those that it will change, writes, makes the writes visible and
looks whether they are there. Directly before each write it looks once more: at both pictures, at what people
have said, and whether a newer run has decided. The archive comes before the write and the outcomes after it;
so an apply that was killed and started again knows what it did, and neither repeats nor skips anything.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from include.dedupe.acting.allowed import require_allowed
from include.dedupe.acting.archive import Entry, read_entries, read_tombstones
from include.dedupe.acting.batch import Batch
from include.dedupe.acting.judge import GONE
from include.dedupe.acting.lease import Lease, hold_lease, meeting_place
from include.dedupe.acting.marker import require_claim
from include.dedupe.acting.outcome import Objection, Outcome
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.deciding.changes import Order
from include.dedupe.deciding.decide import current_decisions
from include.dedupe.deciding.decisions import CONDEMN, UNTAG, read_decisions, still_standing
from include.dedupe.deciding.guards import broken_guards, require_guards, scope_size
from include.dedupe.deciding.part import Part
from include.dedupe.deciding.supersede import DECIDED_ANEW, newest_decided, objection_of_newer
from include.dedupe.parquet import from_parquet, to_parquet
from include.dedupe.planning.plan import Plan, read_plan
from include.dedupe.progress import show_progress
from include.dedupe.rundir import Attempt, RunDir, Stage
from include.dedupe.scanning.coverage import measure_coverage
from include.dedupe.storage import filled
from include.dedupe.tables import ACTIONS, DECISIONS
from include.dedupe.verdicts import FOLDER as VERDICTS

PHASES = (UNTAG, "tag", CONDEMN, "link", "replace", "delete", "merge")
BATCH_SIZE = 100
BATCHES = "batches-g"
EVERYTHING = Part()
WITHDRAWN = "a verdict after the approval took it away"


@dataclass(frozen=True, slots=True)
class ApplyStats:
    """Decisions by outcome.

    ``unexpected``: those skipped ones that a person should know of: not because people or a newer run have
    said otherwise, nor because the document was gone already. ``open``: what a person has not approved.
    """

    done: int
    skipped: int
    failed: int
    planned: int
    review: int = 0
    unexpected: int = 0
    open: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether something was to be done, and nothing was."""
        return bool(self.skipped) and not (self.done or self.failed or self.planned or self.review)


async def apply(
    writer: FlowWriter,
    run: RunDir,
    attempt: Attempt,
    digest: str,
    approved_at: str,
    *,
    dry_run: bool,
    part: Part = EVERYTHING,
) -> ApplyStats:
    """Carry out the decisions of that hash, as far as they are approved and still stand.

    Args:
        writer: the collection.
        run: the run that decided.
        attempt: this execution.
        digest: the approved hash.
        approved_at: when it was approved (ISO).
        dry_run: judge everything, write nothing; what guards forbid is for the report to say then.
        part: which of the decisions are approved.

    Raises:
        ApprovalError: the run never made such decisions, or none of them is in the part.
        GuardError: they would delete more than the settings allow.
        CheckError: the collection has not proven that the actions can be undone.
        PlanError: deleted files cannot be moved into the quarantine.
        ClaimError: another storage writes to the collection.
        LeaseError: somebody else writes to the collection; a retry may help.
        StoppedError: a person has stopped all writing.
    """
    stage = run.stage("apply", attempt)
    if finished := stage.finished():
        return ApplyStats(**finished.result)
    plan = read_plan(run)
    part.require_some(read_decisions(run, digest))
    orders, left_open = _orders(run, attempt, plan, digest, part, dry_run=dry_run)
    if orders and not dry_run:
        await require_allowed(writer, run, plan)
    outcomes = await _Work(writer, run, attempt, plan, approved_at, dry_run).carry_out(orders)
    return _finish(stage, outcomes, left_open)


def _finish(stage: Stage, outcomes: Sequence[Outcome], left_open: int) -> ApplyStats:
    rows = [outcome.columns() for outcome in outcomes]
    stage.write_table("actions", pd.DataFrame(rows, columns=ACTIONS.names), ACTIONS)
    stats = _counted(outcomes, left_open)
    stage.finish(asdict(stats))
    return stats


def journals(run: RunDir) -> list[str]:
    """Return the folders, below ``apply``, of outcomes that were written down so far."""
    return [folder for folder in run.storage.folders("apply") if folder.startswith(BATCHES)]


def journal_folder(generation: int) -> str:
    return f"apply/{BATCHES}{generation}"


def _outcomes(values: Any) -> list[Outcome]:
    return [Outcome.from_json(value) for value in filled(values)]


def read_outcomes(run: RunDir) -> list[Outcome]:
    """Return all outcomes that were written down so far, also of an apply that did not end."""
    found = []
    for folder in journals(run):
        for name in run.storage.names(f"apply/{folder}"):
            found += run.storage.read_json(f"apply/{folder}/{name}", _outcomes)
    return found


@dataclass(slots=True)
class _Work:
    """One execution of apply."""

    writer: FlowWriter
    run: RunDir
    attempt: Attempt
    plan: Plan
    approved_at: str
    dry_run: bool

    async def carry_out(self, orders: list[Order]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        with ExitStack() as held:
            lease = None if self.dry_run else held.enter_context(self._lease())
            progress = held.enter_context(show_progress("apply", len(orders), "decisions"))
            earlier = self._earlier()
            stands = self._always_asked(orders)
            for number, batch in enumerate(in_batches(orders)):
                if lease:
                    lease.require()
                    await require_claim(self.writer, lease.place, self.plan.config)
                outcomes += await self._one_batch(number, batch, stands, earlier, lease)
                progress.advance(len(batch))
        return outcomes

    def _earlier(self) -> dict[str, list[Entry]]:
        """Return what this run has archived before, without what others have deleted since."""
        earlier: dict[str, list[Entry]] = defaultdict(list)
        for entry in read_entries(self.run.lasting, self.run.folder):
            earlier[entry.id].append(entry)
        stones = read_tombstones(self.run.lasting) if earlier else {}
        by_others = {name for name, stone in stones.items() if stone.run_id != self.run.run_id}
        return {
            name: entries
            for name, entries in earlier.items()
            if name not in by_others or not stones[name].is_after(entries[-1])
        }

    def _lease(self) -> AbstractContextManager[Lease]:
        place = meeting_place(self.run.lasting, self.plan.config)
        return hold_lease(place, f"Run {self.run.run_id} of {self.run.collection}", takes_over=True)

    async def _one_batch(
        self,
        number: int,
        orders: list[Order],
        stands: Callable[[Order], str],
        earlier: dict[str, list[Entry]],
        lease: Lease | None,
    ) -> list[Outcome]:
        journal = f"{journal_folder(self.attempt.generation)}/{number:06}.json"
        if self.run.storage.exists(journal):
            known = self.run.storage.read_json(journal, _outcomes)
            if [outcome.order for outcome in known] == orders:
                return known
        objections = {order: stands(order) for order in orders}
        batch = Batch(
            writer=self.writer,
            run=self.run,
            config=self.plan.config,
            name=f"{self.run.folder}-{self.attempt.label}-{number:06}",
            earlier=earlier,
            lease=lease,
            stands=stands,
        )
        standing = [order for order in orders if not objections[order]]
        done = {outcome.order: outcome for outcome in await batch.carry_out(standing)}
        outcomes = [done.get(order) or Outcome.of(order, Objection(objections[order])) for order in orders]
        if lease:
            text = json.dumps([asdict(outcome) for outcome in outcomes], ensure_ascii=False)
            self.run.storage.write(journal, text.encode())
        return outcomes

    def _always_asked(self, orders: list[Order]) -> Callable[[Order], str]:
        """Return what says at any time whether an order stands then: what was said meanwhile counts."""
        heard: object = None
        stands: Callable[[Order], str] | None = None

        def objection(order: Order) -> str:
            nonlocal heard, stands
            said = self.run.lasting.names(VERDICTS), newest_decided(self.run, self.plan)
            if stands is None or said != heard:
                heard, stands = said, self._stands(orders)
            return stands(order)

        return objection

    def _stands(self, orders: list[Order]) -> Callable[[Order], str]:
        """Return what says of an order why it does not stand any more; empty if it does."""
        newest = current_decisions(self.run)
        keys = set(zip(newest["id"], newest["decision"], newest["keeper_id"], strict=True))
        superseded = objection_of_newer(self.run, self.plan, orders, self.approved_at)

        def objection(order: Order) -> str:
            if (order.id, order.decision, order.keeper_id) not in keys:
                return WITHDRAWN
            return superseded(order)

        return objection


def in_batches(orders: list[Order]) -> Iterator[list[Order]]:
    """Yield the orders phase by phase, those of one keeper together."""
    ranked = sorted(orders, key=lambda one: (PHASES.index(one.decision), one.keeper_id, one.id))
    batch: list[Order] = []
    for order in ranked:
        is_new_phase = bool(batch) and batch[-1].decision != order.decision
        is_full = len(batch) >= BATCH_SIZE and batch[-1].keeper_id != order.keeper_id
        if is_new_phase or is_full:
            yield batch
            batch = []
        batch.append(order)
    if batch:
        yield batch


def _counted(outcomes: Sequence[Outcome], left_open: int) -> ApplyStats:
    counts = Counter(one.outcome for one in outcomes)
    unexpected = sum(one.outcome == "skipped" and not _is_expected(one.reason) for one in outcomes)
    return ApplyStats(
        done=counts["done"],
        skipped=counts["skipped"],
        failed=counts["failed"],
        planned=counts["planned"],
        review=counts["review"],
        unexpected=unexpected,
        open=left_open,
    )


def _is_expected(reason: str) -> bool:
    """Whether people, a newer run or somebody else have made an order needless."""
    return reason in (WITHDRAWN, GONE) or reason.endswith(DECIDED_ANEW)


def _orders(
    run: RunDir, attempt: Attempt, plan: Plan, digest: str, part: Part, *, dry_run: bool
) -> tuple[list[Order], int]:
    """Return what is approved and still stood when this generation of apply began; a retry keeps to it.

    And how much of what still stood is not in the part.
    """
    name = f"apply/orders-{digest}-g{attempt.generation}.parquet"
    if not run.storage.exists(name):
        standing = still_standing(read_decisions(run, digest), current_decisions(run))
        if not dry_run:
            approved, size = standing[part.fits(standing)], scope_size(run, plan)
            problems = broken_guards(approved, size, measure_coverage(run, plan), plan.config.guards)
            require_guards(problems, run.address)
        run.storage.write(name, to_parquet(standing, DECISIONS))
    frame = from_parquet(run.storage.read(name), DECISIONS, run.storage.path(name))
    fit = part.fits(frame)
    rows = frame.loc[fit, DECISIONS.names].itertuples(index=False, name=None)
    return [Order(*row) for row in rows], int((~fit).sum())
