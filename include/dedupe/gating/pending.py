"""Pending: new documents are archived and added with a mark.

So Flow can compare them, and nobody takes them for let in. A document whose id is taken may be our own: of a
try that was killed, or indexed by it already.
"""

from __future__ import annotations

from collections.abc import Sequence

from include.dedupe.acting.archive import Entry, write_entries
from include.dedupe.acting.gated import INDEX
from include.dedupe.acting.seeing import FIELDS
from include.dedupe.acting.writer import ConflictError
from include.dedupe.clock import now
from include.dedupe.flow import Document
from include.dedupe.gating.check import OTHER_PICTURE
from include.dedupe.gating.decide import Row, failed_row
from include.dedupe.gating.flight import together
from include.dedupe.gating.judge import Judgement
from include.dedupe.gating.matches import Match
from include.dedupe.gating.work import Candidate, GateWork, done_row

TAKEN = "its id is taken"
VANISHED = "a document of its id came and went at this moment"


async def add_pending(work: GateWork, name: str, candidates: Sequence[Candidate]) -> dict[int, Row]:
    """Add the documents as pending; return by number the rows of those that this decides.

    Args:
        work: what indexing shares.
        name: of the batch, for its entries in the archive.
        candidates: the documents.
    """
    if not candidates:
        return {}
    write_entries(work.run, name, [_entry(work, one) for one in candidates])
    work.lease.require()
    found = await together(_add(work, one) for one in candidates)
    problems = [(one, problem) for one, problem in zip(candidates, found, strict=True) if problem]
    rows = {one.number: failed_row(one.incoming, why) for one, why in problems if why != TAKEN}
    taken = [one for one, why in problems if why == TAKEN]
    if taken:
        await work.writer.commit()
        known = await work.writer.read([one.id for one in taken], FIELDS)
        met = [await _met(work, one, known.get(one.id)) for one in taken]
        rows |= {row.number: row for row in met if row}
    return rows


def _entry(work: GateWork, one: Candidate) -> Entry:
    return Entry(
        run_id=work.run.run_id,
        id=one.id,
        action=INDEX,
        cluster_id="",
        keeper_id="",
        fingerprint="",
        at=now(),
        before={},
        set=work.document(one),
    )


async def _add(work: GateWork, one: Candidate) -> str:
    """Add one document; return the problem."""
    work.lease.keep()
    document = work.document(one, **{work.plan.gate.pending_field: one.mark})
    try:
        await work.writer.add(document, one.analysis.outputs)
    except ConflictError:
        return TAKEN
    except work.writer.reader.failure as error:
        return f"Flow refuses it: {work.refusal(error)}"
    return ""


async def _met(work: GateWork, one: Candidate, there: Document | None) -> Row | None:
    """Return what it means that a document of this id is there; None if it is our own pending one."""
    if there is None:
        return failed_row(one.incoming, VANISHED)
    if pending := work.pending(there):
        why = f"another run of the gate has left a document of this id pending: {pending}"
        return None if pending == one.mark else failed_row(one.incoming, why)
    is_alike = all(there.get(name) == value for name, value in work.document(one).items())
    if is_alike and any(entry.action == INDEX for entry in work.earlier.get(one.id, ())):
        return await _resumed(work, one, there)
    if work.plan.by_analysis:
        hits = await work.search.by_analysis(one.id, one.analysis.outputs)
        exact = work.plan.config.scan.exact_threshold
        is_alike = any(hit.id == one.id and hit.score >= exact for hit in hits)
    present = Judgement("present", target=one.id, reason="the document is in the collection")
    return done_row(one, present) if is_alike else failed_row(one.incoming, OTHER_PICTURE)


async def _resumed(work: GateWork, one: Candidate, there: Document) -> Row:
    """Return the row of a document that an earlier try of this run has let in."""
    links = [str(name) for name in there.get(work.plan.gate.link_field) or ()]
    hits = await work.search.by_id(one.id, one.mark) if links else []
    scores = {hit.id: hit.score for hit in hits}
    matches = tuple(Match(name, scores.get(name, 0.0), {}) for name in links)
    target = links[0] if links else ""
    judged = Judgement("link" if links else "index", matches, target, "done before the interruption")
    return done_row(one, judged)
