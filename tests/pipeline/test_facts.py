"""Facts are read and written some documents at a time."""

from __future__ import annotations

import asyncio
from typing import Any

import pandas as pd
import pytest

from include.dedupe.clustering import facts
from include.dedupe.clustering.facts import gather_facts
from include.dedupe.clustering.merge import merge
from include.dedupe.planning.plan import plan
from include.dedupe.planning.scope import Scope
from include.dedupe.rundir import Attempt
from include.dedupe.scanning.scan import scan
from include.dedupe.tables import FACTS, PAIRS
from tests.pipeline.conftest import Bench

FIRST, CLEARED = Attempt(), Attempt(generation=1)


@pytest.mark.parametrize("are_weak", [False, True])
def test_facts_in_parts_are_those_of_all(
    bench: Bench, are_weak: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, threshold = bench.run, 0.9 if are_weak else 0.6
    bench.server.fault("shifted", handler="duplicate", shift=0.2)  # copies score 0.79, and less
    config = bench.config(
        scan={"threshold": threshold, "exact_threshold": 0.95, "floor": 0.6},
        policies={"exact": {"do": "tag"}, "near": {"do": "tag"}},
    )

    async def stages(flow: Any) -> None:
        made = await plan(flow, run, FIRST, config, Scope())
        for partition in made.partitions:
            await scan(flow, run, FIRST, partition.name)
        await merge(flow, run, FIRST)

    asyncio.run(bench.ask(stages))
    tables = {}
    for attempt, documents in ((FIRST, facts.PART_DOCUMENTS), (CLEARED, 2)):
        monkeypatch.setattr(facts, "PART_DOCUMENTS", documents)
        count = asyncio.run(bench.ask(lambda flow, attempt=attempt: gather_facts(flow, run, attempt)))
        tables[attempt] = [run.read_table("facts", name, FACTS) for name in ("facts", "weak")]
        assert count == len(tables[attempt][0])
    for whole, joined in zip(*tables.values(), strict=True):
        pd.testing.assert_frame_equal(joined, whole)
    assert len(run.result("facts").parts["weak" if are_weak else "facts"]) > 1
    pairs, weak = (run.read_table("pairs", name, PAIRS) for name in ("pairs", "weak"))
    ids, others = ({*rows["id_a"], *rows["id_b"]} for rows in (pairs, weak))
    assert bool(others - ids) == are_weak
    assert tables[FIRST][0]["id"].tolist() == sorted(ids, key=str.encode)
    assert tables[FIRST][1]["id"].tolist() == sorted(others - ids, key=str.encode)
