"""The steps of a run that find duplicates, one after another and without Airflow."""

from __future__ import annotations

import asyncio

from include.dedupe.clustering.cluster import cluster
from include.dedupe.clustering.merge import merge
from include.dedupe.planning.plan import plan
from include.dedupe.planning.scope import Scope
from include.dedupe.reporting.report import report
from include.dedupe.rundir import Attempt
from include.dedupe.scanning.scan import scan
from tests.pipeline.conftest import Bench

FIRST = Attempt()


def whole_run(bench: Bench) -> None:
    settings = bench.config(partitions={"by": "field", "field": "category"})
    made = asyncio.run(bench.ask(lambda flow: plan(flow, bench.run, FIRST, settings, Scope())))
    for partition in made.partitions:
        asyncio.run(bench.ask(lambda flow, name=partition.name: scan(flow, bench.run, FIRST, name)))
    asyncio.run(bench.ask(lambda flow: merge(flow, bench.run, FIRST)))
    cluster(bench.run, FIRST)
    report(bench.run, FIRST, bench.pictures())
