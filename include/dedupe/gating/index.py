"""Index: lets in what may be let in, batch by batch, under the lease of all that write to the collection.

What was decided before holds only if it still does: a new document is compared anew while it is pending, and
one that was to be rejected for a document that is gone meanwhile is compared too.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace

import pandas as pd

from include.dedupe.acting.archive import Entry, read_entries
from include.dedupe.acting.lease import Lease, hold_lease, meeting_place
from include.dedupe.acting.unreturned import require_no_loss
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.gating.analyze import read_analysis
from include.dedupe.gating.batch import let_in
from include.dedupe.gating.buried import read_buried
from include.dedupe.gating.decide import FAILED, Row, read_decided
from include.dedupe.gating.incoming import Incoming
from include.dedupe.gating.matches import Search, said_so_far
from include.dedupe.gating.orphans import mark_of, settle_orphans
from include.dedupe.gating.tables import GATED
from include.dedupe.gating.take import GatePlan, read_chunk, read_gate_plan
from include.dedupe.gating.work import DONE, Candidate, GateWork
from include.dedupe.progress import show_progress
from include.dedupe.rundir import Attempt, RunDir, Stage, read_manifest
from include.dedupe.storage import listed

STAGE, BATCHES = "index", "batches-g"
FINAL = ("reject", "ask", "present")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A decided document and the chunk that it came in."""

    chunk: str
    incoming: Incoming
    row: Row


async def index(writer: FlowWriter, run: RunDir, attempt: Attempt) -> dict[str, int]:
    """Carry out what was decided, as far as it still holds; return the counts of outcomes.

    A dry run carries out nothing: its outcomes are the decisions.

    Raises:
        LeaseError: somebody else writes to the collection; a retry may help.
        StoppedError: a person has stopped all writing.
        CheckError: documents would lose fields when they are overwritten.
    """
    stage = run.stage(STAGE, attempt)
    if finished := stage.finished():
        return finished.result
    plan = read_gate_plan(run)
    decided = list(_decided(run, plan))
    if plan.dry_run:
        return _write(stage, [one.row for one in decided])
    if plan.gate.overwrites:
        await require_no_loss(writer, plan.config)
    with gate_lease(run, plan) as lease:
        work = open_work(writer, run, plan, lease)
        await settle_orphans(work)
        rows: list[Row] = []
        with show_progress("index", len(decided), "documents") as progress:
            size = plan.gate.batch_documents
            for number, first in enumerate(range(0, len(decided), size)):
                batch = decided[first : first + size]
                rows += await _one_batch(work, attempt, number, batch)
                progress.advance(len(batch))
    return _write(stage, rows)


def gate_lease(run: RunDir, plan: GatePlan) -> AbstractContextManager[Lease]:
    """Hold the lease of all that write to the collection."""
    place = meeting_place(run.lasting, plan.config)
    return hold_lease(place, f"Gate run {run.run_id} of {run.collection}", takes_over=True)


def open_work(
    writer: FlowWriter,
    run: RunDir,
    plan: GatePlan,
    lease: Lease,
    *,
    is_settled: bool = False,
    links: Mapping[str, Sequence[str]] | None = None,
) -> GateWork:
    """Return what indexing shares.

    ``is_settled``: a person has decided, so tombstones do not count. ``links`` as of the work.
    """
    earlier: dict[str, list[Entry]] = defaultdict(list)
    for entry in read_entries(run.lasting, run.folder):
        for name in entry.partners or (entry.id,):
            earlier[name].append(entry)
    return GateWork(
        writer=writer,
        run=run,
        plan=plan,
        search=Search(writer.reader, plan.config, plan.effort, said_so_far(run.lasting)),
        lease=lease,
        buried=None if is_settled else read_buried(run.lasting),
        earlier=earlier,
        links=links or {},
    )


def read_indexed(run: RunDir) -> list[Row]:
    """Return what became of each incoming document, in order; of a run that was killed, as far as it came."""
    if read_manifest(run.storage, STAGE) is None:
        return [row for name in _journals(run) for row in read_rows(run, name)]
    frame = run.read_table(STAGE, "gated", GATED)
    return [Row.from_columns(row) for row in frame.itertuples(index=False, name=None)]


def _journals(run: RunDir) -> list[str]:
    """Return the journals of the newest try that has finished a batch, in order."""
    tries = [
        int(name.removeprefix(BATCHES)) for name in run.storage.folders(STAGE) if name.startswith(BATCHES)
    ]
    folder = f"{STAGE}/{BATCHES}{max(tries)}" if tries else ""
    return [f"{folder}/{name}" for name in run.storage.names(folder)] if folder else []


async def _one_batch(work: GateWork, attempt: Attempt, number: int, batch: Sequence[Waiting]) -> list[Row]:
    journal = f"{STAGE}/{BATCHES}{attempt.generation}/{number:06}.json"
    if work.run.storage.exists(journal):
        return read_rows(work.run, journal)
    work.lease.require()
    final = await _final(work, batch)
    mark, run = mark_of(work.run), work.run
    candidates = [
        Candidate(one.incoming, read_analysis(run, one.chunk, one.incoming.number), mark)
        for one in batch
        if one.incoming.number not in final
    ]
    name = f"{run.folder}-{attempt.label}-{number:06}"
    found = final | {row.number: row for row in await let_in(work, name, candidates)}
    rows = [found[one.incoming.number] for one in batch]
    write_rows(run, journal, rows)
    return rows


async def _final(work: GateWork, batch: Sequence[Waiting]) -> dict[int, Row]:
    """Return the rows of those that are not to be let in, as far as what they look like is still there."""
    named = {one.row.match_id for one in batch if _rests_on_another(one.row)}
    there = {one["id"] for one in await work.writer.reader.existing(sorted(named))} if named else set()
    found: dict[int, Row] = {}
    for one in batch:
        row = one.row
        if row.outcome == FAILED:
            found[row.number] = row
        elif row.outcome in FINAL and (not _rests_on_another(row) or row.match_id in there):
            found[row.number] = replace(row, outcome=DONE[row.outcome])
    return found


def _rests_on_another(row: Row) -> bool:
    """Whether the decision holds only while the document that decided it is in the collection."""
    return row.outcome == "present" or (row.outcome in FINAL and row.match_id in row.matched_ids)


def _decided(run: RunDir, plan: GatePlan) -> Iterator[Waiting]:
    for chunk, rows in zip(plan.chunks, read_decided(run), strict=True):
        for incoming, row in zip(read_chunk(run, chunk), rows, strict=True):
            yield Waiting(chunk, incoming, row)


def _write(stage: Stage, rows: Sequence[Row]) -> dict[str, int]:
    frame = pd.DataFrame([row.columns() for row in rows], columns=GATED.names)
    stage.write_table("gated", frame, GATED)
    counts = dict(Counter(row.outcome for row in rows))
    stage.finish(counts)
    return counts


def read_rows(run: RunDir, name: str) -> list[Row]:
    """Return the rows of a journal."""
    return run.storage.read_json(name, lambda values: [Row.from_json(value) for value in listed(values)])


def write_rows(run: RunDir, name: str, rows: Sequence[Row]) -> None:
    run.storage.write(name, json.dumps([asdict(row) for row in rows], ensure_ascii=False).encode())
