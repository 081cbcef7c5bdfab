"""Overwrite: an existing document gets fields and picture of a new one. What it was is archived first."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from include.dedupe.acting.archive import Entry, write_entries
from include.dedupe.acting.gated import OVERWRITE, remember_indexed
from include.dedupe.acting.quarantine import move_away
from include.dedupe.acting.seeing import FIELDS, UNSEEN
from include.dedupe.acting.writer import ConflictError
from include.dedupe.clock import now
from include.dedupe.clustering.facts import protected_among
from include.dedupe.errors import DedupeError
from include.dedupe.flow import Document
from include.dedupe.gating.decide import Row, row_of
from include.dedupe.gating.judge import Judgement
from include.dedupe.gating.replaced import Replaced, keep_picture
from include.dedupe.gating.work import DONE, Candidate, GateWork, done_row


async def overwrite(work: GateWork, name: str, one: Candidate, judged: Judgement) -> Row:
    """Write a new document over the one that the judgement names; where that cannot be, it is held."""
    target = (await work.writer.read([judged.target], FIELDS)).get(judged.target)
    try:
        if target is None:
            raise DedupeError("it no longer exists")
        if judged.target in await protected_among(work.writer.reader, work.plan.config, [judged.target]):
            raise DedupeError("it is protected")
        entry = _entry(work, one, target, await keep_picture(work, one, judged, target))
        await _write(work, name, one, entry)
    except (DedupeError, OSError) as error:
        why = f"{judged.reason}; but {judged.target!r} is not overwritten: {error}"
        return row_of(one.incoming, Judgement("ask", judged.matches, judged.target, why), DONE["ask"])
    return done_row(one, replace(judged, reason=f"{judged.reason}{await _move_away(entry)}"))


async def overwritten_before(work: GateWork, one: Candidate) -> Row | None:
    """Return the row of a document that an earlier try of this run has written over another one."""
    for entry in work.earlier.get(one.id, ()):
        if entry.action != OVERWRITE:
            continue
        target = (await work.writer.read([entry.id], FIELDS)).get(entry.id)
        if target and _holds(target, entry.set):
            why = f"done before the interruption{await _move_away(entry)}"
            return done_row(one, Judgement("overwrite", target=entry.id, reason=why))
    return None


def _entry(work: GateWork, one: Candidate, target: Document, kept: Replaced) -> Entry:
    fields = {key: target[key] for key in work.plan.gate.keep_fields if key in target}
    return Entry(
        run_id=work.run.run_id,
        id=str(target["id"]),
        action=OVERWRITE,
        cluster_id="",
        keeper_id="",
        fingerprint="",
        at=now(),
        before=dict(target),
        analysis=kept.analysis,
        set={**fields, **work.document(one), "id": target["id"]},
        partners=(one.id,),
        file=kept.file,
        picture=kept.picture,
    )


async def _write(work: GateWork, name: str, one: Candidate, entry: Entry) -> None:
    write_entries(work.run, f"{name}-overwrite", [entry])
    work.lease.require()
    try:
        await work.writer.replace(entry.set, int(entry.before["_version_"]), one.analysis.outputs)
    except ConflictError as error:
        raise DedupeError("it changed at this moment") from error
    except work.writer.reader.failure as error:
        raise DedupeError(f"Flow refuses it: {work.refusal(error)}") from error
    found = await work.see([entry.id], lambda seen: _holds(seen.get(entry.id, {}), entry.set))
    if not _holds(found.get(entry.id, {}), entry.set):
        raise DedupeError(UNSEEN)
    remember_indexed(work.run, f"{name}-overwrite", [found[entry.id]])


async def _move_away(entry: Entry) -> str:
    """Move the replaced file of a library into the quarantine; return the problem, to be told of."""
    try:
        if entry.file:
            await asyncio.to_thread(move_away, entry.file)
    except (DedupeError, OSError) as error:
        return f"; but its file is where it was: {error}"
    return ""


def _holds(document: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    return all(document.get(key) == value for key, value in wanted.items())
