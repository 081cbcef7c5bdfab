"""Settle: carries out what a person has said of documents that the gate held.

A document that is let in is no duplicate of what it was shown with, in this run and all later ones. What has
come into the collection since, the person has not seen: a document that looks like that stays held.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.clock import now
from include.dedupe.errors import ApprovalError, GateError
from include.dedupe.gating.analyze import read_analysis
from include.dedupe.gating.batch import let_in
from include.dedupe.gating.decide import Row
from include.dedupe.gating.index import gate_lease, open_work, write_rows
from include.dedupe.gating.orphans import mark_of
from include.dedupe.gating.report import SETTLED, read_held
from include.dedupe.gating.take import GatePlan, read_chunk, read_gate_plan
from include.dedupe.gating.work import DONE, Candidate, GateWork
from include.dedupe.rundir import RunDir, Storage
from include.dedupe.verdicts import give_verdict


def held_digest(held: Sequence[Row]) -> str:
    """Return what tells these held documents, with what they look like, from any others."""
    shown = [(row.id, row.matched_ids) for row in held]
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]


async def settle(
    writer: FlowWriter, run: RunDir, by: str, *, let: Collection[str], reject: Collection[str], shown: str
) -> dict[str, int]:
    """Let in or reject documents that are held; the others stay so. Return the counts of outcomes.

    Args:
        writer: the collection.
        run: the run that holds them.
        by: who says so.
        let: ids of those that are to be let in.
        reject: ids of those that are not.
        shown: the digest of what the person was shown.

    Raises:
        ApprovalError: the person was shown something else.
        GateError: one of them is not held, or is named twice.
        LeaseError: somebody else writes to the collection; a retry may help.
    """
    held, plan = read_held(run), read_gate_plan(run)
    if shown != held_digest(held):
        raise ApprovalError(f"{run.address} holds other documents than those that the answer is about.")
    if unknown := sorted({*let, *reject} - {row.id for row in held}) or sorted({*let} & {*reject}):
        raise GateError(f"{unknown[0]!r} is not held by {run.address}, or is named twice.")
    why = f"{by} has rejected it"
    rejected = [
        replace(row, outcome=DONE["reject"], reason=f"{row.reason}; {why}", at=now())
        for row in held
        if row.id in reject
    ]
    _keep(run, rejected)
    wanted = [row for row in held if row.id in let]
    found: list[Row] = []
    if wanted:
        with gate_lease(run, plan) as lease:
            for row in wanted:
                _remember(run.lasting, row, by)
            work = open_work(writer, run, plan, lease, is_settled=True)
            for first in range(0, len(wanted), plan.gate.batch_documents):
                found += await _let(work, first, wanted[first : first + plan.gate.batch_documents])
    return dict(Counter(row.outcome for row in (*rejected, *found)))


def _remember(lasting: Storage, row: Row, by: str) -> None:
    """Say that the document is no duplicate of what it was shown with."""
    for match in row.matched_ids:
        give_verdict(lasting, "not_duplicate", (row.id, match), by, "let in at the gate")


async def _let(work: GateWork, first: int, rows: Sequence[Row]) -> list[Row]:
    candidates = list(_candidates(work.run, work.plan, {row.number for row in rows}))
    done = await let_in(work, f"{work.run.folder}-settle-{first:06}", candidates)
    _keep(work.run, done)
    return done


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
