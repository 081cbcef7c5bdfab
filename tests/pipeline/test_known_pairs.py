"""Runs over parts of a collection know together what one run over all of it knows."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import itertools
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from include.dedupe.clustering.merge import MergeStats, merge
from include.dedupe.planning.plan import plan, read_plan
from include.dedupe.planning.scope import Scope
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.coverage import Coverage, measure_coverage
from include.dedupe.scanning.scan import scan
from include.dedupe.tables import PAIRS
from include.flow_client import FlowClient
from tests.pipeline.conftest import Bench
from tests.support.many_documents import add, fill, remove
from tests.support.small_collection import PHOTOS

MONTHS = [dt.datetime(2025, month, 1, tzinfo=dt.UTC) for month in range(1, 13)]
INTERVALS = [*itertools.pairwise(MONTHS), (MONTHS[-1], dt.datetime(2026, 1, 1, tzinfo=dt.UTC))]
DOCUMENTS = 48


def row(number: int, picture: int | None) -> dict[str, Any]:
    month = number % 12 + 1
    return {
        "id": f"d{number:02}",
        "picture": picture,
        "date_dt": f"2025-{month:02}-15T00:00:00Z",
        "category": "c",
    }


@pytest.fixture
def plain(bench: Bench) -> Bench:
    """Documents of a year; four groups of duplicates, spread over the months."""
    found = Bench(bench.server, bench.run, collection="plain", self_join=True)
    rows = [
        row(number, number % 5 if number % 5 < 4 and number < 24 else None) for number in range(DOCUMENTS)
    ]
    asyncio.run(fill(found.address(), rows))
    return found


class Runs:
    """Runs of one collection, one after the other, in a storage of their own."""

    def __init__(self, bench: Bench, storage: Path) -> None:
        self.bench = bench
        self.storage = str(storage)
        self.count = 0

    async def run(self, which: Scope, **settings: Any) -> tuple[RunDir, MergeStats]:
        self.count += 1
        run, config = RunDir(self.storage, "pictures", f"run{self.count}"), self.bench.config(**settings)
        made = await self.bench.ask(lambda flow: plan(flow, run, Attempt(), config, which))
        for partition in made.partitions:
            await self.bench.ask(lambda flow, name=partition.name: scan(flow, run, Attempt(), name))
        return run, await self.bench.ask(lambda flow: merge(flow, run, Attempt()))

    def after(self, which: Scope, **settings: Any) -> set[tuple[str, str, float]]:
        """The pairs that are known after a run."""
        run, _ = asyncio.run(self.run(which, **settings))
        return pairs(run)


def pairs(run: RunDir) -> set[tuple[str, str, float]]:
    found = run.read_table("pairs", "pairs", PAIRS)[["id_a", "id_b", "score"]]
    return set(found.itertuples(index=False, name=None))


def coverage(run: RunDir) -> Coverage:
    return measure_coverage(run, read_plan(run))


@pytest.mark.parametrize("self_join", [True, False])
def test_intervals_in_any_order_also_repeated_and_at_once_know_what_a_full_scan_knows(
    plain: Bench, tmp_path: Path, self_join: bool
) -> None:
    bench = replace(plain, self_join=self_join)
    full = Runs(bench, tmp_path / "full").after(Scope())
    assert len(full) > 30
    intervals = [*INTERVALS, INTERVALS[3]]
    random.Random(1).shuffle(intervals)
    backfill = Runs(bench, tmp_path / "backfill")
    for interval in intervals[:5]:
        assert backfill.after(Scope(*interval)) <= full

    async def at_once() -> None:
        await asyncio.gather(*(backfill.run(Scope(*interval)) for interval in intervals[5:]))

    asyncio.run(at_once())
    assert backfill.after(Scope(known=True)) == full


def test_a_run_over_known_pairs_scans_nothing(plain: Bench, tmp_path: Path) -> None:
    runs = Runs(plain, tmp_path / "known")
    full = runs.after(Scope())
    plain.server.clear_counts()
    assert runs.after(Scope(known=True)) == full
    counts = plain.server.counts()
    assert counts["duplicate"] == 0
    assert counts["duplicates"] <= 1


def test_pairs_of_deleted_documents_are_dropped_and_changed_ones_are_searched_again_once(
    plain: Bench, tmp_path: Path
) -> None:
    runs = Runs(plain, tmp_path / "changes")
    full = runs.after(Scope())
    gone, changed, renewed = "d00", "d01", "d02"
    asyncio.run(remove(plain.address(), [gone]))
    asyncio.run(add(plain.address(), [row(1, 2), row(2, None)]))  # another picture, and none any more
    run, stats = asyncio.run(runs.run(Scope(known=True)))
    known = pairs(run)
    assert stats.rechecked == 2
    assert not {name for pair in known for name in pair[:2]} & {gone, renewed}
    assert {pair for pair in known if changed in pair[:2]} != {pair for pair in full if changed in pair[:2]}
    assert known == Runs(plain, tmp_path / "anew").after(Scope())
    run, stats = asyncio.run(runs.run(Scope(known=True)))
    assert (pairs(run), stats.rechecked) == (known, 0)


def test_pairs_of_another_detector_are_not_mixed_in(plain: Bench, tmp_path: Path) -> None:
    runs = Runs(plain, tmp_path / "detectors")
    flow = {"connection": "flow_test", "collection": "plain"}
    runs.after(Scope(), flow={**flow, "detector": "one"})
    assert runs.after(Scope(known=True), flow={**flow, "detector": "two"}) == set()
    assert runs.after(Scope(known=True), flow={**flow, "detector": "one"}) != set()


def test_another_threshold_needs_no_new_scan(plain: Bench, tmp_path: Path) -> None:
    runs = Runs(plain, tmp_path / "thresholds")
    low = runs.after(Scope(), scan={"threshold": 0.61})
    high = runs.after(Scope(known=True), scan={"threshold": 0.99, "exact_threshold": 0.99})
    assert high == {pair for pair in low if pair[2] >= 0.99}
    assert runs.after(Scope(known=True), scan={"threshold": 0.61}) == low


def test_known_pairs_outside_of_the_settings_scope_do_not_count(plain: Bench, tmp_path: Path) -> None:
    runs = Runs(plain, tmp_path / "scopes")
    runs.after(Scope())
    only = ["id:(d00 OR d05)"]
    known = runs.after(Scope(known=True), scope=only, search_scope=only)
    assert {pair[:2] for pair in known} == {("d00", "d05")}


def test_a_sample_and_a_limit_scan_exactly_so_many_and_the_rest_is_skipped(
    plain: Bench, tmp_path: Path
) -> None:
    runs = Runs(plain, tmp_path / "parts")
    by_month = {"partitions": {"by": "date", "step": "month"}, "scan": {"page_documents": 3}}
    for scope in (Scope(sample=20), Scope(limit=20)):
        run, _ = asyncio.run(runs.run(scope, **by_month))
        found = coverage(run)
        assert (found.scanned, found.skipped, found.share) == (20, DOCUMENTS - 20, 1.0)


@pytest.mark.parametrize("self_join", [True, False])
def test_documents_that_come_and_go_during_a_run_neither_fail_it_nor_hide_a_gap(
    plain: Bench, tmp_path: Path, self_join: bool
) -> None:
    bench = replace(plain, self_join=self_join)
    runs = Runs(bench, tmp_path / "churn")
    run, config = RunDir(runs.storage, "pictures", "churn"), bench.config(scan={"page_documents": 5})
    handler = "duplicates" if self_join else "duplicate"
    bench.server.fault("slow", handler=handler, seconds=0.1)
    gone, come = [f"d{number:02}" for number in (1, 25, 47)], [f"d{number:02}x" for number in (0, 24, 46)]

    async def churn() -> None:
        await asyncio.sleep(0.5)
        await remove(bench.address(), gone)
        await add(bench.address(), [{**row(0, 0), "id": name} for name in come])

    async def both() -> None:
        await bench.ask(lambda flow: plan(flow, run, Attempt(), config, Scope()))
        await asyncio.gather(churn(), bench.ask(lambda flow: scan(flow, run, Attempt(), "p00")))
        bench.server.clear_faults()
        await bench.ask(lambda flow: merge(flow, run, Attempt()))

    asyncio.run(both())
    found = coverage(run)
    assert (found.failed, found.missing, found.share) == (0, 0, 1.0)
    known = {name for pair in pairs(run) for name in pair[:2]}
    assert not known & set(gone)
    assert known >= set(come)


def test_a_group_of_two_hundred_duplicates_is_found_whole(plain: Bench, tmp_path: Path) -> None:
    """Copies of equal pixels, and copies that are only alike: more of them than a search may fail on."""
    size, alike = 200, 20
    with Image.open(PHOTOS / "skimage-coffee.jpg") as picture:
        copies = [jpeg(picture, quality=95 - number // 2, width=420 + number) for number in range(alike)]

    async def fill_group() -> None:
        async with FlowClient(plain.address()) as client:
            analysed = [await client.analyze(data=copy) for copy in copies]
            group = [{"id": f"g{n:03}", "import": analysed[n % alike]} for n in range(size)]
            await client.update(group, commit=True)

    asyncio.run(fill_group())
    for self_join in (True, False):
        runs = Runs(replace(plain, self_join=self_join), tmp_path / str(self_join))
        found = runs.after(Scope(), scope=["id:g*"], search_scope=["id:g*"])
        assert len(found) == size * (size - 1) / 2


def jpeg(picture: Image.Image, *, quality: int, width: int) -> bytes:
    file = io.BytesIO()
    picture.resize((width, width * picture.height // picture.width)).save(file, "JPEG", quality=quality)
    return file.getvalue()
