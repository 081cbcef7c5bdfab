"""Batch: a few new documents that are let in together, so that no two of them are the same picture.

Flow compares only what is indexed. So the documents of a batch are added as pending, compared with the
collection and each other, and then released or removed. The archive has an entry of each before it is added;
a batch that was killed finds its own documents again, and the next run those of a run that never came back.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import replace

from include.dedupe.acting.gated import remember_indexed
from include.dedupe.acting.seeing import UNSEEN
from include.dedupe.acting.writer import ConflictError
from include.dedupe.flow import Document
from include.dedupe.gating.decide import FAILED, Row, failed_row
from include.dedupe.gating.flight import together
from include.dedupe.gating.judge import Judgement, judge
from include.dedupe.gating.matches import HubError, Match
from include.dedupe.gating.overwrite import overwrite, overwritten_before
from include.dedupe.gating.pending import add_pending
from include.dedupe.gating.work import STAYING, Candidate, GateWork, done_row

MEDDLED = "somebody else changed it while it was pending; it stays so until the next run of the gate"
Judged = Judgement | str
"""What is to become of a document, or why it cannot be compared."""


async def let_in(work: GateWork, name: str, candidates: Sequence[Candidate]) -> list[Row]:
    """Add, compare, and release or remove; return what became of each, in order."""
    resumed = [row for one in candidates if (row := await overwritten_before(work, one))]
    rows = {row.number: row for row in resumed}
    rows |= await add_pending(work, name, [one for one in candidates if one.number not in rows])
    compared = await compare(work, name, [one for one in candidates if one.number not in rows])
    rows |= {row.number: row for row in compared}
    return [rows[number] for number in sorted(rows)]


async def compare(
    work: GateWork,
    name: str,
    candidates: Sequence[Candidate],
    foretell: Callable[[Sequence[Row]], None] = lambda _: None,
) -> list[Row]:
    """Compare documents that are pending, and release or remove them.

    ``foretell`` is told what is to become of them before it does.
    """
    if not candidates:
        return []
    documents = await work.see([one.id for one in candidates], lambda seen: len(seen) == len(candidates))
    rows = {one.number: failed_row(one.incoming, UNSEEN) for one in candidates if one.id not in documents}
    judged = await _judge(work, [one for one in candidates if one.id in documents])
    foretell([_row(one, judgement) for one, judgement in judged])
    rows |= await _finish(work, name, judged, documents)
    return [rows[number] for number in sorted(rows)]


async def _judge(work: GateWork, candidates: Sequence[Candidate]) -> list[tuple[Candidate, Judged]]:
    """Judge one after the other: of those that are alike the first stays."""
    hits = await together(_hits(work, one) for one in candidates)
    staying: set[str] = set()
    judged: list[tuple[Candidate, Judged]] = []
    for one, found in zip(candidates, hits, strict=True):
        judged.append((one, its := _judge_one(work, one, found, staying)))
        if _stays(its):
            staying.add(one.id)
    return judged


def _judge_one(work: GateWork, one: Candidate, found: list[Match] | str, staying: Container[str]) -> Judged:
    """Judge one document; of what is pending only what is ``staying`` counts."""
    if isinstance(found, str):
        return found
    matches = [hit for hit in found if not work.pending(hit.fields) or hit.id in staying]
    kept = one.analysis
    grave = work.buried.of(one.id, kept.outputs, kept.sketch) if work.buried else None
    seen = work.links.get(one.id, ())
    linked = tuple(hit for hit in matches if hit.id in seen)
    others = [hit for hit in matches if hit not in linked]
    judged = judge(work.document(one), kept.measures, others, grave, work.plan.config)
    if not linked:
        return judged
    if judged.decision != "index":
        return replace(judged, matches=tuple(hit for hit in matches if hit.id != one.id))
    return Judgement("link", linked, linked[0].id, "a person has linked it to what it looks like")


async def _hits(work: GateWork, one: Candidate) -> list[Match] | str:
    try:
        return await work.search.by_id(one.id, one.mark)
    except work.writer.reader.failure as error:
        return f"Flow cannot search for it: {work.refusal(error)}"
    except HubError as error:
        return str(error)


async def _finish(
    work: GateWork,
    name: str,
    judged: Sequence[tuple[Candidate, Judged]],
    documents: Mapping[str, Document],
) -> dict[int, Row]:
    """Release what stays and remove the rest; what overwrites comes last, one after the other."""
    versions = {one.id: int(documents[one.id]["_version_"]) for one, _ in judged}
    rows = await _end_all(work, name, [pair for pair in judged if not _overwrites(pair[1])], versions)
    for one, _ in (pair for pair in judged if _overwrites(pair[1])):
        its = _judge_one(work, one, await _hits(work, one), frozenset())  # one before may have been alike
        rows |= await _end_all(work, name, [(one, its)], versions)
        if isinstance(its, Judgement) and _overwrites(its) and rows[one.number].outcome != FAILED:
            rows[one.number] = await overwrite(work, name, one, its)
    return rows


async def _end_all(
    work: GateWork, name: str, judged: Sequence[tuple[Candidate, Judged]], versions: Mapping[str, int]
) -> dict[int, Row]:
    """Release or remove, make that visible, and look whether it is."""
    work.lease.require()
    done = await together(_end(work, one, its, versions[one.id]) for one, its in judged)
    rows = {row.number: row for row in done}
    staying = [one for one, its in judged if _stays(its) and rows[one.number].outcome != FAILED]
    ids = [one.id for one in staying]
    seen = await work.see(ids, lambda found: len(_let_in(work, found)) == len(ids))
    released = _let_in(work, seen)
    remember_indexed(work.run, name, [seen[one.id] for one in staying if one.id in released])
    return rows | {one.number: failed_row(one.incoming, UNSEEN) for one in staying if one.id not in released}


async def _end(work: GateWork, one: Candidate, judged: Judged, version: int) -> Row:
    """Release or remove one pending document."""
    work.lease.keep()
    try:
        if isinstance(judged, Judgement) and judged.decision in STAYING:
            links = [match.id for match in judged.matches] if judged.decision == "link" else []
            more = {work.plan.gate.link_field: links} if links else {}
            await work.writer.replace(work.document(one, **more), version, one.analysis.outputs)
        else:
            await work.writer.delete(one.id, version)
    except ConflictError:
        return failed_row(one.incoming, MEDDLED)
    except work.writer.reader.failure as error:
        return failed_row(one.incoming, f"Flow refuses it: {work.refusal(error)}")
    return _row(one, judged)


def _row(one: Candidate, judged: Judged) -> Row:
    return failed_row(one.incoming, judged) if isinstance(judged, str) else done_row(one, judged)


def _overwrites(judged: Judged) -> bool:
    return isinstance(judged, Judgement) and judged.decision == "overwrite"


def _stays(judged: Judged) -> bool:
    return isinstance(judged, Judgement) and judged.decision in STAYING


def _let_in(work: GateWork, documents: Mapping[str, Document]) -> set[str]:
    return {name for name, document in documents.items() if not work.pending(document)}
