"""What other thresholds would group is reckoned from pairs that a scan keeps below its own threshold."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from include.dedupe.clustering.cluster import cluster
from include.dedupe.clustering.facts import gather_facts
from include.dedupe.clustering.merge import merge
from include.dedupe.planning.plan import plan
from include.dedupe.planning.scope import Scope
from include.dedupe.reporting.report import report
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.scan import scan
from tests.pipeline.conftest import Bench

FIRST = Attempt()


def reported(bench: Bench, name: str, threshold: float, floor: float) -> dict[str, Any]:
    run = RunDir(bench.run.lasting.root.rpartition("/")[0], "pictures", name)
    config = bench.config(
        scan={"threshold": threshold, "exact_threshold": max(threshold, 0.95), "floor": floor},
        policies={"exact": {"do": "tag"}},
        report={"pictured_clusters": 0},
    )

    async def stages(flow: Any) -> None:
        made = await plan(flow, run, FIRST, config, Scope())
        for partition in made.partitions:
            await scan(flow, run, FIRST, partition.name)
        await merge(flow, run, FIRST)
        await gather_facts(flow, run, FIRST)

    asyncio.run(bench.ask(stages))
    cluster(run, FIRST)
    report(run, FIRST, bench.pictures())
    summary: dict[str, Any] = json.loads(run.storage.read("report/summary.json"))
    return summary


def at(summary: dict[str, Any], threshold: float) -> tuple[int, int]:
    point = next(one for one in summary["what_if"]["points"] if one["threshold"] == threshold)
    return point["clusters"], point["documents"]


def test_lower_thresholds_are_as_a_run_with_them_and_higher_ones_too(bench: Bench) -> None:
    bench.server.fault("shifted", handler="duplicate", shift=0.2)  # copies score 0.79, and less
    strict = reported(bench, "strict", 0.9, 0.6)
    loose = reported(bench, "loose", 0.6, 0.6)
    assert strict["what_if"]["points"][0]["threshold"] == 0.6
    assert at(strict, 0.6) == (loose["clusters"]["count"], loose["clusters"]["documents"])
    assert at(strict, 0.9) == (strict["clusters"]["count"], strict["clusters"]["documents"])
    assert (at(strict, 0.6), at(strict, 0.9)) == ((3, 7), (0, 0))
    assert strict["what_if"]["points"] == loose["what_if"]["points"]


def test_below_what_some_run_has_kept_nothing_is_said(bench: Bench) -> None:
    reported(bench, "shallow", 0.8, 0.8)
    deep = reported(bench, "deep", 0.9, 0.6)
    assert deep["what_if"]["points"][0]["threshold"] == 0.8
