"""Settle: carries out what a person has said of documents that the gate held.

A document that is let in is no duplicate of what it was shown with, in this run and all later ones. What has
come into the collection since, the person has not seen: a document that looks like that stays held.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.clock import now
from include.dedupe.errors import ApprovalError, GateError
from include.dedupe.gating.analyze import read_analysis
from include.dedupe.gating.batch import let_in
from include.dedupe.gating.decide import Row
from include.dedupe.gating.index import gate_lease, open_work, read_rows, write_rows
from include.dedupe.gating.matches import ordered, said_so_far
from include.dedupe.gating.orphans import mark_of
from include.dedupe.gating.report import SETTLED, read_held, read_outcomes
from include.dedupe.gating.take import GatePlan, read_chunk, read_gate_plan
from include.dedupe.gating.work import DONE, Candidate, GateWork
from include.dedupe.rundir import RunDir
from include.dedupe.storage import Storage
from include.dedupe.verdicts import give_verdict

QUESTIONS = "ask/questions"


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is shown: documents that are held; ``digest`` tells it from other questions."""

    digest: str
    held: tuple[Row, ...]


def ask(run: RunDir) -> Question:
    """Return what there is to decide about, and keep it, so that an answer finds what it is about."""
    held = tuple(read_held(run))
    shown = [(row.id, row.matched_ids) for row in held]
    digest = hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]
    write_rows(run, f"{QUESTIONS}/{digest}.json", held)
    return Question(digest, held)


def read_question(run: RunDir, digest: str) -> Question:
    """Return what a person was shown.

    Raises:
        ApprovalError: nobody was ever shown that.
    """
    name = f"{QUESTIONS}/{digest}.json"
    if not run.storage.exists(name):
        raise ApprovalError(f"{run.address} has never asked the question {digest!r}.")
    return Question(digest, tuple(read_rows(run, name)))


async def settle(
    writer: FlowWriter,
    run: RunDir,
    question: Question,
    by: str,
    *,
    let: Collection[str] = (),
    reject: Collection[str] = (),
) -> dict[str, int]:
    """Let in or reject documents that are held; the others stay so. Return the counts of outcomes.

    What an earlier try has done already stays as it is.

    Args:
        writer: the collection.
        run: the run that holds them.
        question: what the person was shown.
        by: who says so.
        let: ids of those that are to be let in.
        reject: ids of those that are not.

    Raises:
        GateError: one of them is none of the question, or is named twice.
        LeaseError: somebody else writes to the collection; a retry may help.
    """
    shown = {row.id: row for row in question.held}
    if wrong := sorted({*let, *reject} - shown.keys()) or sorted({*let} & {*reject}):
        raise GateError(f"{wrong[0]!r} is not held by {run.address}, or is named twice.")
    held = {row.id for row in read_held(run)}
    rejected = [_rejected(shown[name], by) for name in reject if name in held]
    _keep(run, rejected)
    wanted = [shown[name] for name in shown if name in held and name in let]
    if wanted:
        plan = read_gate_plan(run)
        with gate_lease(run, plan) as lease:
            _remember(run.lasting, wanted, by)
            work = open_work(writer, run, plan, lease, is_settled=True)
            for first in range(0, len(wanted), plan.gate.batch_documents):
                await _let(work, first, wanted[first : first + plan.gate.batch_documents])
    return dict(Counter(row.outcome for row in read_outcomes(run) if row.id in {*let, *reject}))


def _rejected(row: Row, by: str) -> Row:
    return replace(row, outcome=DONE["reject"], reason=f"{row.reason}; {by} has rejected it", at=now())


def _remember(lasting: Storage, rows: Sequence[Row], by: str) -> None:
    """Say that the documents are no duplicates of what they were shown with, unless that was said."""
    known = said_so_far(lasting).not_duplicates
    for row in rows:
        for match in row.matched_ids:
            if ordered(row.id, match) not in known:
                give_verdict(lasting, "not_duplicate", (row.id, match), by, "let in at the gate")


async def _let(work: GateWork, first: int, rows: Sequence[Row]) -> None:
    candidates = list(_candidates(work.run, work.plan, {row.number for row in rows}))
    done = await let_in(work, f"{work.run.folder}-settle-{first:06}", candidates)
    _keep(work.run, done)


def _candidates(run: RunDir, plan: GatePlan, numbers: Collection[int]) -> Sequence[Candidate]:
    mark = mark_of(run)
    return [
        Candidate(one, read_analysis(run, chunk, one.number), mark)
        for chunk in plan.chunks
        for one in read_chunk(run, chunk)
        if one.number in numbers
    ]


def _keep(run: RunDir, rows: Sequence[Row]) -> None:
    if rows:
        write_rows(run, f"{SETTLED}/{now().replace(':', '-')}.json", rows)
