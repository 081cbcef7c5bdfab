"""The steps of a run that find duplicates, one after another and without Airflow."""

from __future__ import annotations

import asyncio

import pandas as pd

from include.dedupe.clustering.cluster import cluster
from include.dedupe.clustering.merge import merge
from include.dedupe.planning.plan import plan
from include.dedupe.planning.scope import Scope
from include.dedupe.reporting.report import report
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.scan import scan
from include.dedupe.tables import CLUSTERS, PAIRS
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


def assert_same_findings(run: RunDir, other: RunDir) -> None:
    for stage, name, schema in (("pairs", "pairs", PAIRS), ("clusters", "clusters", CLUSTERS)):
        pd.testing.assert_frame_equal(
            run.read_table(stage, name, schema), other.read_table(stage, name, schema)
        )
    for name in ("duplicates.csv", "clusters.csv", "graph.json"):
        assert run.storage.read(f"report/{name}") == other.storage.read(f"report/{name}")
