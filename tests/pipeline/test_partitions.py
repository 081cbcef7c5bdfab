"""Partitions against the live server: disjoint, complete, and as the settings ask."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.dedupe.errors import PlanError
from include.dedupe.flow import FlowReader, Page
from include.dedupe.planning.partitions import Partition, divide
from include.dedupe.planning.plan import Plan, plan
from include.dedupe.planning.scope import Scope
from include.dedupe.planning.settings_check import check_settings
from include.dedupe.rundir import Attempt, RunDir
from include.flow_client import FlowAuthError
from tests.pipeline.conftest import Bench
from tests.support.many_documents import fill

VALUES = ["a", "b", "b c", 'd"e', "AND", "f:(g)", "h,i", "é"]
BY_LABELS = {"by": "field", "field": "labels"}
BY_CATEGORY = {"by": "field", "field": "category"}
QUERIES = {
    "late": "date_dt:[2020-01-01T00:00:00Z TO *]",
    "a or b": "labels:a OR labels:b",
    "not a": "-labels:a",
}
DIVISIONS: list[dict[str, Any]] = [
    {"by": "none"},
    BY_LABELS,
    BY_CATEGORY,
    {"by": "query", "queries": QUERIES},
    *({"by": "date", "step": step} for step in ("auto", "day", "week", "month", "quarter", "year")),
    {"by": "product", "of": [BY_LABELS, {"by": "date", "step": "auto"}]},
    {"by": "product", "of": [{"by": "query", "queries": QUERIES}, BY_CATEGORY]},
]


def moment(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


ENDS_OF_THE_CALENDAR = (
    "0001-01-01T00:00:00Z",
    "1582-10-10T12:00:00Z",
    "9999-12-31T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59.999Z",
)

COMPLETE = {"labels": ["a", "b"], "category": "a", "date_dt": moment(0)}
"""One document that makes all fields known."""

documents = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "labels": st.lists(st.sampled_from(VALUES), min_size=1, max_size=3, unique=True),
            "category": st.sampled_from(VALUES),
            "date_dt": st.one_of(
                st.integers(-300_000_000, 2_000_000_000).map(moment), st.sampled_from(ENDS_OF_THE_CALENDAR)
            ),
        },
    ),
    max_size=25,
)


@pytest.fixture
def plain(bench: Bench) -> Bench:
    return Bench(bench.server, bench.run, collection="plain")


async def ids_of(flow: FlowReader, partition: Partition) -> list[str]:
    return [
        document["id"] async for page in flow.iterate(fq=partition.fq, fl=("id",)) for document in page.docs
    ]


def filled(plain: Bench, rows: list[dict[str, Any]]) -> set[str]:
    named = [{"id": f"d{number}", **row} for number, row in enumerate(rows)]
    asyncio.run(fill(plain.address(), named))
    return {row["id"] for row in named}


def planned(plain: Bench, run_id: str, scope: Scope | None = None, **config: Any) -> Plan:
    run = RunDir(plain.run.storage.root, "pictures", run_id)
    settings = plain.config(**config)
    return asyncio.run(plain.ask(lambda flow: plan(flow, run, Attempt(), settings, scope or Scope())))


def divided(plain: Bench, most: int = 64, **config: Any) -> tuple[Partition, ...]:
    return asyncio.run(plain.ask(lambda flow: divide(flow, plain.config(**config), (), most)))


@given(rows=documents, division=st.sampled_from(DIVISIONS), most=st.integers(1, 8), target=st.integers(1, 9))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_document_is_in_exactly_one_partition(
    plain: Bench, rows: list[dict[str, Any]], division: dict[str, Any], most: int, target: int
) -> None:
    ids = filled(plain, [COMPLETE, *rows])
    partitions = divided(plain, most, partitions=division, target_docs=target)

    async def listed(flow: FlowReader) -> list[list[str]]:
        return [await ids_of(flow, partition) for partition in partitions]

    found = asyncio.run(plain.ask(listed))
    assert Counter(name for names in found for name in names) == Counter(ids)
    assert [partition.expected for partition in partitions] == [len(names) for names in found]
    if division["by"] in ("field", "date"):
        assert len(partitions) <= max(2, most)


@pytest.mark.parametrize("step", ["auto", "day", "week", "month", "quarter", "year"])
def test_one_document_at_each_end_of_the_calendar_is_scanned_once(plain: Bench, step: str) -> None:
    filled(plain, [{"date_dt": date} for date in (*ENDS_OF_THE_CALENDAR, moment(0), moment(1))])
    partitions = divided(plain, partitions={"by": "date", "step": step}, target_docs=2)
    assert sum(partition.expected for partition in partitions) == 7


def test_an_answer_that_is_cut_off_while_planning_is_asked_again(plain: Bench) -> None:
    filled(plain, [COMPLETE, {"date_dt": moment(0)}])
    for skip in range(4):
        plain.server.clear_faults()
        plain.server.fault("cut", handler="select", skip=skip, times=1)
        plain.server.fault("truncated", handler="select", skip=skip, times=1)
        assert planned(plain, f"run-{skip}", partitions={"by": "date"}).documents == 2


def test_automatic_partitions_by_date_hold_about_equally_many_documents(plain: Bench) -> None:
    burst = [{"date_dt": f"2026-04-01T10:{n // 60:02}:{n % 60:02}Z"} for n in range(300)]
    spread = [{"date_dt": f"{2000 + n // 4}-{3 * (n % 4) + 1:02}-01T00:00:00Z"} for n in range(100)]
    filled(plain, burst + spread)
    plain.server.clear_counts()
    partitions = divided(plain, partitions={"by": "date"}, target_docs=50)
    sizes = [partition.expected for partition in partitions]
    assert len(sizes) == 8
    assert max(sizes) <= 65
    assert min(sizes) >= 35
    assert partitions[0].label.startswith("before ")
    assert partitions[-1].label.startswith("from 2026-04-01T10:")
    assert plain.server.counts()["select"] <= 16


def test_named_queries_take_a_document_once_each(plain: Bench) -> None:
    filled(plain, [{"labels": ["a", "b"]}, {"labels": ["b"]}, {"labels": ["c"]}, {}])
    partitions = divided(plain, partitions={"by": "query", "queries": {"A": "labels:a", "B": "labels:b"}})
    assert {partition.label: partition.expected for partition in partitions} == {
        "A": 1,
        "B": 1,
        "any other": 2,
    }


def test_a_named_query_that_cannot_be_taken_out_of_the_rest_is_refused(plain: Bench) -> None:
    filled(plain, [{}])
    with pytest.raises(PlanError, match=r"partitions.queries: .*cannot be negated"):
        divided(plain, partitions={"by": "query", "queries": {"A": "{!term f=labels}a"}})


def test_a_product_divides_each_part_by_the_other_division(plain: Bench) -> None:
    filled(plain, [{"category": c, "date_dt": f"202{y}-01-01T00:00:00Z"} for c in "ab" for y in (4, 5)])
    of = [BY_CATEGORY, {"by": "date", "step": "year"}]
    labels = {partition.label for partition in divided(plain, partitions={"by": "product", "of": of})}
    assert labels == {f"category: {c} / {y}" for c in "ab" for y in (2024, 2025)}


def test_counts_that_do_not_add_up_are_refused(plain: Bench) -> None:
    """As when somebody writes to a collection whose answers are not of one moment."""
    filled(plain, [{"category": "a"}, {"category": "b"}])

    async def ask(flow: FlowReader) -> None:
        select = flow.select

        async def select_less(**asked: Any) -> Page:
            page: Any = await select(**asked)
            return page._replace(facet_queries=dict.fromkeys(page.facet_queries, 0))

        flow.select = select_less  # type: ignore[method-assign, assignment]
        await divide(flow, plain.config(partitions=BY_CATEGORY), (), 64)

    with pytest.raises(PlanError, match="The partitions hold 0 documents, but the scope holds 2"):
        asyncio.run(plain.ask(ask))


def test_more_queries_than_a_task_can_be_mapped_are_refused(plain: Bench) -> None:
    filled(plain, [{"labels": [label]} for label in "abc"])
    queries = {"A": "labels:a", "B": "labels:b"}
    config = plain.config(fields={}, partitions={"by": "query", "queries": queries})
    with pytest.raises(PlanError, match="3 partitions, but a task can be mapped 2 times only"):
        asyncio.run(plain.ask(lambda flow: plan(flow, plain.run, Attempt(), config, Scope(), most=2)))


def test_a_date_field_with_several_values_is_refused(plain: Bench) -> None:
    filled(plain, [{"date_dts": ["2020-01-01T00:00:00Z", "2026-01-01T00:00:00Z"]}])
    by_date = {"by": "date", "field": "date_dts", "step": "year"}
    with pytest.raises(PlanError, match="no date; set"):
        divided(plain, partitions=by_date)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"fields": {"category": "categroy"}}, r"categroy \(did you mean category\?\)"),
        (
            {"partitions": {"by": "field", "field": "nothing_like_it_s"}},
            r"partitions: nothing_like_it_s\. Correct .* documents have ",
        ),
        (
            {"fields": {"date": "made_dt"}, "partitions": {"by": "date", "field": "day_dt"}},
            r"fields.date: made_dt.*, partitions: day_dt \(did you mean date_dt\?\)",
        ),
        (
            {"keeper": {"rules": [{"rule": "highest", "field": "widht_i"}, {"rule": "oldest"}]}},
            r"keeper\.rules: widht_i \(did you mean width_i\?\)\.",
        ),
        (
            {"fields": {"bytes": "byte_l"}, "keeper": {"rules": [{"rule": "lowest", "field": "bytes"}]}},
            r"keeper\.rules: byte_l \(did you mean bytes_l\?\)",
        ),
        (
            {"keeper": {"rules": [{"rule": "most_complete", "fields": ["category", "titel_s"]}]}},
            r"keeper\.rules: titel_s\.",
        ),
        (
            {"ignore_pairs": {"same": ["foldr_s"]}, "only_pairs": {"different": ["catgory"]}},
            r"ignore_pairs: foldr_s \(did you mean folder_s\?\), only_pairs: catgory \(did",
        ),
        (
            {"policies": {"near": {"do": "merge", "merge_fields": {"filenam_s": "fill"}}}},
            r"policies\.merge_fields: filenam_s \(did you mean filename_s\?\)",
        ),
    ],
)
def test_a_field_that_no_document_has_is_named(bench: Bench, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        asyncio.run(bench.ask(lambda flow: check_settings(flow, bench.config(**settings))))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"keeper": {"protected": ["catgory:masters"]}},
            r"keeper\.protected: .* 'catgory:masters'; correct it",
        ),
        ({"keeper": {"protected": ["category:things", "a:(b"]}}, r"keeper\.protected: .* 'a:\(b'"),
        ({"scope": ["catgory:things"]}, r"^scope: .* 'catgory:things'"),
        ({"search_scope": ["[broken"]}, r"search_scope: .* '\[broken'"),
    ],
)
def test_a_filter_that_flow_refuses_is_named(bench: Bench, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        asyncio.run(bench.ask(lambda flow: check_settings(flow, bench.config(**settings))))


def test_of_an_empty_collection_nothing_is_expected(plain: Bench) -> None:
    settings = {"fields": {"category": "category"}, "keeper": {"protected": ["category:masters"]}}
    filled(plain, [])
    asyncio.run(plain.ask(lambda flow: check_settings(flow, plain.config(**settings))))


def test_a_refused_login_is_not_taken_for_a_wrong_filter(bench: Bench) -> None:
    config = bench.config(fields={}, keeper={"protected": ["category:things"]})
    bench.server.fault("unauthorized", handler="select", skip=1)
    with pytest.raises(FlowAuthError):
        asyncio.run(bench.ask(lambda flow: check_settings(flow, config)))
