"""Rehearsal: before a run scans, it makes sure that Flow searches as it should, and says what it costs."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import asdict, dataclass
from typing import Any

from include.dedupe.flow import FlowReader
from include.dedupe.planning.plan import Plan, read_plan
from include.dedupe.rundir import Attempt, RunDir, read_manifest
from include.dedupe.scanning.canary import check_search
from include.dedupe.scanning.join import Joiner
from include.dedupe.scanning.outage import Outage
from include.dedupe.scanning.search import Searcher, document_fields

log = logging.getLogger(__name__)
STAGE = "rehearsal"
SAMPLE = 64


@dataclass(frozen=True, slots=True)
class Cost:
    """``scans_per_s`` was measured in one task; ``hours`` is for one task after the other."""

    documents: int
    requests: int
    scans_per_s: float
    hours: float

    @property
    def label(self) -> str:
        return (
            f"{self.documents:,} documents, about {self.requests:,} requests, {self.scans_per_s:,.0f} "
            f"scans/s measured, about {self.hours:.2f} hours for one task after the other"
        )


async def rehearse(flow: FlowReader, run: RunDir, attempt: Attempt) -> Cost | None:
    """Check the search and write down what the run will cost; None if it scans nothing.

    Raises:
        PlanError: Flow does not search as it should.
    """
    stage, plan = run.stage(STAGE, attempt), read_plan(run)
    if not plan.documents:
        return None
    if finished := stage.finished():
        return Cost(**finished.result)
    await check_search(flow, plan)
    cost = await measure_cost(flow, plan)
    stage.finish(asdict(cost))
    return cost


def read_cost(run: RunDir) -> dict[str, Any]:
    """Return what was reckoned when the run began; empty if nothing was."""
    manifest = read_manifest(run.storage, STAGE)
    return manifest.result if manifest else {}


async def measure_cost(flow: FlowReader, plan: Plan) -> Cost:
    """Search for some documents of the run and reckon what all will take."""
    outage, settings = Outage(flow, 0.0), plan.config.scan
    by_pages = flow.can_join and settings.self_join and not plan.scope.is_part
    began = time.monotonic()
    if by_pages:
        joiner = Joiner(flow, plan, outage, lambda _, __: None)
        pages = joiner.pages(plan.fq, None)
        searched = 0
        async for page in pages:
            searched = len(page.found.listed)
            break
    else:
        sample = (await flow.select(fq=plan.fq, fl=document_fields(plan), rows=SAMPLE, sort="id asc")).docs
        searched = len((await Searcher(flow, plan, outage).search(sample)).listed)
    rate = searched / (time.monotonic() - began)
    pages_of_all = math.ceil(plan.documents / settings.page_documents)
    cost = Cost(
        documents=plan.documents,
        requests=2 * pages_of_all + (0 if by_pages else plan.documents),
        scans_per_s=round(rate, 1),
        hours=round(plan.documents / rate / 3600, 4) if rate else 0.0,
    )
    log.info("This run scans %s.", cost.label)
    return cost
