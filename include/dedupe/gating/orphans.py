"""Orphans: pending documents that a run has left which was killed and never came back.

The next run decides of them as of its own: it has the lease, so nobody else is at work. What they were to be,
and their analysis, lie in the folder of the run that left them.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from include.dedupe.errors import ArtifactError
from include.dedupe.gating.analyze import read_analysis
from include.dedupe.gating.batch import compare
from include.dedupe.gating.decide import Row
from include.dedupe.gating.take import STAGE, read_chunk
from include.dedupe.gating.work import Candidate, GateWork
from include.dedupe.rundir import RunDir
from include.dedupe.storage import texts

log = logging.getLogger(__name__)
JOURNAL, UNKNOWN = "index/orphans", "index/unknown.json"


def mark_of(run: RunDir) -> str:
    """Return what the pending documents of a run have in their pending field."""
    return f"{run.collection}/{run.folder}"


async def settle_orphans(work: GateWork) -> None:
    """Release or remove what other runs have left pending; what becomes of it is written down before."""
    left: dict[str, list[str]] = defaultdict(list)
    pending = work.plan.gate.pending_field
    await work.writer.commit()
    pages = work.writer.reader.iterate(fq=(work.writer.reader.filters.with_any(pending),), fl=("id", pending))
    async for page in pages:
        for document in page.docs:
            left[work.pending(document)].append(str(document["id"]))
    left.pop(mark_of(work.run), None)
    unknown: list[str] = []
    for mark, ids in left.items():
        found = candidates_of(work.run, mark, set(ids))
        unknown += sorted(set(ids) - {one.id for one in found})
        size = work.plan.gate.batch_documents
        for first in range(0, len(found), size):
            await _settle(work, mark, first, found[first : first + size])
    work.run.storage.write(UNKNOWN, json.dumps(unknown, ensure_ascii=False).encode())


def read_unknown(run: RunDir) -> list[str]:
    """Return the ids of documents that are pending of a run which is not in this storage; they are left."""
    return run.storage.read_json(UNKNOWN, texts) if run.storage.exists(UNKNOWN) else []


def read_orphans(run: RunDir) -> dict[tuple[str, str], Row]:
    """Return what became of documents that other runs had left, by the mark of the run and their ids."""
    found: dict[tuple[str, str], Row] = {}
    for name in run.storage.names(JOURNAL):
        found |= run.storage.read_json(f"{JOURNAL}/{name}", _by_mark)
    return found


def _by_mark(value: Mapping[str, Any]) -> dict[tuple[str, str], Row]:
    return {(value["mark"], row["id"]): Row.from_json(row) for row in value["rows"]}


def keep_orphans(run: RunDir, mark: str, stage: str, rows: Sequence[Row]) -> None:
    """Write down what became of orphans of one mark; of two files about one the later name holds."""
    value = {"mark": mark, "rows": [asdict(row) for row in rows]}
    name = f"{JOURNAL}/{mark.replace('/', '-')}-{stage}.json"
    run.storage.write(name, json.dumps(value, ensure_ascii=False).encode())


async def _settle(work: GateWork, mark: str, first: int, candidates: Sequence[Candidate]) -> None:
    name = f"{mark.replace('/', '-')}-{first:06}"

    def foretell(rows: Sequence[Row]) -> None:
        keep_orphans(work.run, mark, f"{first:06}-1-foretold", rows)

    keep_orphans(work.run, mark, f"{first:06}-2-done", await compare(work, name, candidates, foretell))


def candidates_of(run: RunDir, mark: str, ids: Collection[str]) -> list[Candidate]:
    """Return those of ``ids`` of which the run with this mark knows what they were to be."""
    collection, _, folder = mark.rpartition("/")
    if not collection or not folder:
        return []
    other = run.beside(collection, folder)
    try:
        chunks: Mapping[str, object] = other.result(STAGE).parts
        known = [(chunk, one) for chunk in chunks if chunk.isdigit() for one in read_chunk(other, chunk)]
        wanted = [(chunk, one) for chunk, one in known if one.id in ids and not one.problem]
        return [Candidate(one, read_analysis(other, chunk, one.number), mark) for chunk, one in wanted]
    except ArtifactError as error:
        log.warning("%s", error)
        return []
