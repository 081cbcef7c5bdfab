"""Plan to report against the live embedded server."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import json
from typing import Any

import networkx as nx
import pytest

from include.dedupe.clustering.cluster import cluster
from include.dedupe.clustering.merge import merge
from include.dedupe.errors import CoverageError, PlanError, ScanFailedError
from include.dedupe.parquet import from_parquet
from include.dedupe.planning.plan import Plan, plan, read_plan
from include.dedupe.planning.scope import Scope
from include.dedupe.reporting.report import ReportStats, report
from include.dedupe.rundir import Attempt
from include.dedupe.scanning.scan import ScanStats, scan, stage_name
from include.dedupe.tables import FAILURES, HUBS, PAIRS
from include.flow_client import FlowClient, FlowRequestError
from tests.pipeline.conftest import Bench
from tests.support.small_collection import CLUSTERS, COPIES, ORIGINALS

FIRST, RETRY = Attempt(0, 1), Attempt(0, 2)
DOCUMENTS = len(ORIGINALS) + len(COPIES)


def planned(bench: Bench, scope: Scope = Scope(), **settings: Any) -> Plan:  # noqa: B008 - immutable
    return asyncio.run(bench.ask(lambda flow: plan(flow, bench.run, FIRST, bench.config(**settings), scope)))


def scanned(bench: Bench, partition: str, attempt: Attempt = FIRST) -> ScanStats:
    return asyncio.run(bench.ask(lambda flow: scan(flow, bench.run, attempt, partition)))


def reported(bench: Bench) -> ReportStats:
    asyncio.run(bench.ask(lambda flow: merge(flow, bench.run, FIRST)))
    cluster(bench.run, FIRST)
    return report(bench.run, FIRST, bench.pictures())


def run_all(bench: Bench, scope: Scope = Scope(), **settings: Any) -> ReportStats:  # noqa: B008 - immutable
    for partition in planned(bench, scope, **settings).partitions:
        scanned(bench, partition.name)
    return reported(bench)


def found_clusters(bench: Bench) -> set[frozenset[str]]:
    lines = bench.run.storage.read("report/duplicates.csv").decode().splitlines()
    return {frozenset(row) for row in csv.reader(lines)}


def labels(made: Plan) -> dict[str, int]:
    return {partition.label: partition.expected for partition in made.partitions}


class TestPlan:
    def test_partitions_by_month_hold_each_document_once(self, bench: Bench) -> None:
        made = planned(bench, partitions={"by": "date", "step": "month"})
        assert labels(made) == {"2026-04": 3, "2026-05": 4, "2026-06": 2}
        assert made.documents == made.collection_documents == DOCUMENTS

    def test_neighbouring_months_share_a_partition_where_there_would_be_too_many(self, bench: Bench) -> None:
        made = planned(bench, partitions={"by": "date", "step": "month"}, max_partitions=3)
        assert labels(made) == {"2026-04 to 2026-05": 7, "2026-06": 2}

    def test_partitions_by_category_hold_each_document_once(self, bench: Bench) -> None:
        made = planned(bench, partitions={"by": "field", "field": "category"})
        assert labels(made) == {"category: animals": 3, "category: places": 3, "category: things": 3}

    def test_rare_values_share_the_last_partition(self, bench: Bench) -> None:
        made = planned(bench, partitions={"by": "field", "field": "category"}, max_partitions=2)
        assert labels(made) == {"category: animals": 3, "category: any other or none": 6}

    def test_a_range_of_dates_and_categories_limits_the_documents(self, bench: Bench) -> None:
        may = (dt.datetime(2026, 5, 1, tzinfo=dt.UTC), dt.datetime(2026, 6, 1, tzinfo=dt.UTC))
        made = planned(bench, Scope(*may, categories=("places",)))
        assert made.documents == 3

    def test_an_empty_scope_has_one_empty_partition(self, bench: Bench) -> None:
        made = planned(bench, Scope(end=dt.datetime(1999, 1, 1, tzinfo=dt.UTC)), partitions={"by": "date"})
        assert [partition.expected for partition in made.partitions] == [0]
        assert scanned(bench, "p00").scanned == 0
        assert reported(bench).clusters == 0

    def test_documents_without_and_with_several_values_are_in_exactly_one_partition(
        self, bench: Bench
    ) -> None:
        plain = Bench(bench.server, bench.run, collection="plain")
        documents = [
            {"id": "none"},
            {"id": "a", "labels": ["a"], "date_dt": "2026-04-01T00:00:00Z"},
            {"id": "ab", "labels": ["a", "b c"], "date_dt": "2026-04-02T00:00:00Z"},
            {"id": "b", "labels": ["b c"]},
        ]
        asyncio.run(add(plain, documents))
        assert labels(planned(plain, fields={}, partitions={"by": "field", "field": "labels"})) == {
            "labels: a": 2,
            "labels: b c": 1,
            "labels: any other or none": 1,
        }

    def test_documents_without_a_date_have_a_partition(self, bench: Bench) -> None:
        plain = Bench(bench.server, bench.run, collection="plain")
        asyncio.run(add(plain, [{"id": "undated"}, {"id": "dated", "date_dt": "2026-04-01T00:00:00Z"}]))
        assert labels(
            planned(plain, fields={"date": "date_dt"}, partitions={"by": "date", "step": "year"})
        ) == {
            "2026": 1,
            "no date_dt": 1,
        }

    def test_a_field_that_holds_no_dates_is_refused(self, bench: Bench) -> None:
        with pytest.raises(PlanError, match="category holds 'animals', no date"):
            planned(bench, fields={"date": "category"}, partitions={"by": "date"})

    def test_a_retry_keeps_the_plan_although_the_settings_have_changed(self, bench: Bench) -> None:
        made = planned(bench, partitions={"by": "date"})
        assert planned(bench, partitions={"by": "none"}) == made == read_plan(bench.run)

    def test_a_collection_that_is_not_there_is_named(self, bench: Bench) -> None:
        with pytest.raises(FlowRequestError, match=r"'nobody'.*Check the URL and the name"):
            planned(Bench(bench.server, bench.run, collection="nobody"))


class TestRun:
    def test_all_duplicates_are_found_across_partitions(self, bench: Bench) -> None:
        stats = run_all(bench, partitions={"by": "date", "step": "month"})
        assert found_clusters(bench) == CLUSTERS
        assert stats.clusters == len(CLUSTERS)

    def test_a_range_finds_duplicates_outside_of_it(self, bench: Bench) -> None:
        june = (dt.datetime(2026, 6, 1, tzinfo=dt.UTC), dt.datetime(2026, 7, 1, tzinfo=dt.UTC))
        run_all(bench, Scope(*june))
        assert found_clusters(bench) == {group for group in CLUSTERS if "places/china.jpg" not in group}

    def test_the_search_scope_limits_what_is_found(self, bench: Bench) -> None:
        run_all(bench, search_scope=["category:places"])
        assert found_clusters(bench) == {group for group in CLUSTERS if "places/china.jpg" in group}

    def test_pairs_are_seen_from_both_sides(self, bench: Bench) -> None:
        run_all(bench)
        pairs = bench.run.read_table("pairs", "pairs", PAIRS)
        assert len(pairs) == 5
        assert pairs["seen_from_a"].all()
        assert pairs["seen_from_b"].all()
        assert (pairs["score"] >= 0.95).all()

    def test_nothing_is_written_to_the_collection(self, bench: Bench) -> None:
        run_all(bench)
        assert bench.server.counts().get("update", 0) == 0

    def test_the_graph_is_one_that_the_vendors_viewer_can_read(self, bench: Bench) -> None:
        run_all(bench)
        graph = json.loads(bench.run.storage.read("report/graph.json"))
        nodes = {node["data"]["id"]: node["data"] for node in graph["elements"]["nodes"]}
        assert all(node["image"].startswith(f"{bench.server.base}/images/") for node in nodes.values())
        assert all(0.7 <= edge["data"]["weight"] <= 1 for edge in graph["elements"]["edges"])
        restored = nx.cytoscape_graph(graph)
        assert {frozenset(part) for part in nx.connected_components(restored)} == CLUSTERS

    def test_the_page_shows_the_pictures_of_each_cluster(self, bench: Bench) -> None:
        run_all(bench)
        page = bench.run.storage.read("report/report.html").decode()
        assert page.count("data:image/jpeg;base64,") == sum(map(len, CLUSTERS))
        assert "animals/cat, &#34;small&#34;.png" in page
        assert "No picture" not in page

    def test_a_picture_that_cannot_be_had_is_said_to_be_missing(self, bench: Bench) -> None:
        planned(bench)
        scanned(bench, "p00")
        bench.server.fault("unavailable", handler="images", times=1)
        reported(bench)
        page = bench.run.storage.read("report/report.html").decode()
        assert page.count("No picture: ") == 1


class TestFailures:
    def test_finished_work_is_not_done_again(self, bench: Bench) -> None:
        planned(bench)
        first = scanned(bench, "p00")
        bench.server.clear_counts()
        assert scanned(bench, "p00", RETRY) == first
        assert bench.server.counts().get("duplicate", 0) == 0
        assert scanned(bench, "p00", Attempt(1, 3)).edges == first.edges
        assert bench.server.counts()["duplicate"] == DOCUMENTS

    def test_a_failed_query_is_a_row_and_fails_the_partition(self, bench: Bench) -> None:
        planned(bench)
        bench.server.fault("malformed", handler="duplicate", times=2)
        with pytest.raises(ScanFailedError, match=f"2 of {DOCUMENTS} queries failed, first that of"):
            scanned(bench, "p00")
        assert not bench.run.storage.exists(f"{stage_name('p00')}/manifest.json")
        name = f"{stage_name('p00')}/failures-{FIRST.label}-000000.parquet"
        failures = from_parquet(bench.run.storage.read(name), FAILURES, name)
        assert len(failures) == 2
        assert failures["retryable"].all()
        assert scanned(bench, "p00", RETRY).scanned == DOCUMENTS

    def test_failures_that_the_settings_allow_are_counted_and_shown(self, bench: Bench) -> None:
        planned(bench, scan={"max_failed_share": 0.5})
        bench.server.fault("malformed", handler="duplicate", times=2)
        stats = scanned(bench, "p00")
        assert (stats.scanned, stats.failed) == (DOCUMENTS - 2, 2)
        reported(bench)
        assert "2 of 9 queries failed" in bench.run.storage.read("report/report.html").decode()

    @pytest.mark.parametrize("kind", ["cut", "truncated", "partial", "malformed"])
    def test_an_answer_that_is_not_whole_is_a_failure_and_no_empty_result(
        self, bench: Bench, kind: str
    ) -> None:
        planned(bench)
        bench.server.fault(kind, handler="duplicate")
        with pytest.raises(ScanFailedError):
            scanned(bench, "p00")

    def test_a_busy_server_is_waited_for(self, bench: Bench) -> None:
        planned(bench)
        bench.server.fault("unavailable", handler="duplicate", times=3)
        assert scanned(bench, "p00").scanned == DOCUMENTS

    def test_a_partition_that_was_not_scanned_is_reported_and_fails_the_report(self, bench: Bench) -> None:
        made = planned(bench, partitions={"by": "date", "step": "month"})
        for partition in made.partitions[1:]:
            scanned(bench, partition.name)
        with pytest.raises(CoverageError, match=r"1 of 3 partitions were not scanned \(2026-04\)"):
            reported(bench)
        summary = json.loads(bench.run.storage.read("report/summary.json"))
        assert summary["coverage"]["problems"] == ["Partition 2026-04 (3 documents) was not scanned."]
        assert "Not everything was scanned." in bench.run.storage.read("report/report.html").decode()

    def test_a_document_with_too_many_hits_is_a_hub(self, bench: Bench) -> None:
        planned(bench, scan={"max_hits": 1})
        stats = scanned(bench, "p00")
        hubs = bench.run.read_table(stage_name("p00"), "hubs", HUBS)
        assert stats.hubs == 3
        assert set(hubs["id"]) == {name for name in [*ORIGINALS, *COPIES] if name.startswith("places/")}


async def add(bench: Bench, documents: list[dict[str, Any]]) -> None:
    async with FlowClient(bench.address()) as client:
        await client.delete(query="*:*")
        await client.update(documents, commit=True)
