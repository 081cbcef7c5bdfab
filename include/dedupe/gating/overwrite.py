"""Overwrite: an existing document gets fields and picture of a new one. What it was is archived first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from include.dedupe.acting.archive import Entry, write_entries
from include.dedupe.acting.gated import OVERWRITE, remember_indexed
from include.dedupe.acting.original import analyze_original
from include.dedupe.acting.writer import ConflictError
from include.dedupe.clock import now
from include.dedupe.clustering.facts import protected_among
from include.dedupe.errors import DedupeError
from include.dedupe.flow import Document
from include.dedupe.gating.decide import Row, row_of
from include.dedupe.gating.judge import Judgement
from include.dedupe.gating.work import ALL_FIELDS, DONE, UNSEEN, Candidate, GateWork, done_row


async def overwrite(work: GateWork, name: str, one: Candidate, judged: Judgement) -> Row:
    """Write a new document over the one that the judgement names; where that cannot be, it is held."""
    target = (await work.writer.read([judged.target], ALL_FIELDS)).get(judged.target)
    try:
        if target is None:
            raise DedupeError("it no longer exists")
        analysis = await _analysis(work, judged.target, target)
        await _write(work, name, one, target, analysis)
    except (DedupeError, OSError) as error:
        why = f"{judged.reason}; but {judged.target!r} is not overwritten: {error}"
        return row_of(one.incoming, Judgement("ask", judged.matches, judged.target, why), DONE["ask"])
    return done_row(one, judged)


async def overwritten_before(work: GateWork, one: Candidate) -> Row | None:
    """Return the row of a document that an earlier try of this run has written over another one."""
    for entry in work.earlier.get(one.id, ()):
        if entry.action != OVERWRITE:
            continue
        target = (await work.writer.read([entry.id], ALL_FIELDS)).get(entry.id)
        if target and _holds(target, entry.set):
            why = "done before the interruption"
            return done_row(one, Judgement("overwrite", target=entry.id, reason=why))
    return None


async def _analysis(work: GateWork, target_id: str, target: Document) -> Mapping[str, Any]:
    """Return what Flow says of the picture that is about to go, after making sure that it may go.

    Raises:
        DedupeError: it may not, or is not the picture that was compared.
        OSError: it cannot be read.
    """
    config = work.plan.config
    if target_id in await protected_among(work.writer.reader, config, [target_id]):
        raise DedupeError("it is protected")
    address = str(target.get(config.fields.image) or "")
    if not address:
        raise DedupeError("it has no address of a picture, so that it could not be restored")
    try:
        analysis = await analyze_original(work.writer, config, address)
    except work.writer.reader.failure as error:
        raise DedupeError(f"its picture cannot be archived: {work.refusal(error)}") from error
    if work.plan.by_analysis:
        hits = await work.search.by_analysis(target_id, analysis)
        if not any(hit.id == target_id and hit.score >= config.scan.exact_threshold for hit in hits):
            raise DedupeError("its picture is not the one that Flow knows of it")
    return analysis


async def _write(
    work: GateWork, name: str, one: Candidate, target: Document, analysis: Mapping[str, Any]
) -> None:
    kept = {key: target[key] for key in work.plan.gate.keep_fields if key in target}
    document = {**kept, **work.document(one), "id": target["id"]}
    entry = Entry(
        run_id=work.run.run_id,
        id=str(target["id"]),
        action=OVERWRITE,
        cluster_id="",
        keeper_id="",
        fingerprint="",
        at=now(),
        before=dict(target),
        analysis=analysis,
        set=document,
        partners=(one.id,),
    )
    write_entries(work.run, f"{name}-overwrite", [entry])
    work.lease.require()
    try:
        await work.writer.replace(document, int(target["_version_"]), one.analysis.outputs)
    except ConflictError as error:
        raise DedupeError("it changed at this moment") from error
    except work.writer.reader.failure as error:
        raise DedupeError(f"Flow refuses it: {work.refusal(error)}") from error
    found = await work.see([entry.id], lambda seen: _holds(seen.get(entry.id, {}), document))
    if not _holds(found.get(entry.id, {}), document):
        raise DedupeError(UNSEEN)
    remember_indexed(work.run, f"{name}-overwrite", [found[entry.id]])


def _holds(document: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(document.get(key) == value for key, value in wanted.items())
