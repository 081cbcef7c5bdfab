"""What was not scanned is an alert; the first run of a collection is no surge."""

from __future__ import annotations

import asyncio

from include.dedupe.clustering.cluster import cluster
from include.dedupe.clustering.merge import merge
from include.dedupe.planning.plan import plan
from include.dedupe.planning.scope import Scope
from include.dedupe.reporting.alerts import find_alerts
from include.dedupe.rundir import Attempt
from include.dedupe.scanning.coverage import measure_coverage
from include.dedupe.scanning.scan import scan
from tests.pipeline.conftest import Bench

FIRST = Attempt()


def test_a_partition_that_was_not_scanned_is_told(bench: Bench) -> None:
    config = bench.config(partitions={"by": "field", "field": "category"})
    made = asyncio.run(bench.ask(lambda flow: plan(flow, bench.run, FIRST, config, Scope())))
    for partition in made.partitions[1:]:
        asyncio.run(bench.ask(lambda flow, name=partition.name: scan(flow, bench.run, FIRST, name)))
    asyncio.run(bench.ask(lambda flow: merge(flow, bench.run, FIRST)))
    cluster(bench.run, FIRST)
    found = list(find_alerts(bench.run, made, measure_coverage(bench.run, made)))
    assert [one.kind for one in found] == ["coverage"]
    label = made.partitions[0].label
    assert "pictures, run manual__1: 6 of 9 documents were scanned" in found[0].text
    assert f"Partition {label} (3 documents) was not scanned." in found[0].text
