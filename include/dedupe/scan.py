"""Scan: each document of a partition is searched for duplicates; each hit becomes an edge."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import pandas as pd
import pyarrow as pa

from include.dedupe.errors import ScanFailedError
from include.dedupe.flow import Document, FlowReader
from include.dedupe.plan import Plan, read_plan
from include.dedupe.progress import Progress, show_progress
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.tables import DOCUMENTS, EDGES, FAILURES, HUBS


@dataclass(frozen=True, slots=True)
class ScanStats:
    """Counts of one partition: documents it held when its scan began, and what became of them."""

    partition: str
    expected: int
    scanned: int
    failed: int
    hubs: int
    edges: int
    seconds: float


@dataclass(slots=True)
class Found:
    """What the scan of a partition has found so far, as columns."""

    edges: list[tuple[str, str, float]] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    failures: list[tuple[str, str, bool]] = field(default_factory=list)
    hubs: list[tuple[str, int]] = field(default_factory=list)
    scanned: int = 0

    def note(self) -> str:
        return f"{len(self.edges)} hits, {len(self.failures)} errors"


async def scan(flow: FlowReader, run: RunDir, attempt: Attempt, partition_name: str) -> ScanStats:
    """Write the edges of one partition, sorted by query and match, and what failed.

    Raises:
        ScanFailedError: more queries failed than ``max_failed_share`` allows. The failures are written.
    """
    stage = run.stage(stage_name(partition_name), attempt)
    if finished := stage.finished():
        return ScanStats(**finished.result)
    plan = read_plan(run)
    partition = plan.partition(partition_name)
    began = time.monotonic()
    found, expected = Found(), 0
    image = plan.config.fields.image
    with show_progress(f"scan {partition.label}", partition.expected, "documents") as progress:
        async for page in flow.iterate(fq=(*plan.fq, *partition.fq), fl=("id", image)):
            expected = expected or page.num_found
            await _scan_documents(flow, plan, page.docs, found, progress)
            if len(found.failures) > plan.config.scan.max_failed_share * expected:
                stage.write_table("failures", _frame(found.failures, FAILURES), FAILURES)
                raise ScanFailedError(_describe(found.failures, partition.label, expected))
    stage.write_table("edges", _frame(sorted(found.edges), EDGES), EDGES)
    stage.write_table("documents", _frame(sorted(found.images.items()), DOCUMENTS), DOCUMENTS)
    stage.write_table("failures", _frame(sorted(found.failures), FAILURES), FAILURES)
    stage.write_table("hubs", _frame(sorted(found.hubs), HUBS), HUBS)
    stats = ScanStats(
        partition=partition_name,
        expected=expected,
        scanned=found.scanned,
        failed=len(found.failures),
        hubs=len(found.hubs),
        edges=len(found.edges),
        seconds=round(time.monotonic() - began, 3),
    )
    stage.finish(asdict(stats))
    return stats


def stage_name(partition_name: str) -> str:
    return f"edges/{partition_name}"


async def _scan_documents(
    flow: FlowReader, plan: Plan, documents: Sequence[Document], found: Found, progress: Progress
) -> None:
    waiting = iter(documents)

    async def work() -> None:
        for document in waiting:
            try:
                await _scan_document(flow, plan, document, found)
            except flow.failure as error:
                found.failures.append((document["id"], str(error), bool(getattr(error, "retryable", False))))
            progress.note(found.note())
            progress.advance()

    async with asyncio.TaskGroup() as group:
        for _ in range(plan.config.scan.in_flight):
            group.create_task(work())


async def _scan_document(flow: FlowReader, plan: Plan, document: Document, found: Found) -> None:
    settings, image = plan.config.scan, plan.config.fields.image
    query_id = document["id"]
    hits: list[Document] = []
    pages = flow.hits(
        query_id,
        fq=plan.search_fq,
        fl=("id", "score", image),
        threshold=settings.threshold,
        approximate=plan.effort.approximate,
        smartfilter=plan.effort.smartfilter,
        max_hits=settings.max_hits,
    )
    async for page in pages:
        hits.extend(page.docs)
        is_hub, num_found = page.has_more, page.num_found
    if is_hub:
        found.hubs.append((query_id, num_found))
    found.scanned += 1
    for hit in hits:
        found.edges.append((query_id, hit["id"], hit["score"]))
        found.images[hit["id"]] = str(hit.get(image, ""))
    if hits:
        found.images[query_id] = str(document.get(image, ""))


def _frame(rows: Sequence[tuple[object, ...]], schema: pa.Schema) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=schema.names)


def _describe(failures: Sequence[tuple[str, str, bool]], label: str, expected: int) -> str:
    first = failures[0]
    return (
        f"Partition {label}: {len(failures)} of {expected} queries failed, "
        f"first that of {first[0]!r}: {first[1]} "
        f"Retry when the cause is gone, or allow some failures with scan.max_failed_share."
    )
