"""Scan: each document of a partition is searched for duplicates; each hit becomes an edge.

A scan that was interrupted goes on behind the last page that it finished; queries that failed are asked
again. At its end it looks for documents that came behind its back, and scans them too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass

from include.dedupe.errors import ScanFailedError, ScanRefusedError
from include.dedupe.flow import Document, FlowReader
from include.dedupe.planning.partitions import Partition
from include.dedupe.planning.pick import pick
from include.dedupe.planning.plan import Plan, read_plan
from include.dedupe.progress import Progress, show_progress
from include.dedupe.rundir import Attempt, RunDir, Stage
from include.dedupe.scanning.checkpoint import Checkpoint
from include.dedupe.scanning.found import Found, FoundPage
from include.dedupe.scanning.join import Joiner
from include.dedupe.scanning.listing import ahead, list_documents
from include.dedupe.scanning.outage import Outage
from include.dedupe.scanning.search import Searcher, document_fields
from include.dedupe.scanning.share import shared_limits


@dataclass(frozen=True, slots=True)
class ScanStats:
    """Counts of one partition: documents it held when its scan began, and what became of them.

    ``vanished`` were deleted before their turn came. ``skipped`` were not searched for: the run takes only
    some, or the server says that it has no picture of them. ``missing`` were counted by Flow, never listed.
    ``plan`` is the digest of the plan.
    """

    partition: str
    plan: str
    expected: int
    scanned: int
    failed: int
    vanished: int
    skipped: int
    missing: int
    hubs: int
    edges: int
    seconds: float


async def scan(flow: FlowReader, run: RunDir, attempt: Attempt, partition_name: str) -> ScanStats:
    """Write the edges of one partition, sorted by query and match, and what failed.

    Raises:
        ScanFailedError: more queries failed than ``max_failed_share`` allows; a retry asks them again.
        ScanRefusedError: the same, but Flow refuses them for good.
        OutageError: Flow does not answer; a retry goes on where this one stopped.
    """
    stage = run.stage(stage_name(partition_name), attempt)
    if finished := stage.finished():
        return ScanStats(**finished.result)
    plan = read_plan(run)
    partition = plan.partition(partition_name)
    checkpoint = Checkpoint(stage, plan.digest)
    done = checkpoint.total().listed
    with show_progress(f"scan {partition.label}", partition.wanted, "documents", done) as progress:
        async with shared_limits(flow, run.lasting, plan.config.scan):
            work = PartitionScan(flow, plan, partition, checkpoint, progress)
            await work.ask_failed_again()
            await work.read_pages()
            await work.scan_newcomers()
    return _finish(stage, partition, checkpoint, work.missing)


def stage_name(partition_name: str) -> str:
    return f"edges/{partition_name}"


class PartitionScan:
    """The scan of one partition, from where its checkpoint stands."""

    def __init__(
        self, flow: FlowReader, plan: Plan, partition: Partition, checkpoint: Checkpoint, progress: Progress
    ) -> None:
        self.missing = 0
        self._flow = flow
        self._plan = plan
        self._partition = partition
        self._fq = (*plan.fq, *partition.fq)
        self._checkpoint = checkpoint
        self._position = checkpoint.position
        self._progress = progress
        self._outage = Outage(flow, plan.config.scan.wait_hours * 3600)
        self._searcher = Searcher(flow, plan, self._outage, self._advance)
        self._is_first_few = plan.scope.limit is not None
        self._told = time.monotonic()
        self._total = checkpoint.total()

    async def ask_failed_again(self) -> None:
        """Search again for the documents whose queries failed in an earlier try, and for no others."""
        for index, part in enumerate(self._checkpoint.parts[: self._checkpoint.resumed_parts]):
            failures = self._checkpoint.read(index, "failures")
            again = list(failures["query_id"][failures["retryable"]]) if part.failed else []
            if again:
                documents = await self._flow.existing(again, document_fields(self._plan))
                found = await self._searcher.search(documents)
                found.vanished |= set(again) - {document["id"] for document in documents}
                self._checkpoint.amend(index, set(again), found)
                await self._save()

    async def read_pages(self) -> None:
        """Scan the partition page by page."""
        if self._position.is_listed:
            return
        async for page in self._search(self._position.cursor):
            if self._position.expected is None:
                self._position.expected = page.num_found
            self._checkpoint.add(page.found)
            self._position.cursor = page.cursor
            await self._save()
            if self._is_first_few and self._position.seen >= (self._partition.quota or 0):
                break
        self._position.expected = self._position.expected or 0
        self._position.is_listed = True
        self._position.in_order = len(self._checkpoint.parts)
        await self._save()

    def _search(self, cursor: str | None) -> AsyncIterator[FoundPage]:
        if self._partition.quota is not None:
            return self._searcher.pages(self._fq, cursor, self._choose)
        if self._flow.can_join and self._plan.config.scan.self_join:
            joiner = Joiner(self._flow, self._plan, self._outage, self._advance)
            return joiner.pages(self._fq, cursor)
        return self._searcher.pages(self._fq, cursor)

    def _choose(self, documents: Sequence[Document]) -> list[Document]:
        seen = self._position.seen
        self._position.seen += len(documents)
        return pick(documents, seen, self._partition, spread=not self._is_first_few)

    async def scan_newcomers(self) -> None:
        """Scan what the partition holds now and did not hold when its part of the list was read."""
        if self._partition.quota is not None:
            return
        in_order, end = self._position.in_order, len(self._checkpoint.parts)
        known = self._checkpoint.listed_ids(0, in_order)
        late = set(self._checkpoint.listed_ids(in_order, end))
        next_known = next(known, None)
        there = num_found = 0
        listing = list_documents(self._flow, self._outage, fq=self._fq, fl=("id",), page_size=1000)
        async for page in ahead(listing):
            new: list[str] = []
            for document in page.docs:
                while next_known is not None and next_known < document["id"]:
                    next_known = next(known, None)
                if document["id"] != next_known and document["id"] not in late:
                    new.append(document["id"])
            if new:
                documents = await self._flow.existing(new, document_fields(self._plan))
                self._checkpoint.add(await self._searcher.search(documents))
                await self._save()
            there, num_found = there + len(page.docs), page.num_found
        self.missing = max(0, num_found - there)

    async def _save(self) -> None:
        """Write the checkpoint, then fail if too much has failed."""
        now = time.monotonic()
        self._position.seconds += now - self._told
        self._told = now
        await asyncio.to_thread(self._checkpoint.save)
        self._total = self._checkpoint.total()
        settings, expected = self._plan.config.scan, self._position.expected or 0
        if self._total.failed > settings.max_failed_share * max(expected, 1):
            raise _failure(self._checkpoint, self._partition.label, expected)

    def _advance(self, found: Found, documents: int) -> None:
        hits, errors = self._total.edges + len(found.edges), self._total.failed + len(found.failures)
        self._progress.note(f"{hits} hits, {errors} errors")
        self._progress.advance(documents)


def _finish(stage: Stage, partition: Partition, checkpoint: Checkpoint, missing: int) -> ScanStats:
    total, position = checkpoint.total(), checkpoint.position
    expected = position.expected or 0
    unwanted = 0 if partition.quota is None else max(0, expected - total.listed)
    stats = ScanStats(
        partition=partition.name,
        plan=position.plan,
        expected=expected,
        scanned=total.listed - total.failed - total.vanished - total.unsearchable,
        failed=total.failed,
        vanished=total.vanished,
        skipped=total.unsearchable + unwanted,
        missing=missing,
        hubs=total.hubs,
        edges=total.edges,
        seconds=round(position.seconds, 3),
    )
    stage.parts.clear()
    stage.parts.update(checkpoint.names())
    stage.finish(asdict(stats))
    return stats


def _failure(checkpoint: Checkpoint, label: str, expected: int) -> Exception:
    failures = checkpoint.failures()
    first = next(failures.itertuples())
    told = (
        f"Partition {label}: {len(failures)} of {expected} queries failed, "
        f"first that of {first.query_id!r}: {first.cause} "
    )
    if failures["retryable"].any():
        return ScanFailedError(
            f"{told}Retry when the cause is gone, or allow some failures with scan.max_failed_share."
        )
    return ScanRefusedError(f"{told}A retry does not help; allow some failures with scan.max_failed_share.")
