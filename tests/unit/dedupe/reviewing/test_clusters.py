from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.dedupe.clustering.cluster import cluster
from include.dedupe.errors import UnknownError
from include.dedupe.parquet import to_parquet
from include.dedupe.reviewing import layout
from include.dedupe.reviewing.cluster import read_cluster
from include.dedupe.reviewing.clusters import filter_fields, list_clusters, neighbours
from include.dedupe.reviewing.filtering import Filters
from include.dedupe.reviewing.judging import judge
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.tables import EDGES
from include.tools.made_run import make_run
from tests.support.made import Made


@pytest.fixture(scope="module")
def read_only(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    return Made(tmp_path_factory.mktemp("storage")).make()


def firsts(run: RunDir, filters: Filters, sort: Any = "size") -> list[str]:
    """Return the lowest document of each cluster of the first page."""
    page = list_clusters(run, filters, sort)
    assert page.total == len(page.rows)
    return [min(one.id for one in row.members) for row in page.rows]


def name_of(run: RunDir, document: str) -> str:
    rows = list_clusters(run, Filters(judged=None)).rows
    return next(row.name for row in rows if document in {one.id for one in row.members})


def test_what_was_laid_out_with_other_columns_is_laid_out_anew(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made.make()
    with monkeypatch.context() as before:
        before.setattr(layout, "_COLUMNS", "those of before")
        first = firsts(run, Filters())
    (clusters,) = {name for name in run.storage.names("review") if name.startswith("clusters-")}
    run.storage.write(f"review/{clusters}", to_parquet(EDGES.empty_table().to_pandas(), EDGES))
    assert firsts(run, Filters()) == first


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(), "amx"),
        (Filters(duplicates=frozenset({"exact"})), "ax"),
        (Filters(duplicates=frozenset({"mixed", "near"})), "m"),
        (Filters(least=3), "am"),
        (Filters(most=2), "x"),
        (Filters(chained=True), "m"),
        (Filters(chained=False), "ax"),
        (Filters(hub=True), ""),
        (Filters(decisions=frozenset({"delete"})), "amx"),
        (Filters(decisions=frozenset({"review", "tag"})), "m"),
        (Filters(fields={"category_s": "animals"}), "a"),
        (Filters(fields={"category_s": "animal"}), ""),
        (Filters(fields={"category_s": "places", "pixels_i": "400"}), "a"),
        (Filters(fields={"pixels_i": "100"}), "mx"),
        (Filters(fields={"labels": "Red"}), "a"),
        (Filters(fields={"id": "n"}), "m"),
        (Filters(fields={"unknown_s": "animals"}), ""),
        (Filters(text="RED"), "a"),
        (Filters(text="category"), ""),
        (Filters(text='"'), ""),
        (Filters(judged=True), ""),
        (Filters(judged=None), "amx"),
    ],
)
def test_filters_find_the_clusters_that_fit(read_only: RunDir, filters: Filters, expected: str) -> None:
    assert sorted(firsts(read_only, filters)) == sorted(expected)


@pytest.mark.parametrize(("sort", "expected"), [("weakest", "max"), ("bytes", "xam")])
def test_clusters_come_in_the_order_that_is_asked_for(read_only: RunDir, sort: str, expected: str) -> None:
    assert "".join(firsts(read_only, Filters(), sort)) == expected


def test_what_texts_hold_changes_nothing_but_the_text(made: Made) -> None:
    odd = 'a"\\\n🐟 %_*'
    fields = {odd: {"category_s": odd}, "b": {}}
    run = made.make([(odd, "b", 1.0)], fields=fields)
    for filters in (
        Filters(text=odd[:4]),
        Filters(text="🐟"),
        Filters(fields={"category_s": odd}),
        Filters(fields={"id": odd}),
    ):
        assert list_clusters(run, filters).total == 1
    assert {one.id for one in list_clusters(run, Filters()).rows[0].members} == {odd, "b"}


def test_a_row_says_what_stays_and_why_and_what_is_freed(read_only: RunDir) -> None:
    run = read_only
    row = next(row for row in list_clusters(run, Filters()).rows if row.size == 3 and not row.chained)
    assert (row.keeper, row.rule, row.why) == ("a", "highest pixels", "it has the highest pixels_i")
    assert (row.decisions, row.bytes_to_free, row.bytes_unknown) == ({"keep": 1, "delete": 2}, 30, 1)
    assert [one.id for one in row.members] == ["a", "b", "c"]
    assert row.members[0].fields == {
        "pixels_i": 400,
        "bytes_l": 40,
        "category_s": "animals",
        "labels": ["Red", "cat"],
    }
    assert row.members[2].bytes is None


def test_a_run_without_policies_or_facts_is_shown_too(made: Made) -> None:
    run = made.make(policies=None, keeper={})
    rows = list_clusters(run, Filters()).rows
    assert {(row.keeper, tuple(row.decisions), row.bytes_to_free) for row in rows} == {("", (), 0)}
    judge(run, "not_duplicate", name_of(run, "x"), "me")
    assert list_clusters(run, Filters()).total == 2


def test_an_unknown_mark_order_or_cluster_is_named(read_only: RunDir) -> None:
    run = read_only
    calls: list[Callable[[], object]] = [
        lambda: list_clusters(run, Filters(), after="nonsense"),
        lambda: list_clusters(run, Filters(), after='[1, "c-0"]'),
        lambda: list_clusters(run, Filters(), "colour"),  # type: ignore[arg-type]
        lambda: neighbours(run, "c-0", Filters()),
        lambda: read_cluster(run, "c-0"),
    ]
    for call in calls:
        with pytest.raises(UnknownError):
            call()


def test_fields_to_filter_by_are_those_that_people_see(read_only: RunDir) -> None:
    assert set(filter_fields(read_only)) == {
        "category_s",
        "pixels_i",
        "bytes_l",
        "labels",
        "image",
        "unreadable_s",
    }


SIZES = st.lists(
    st.tuples(st.integers(2, 4), st.sampled_from([0.7, 0.8, 0.95, 1.0])), min_size=1, max_size=12
)


@given(SIZES, st.integers(1, 5), st.sampled_from(["size", "weakest", "bytes"]))
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_skip_nothing_while_others_judge(
    made: Made, sizes: list[tuple[int, float]], limit: int, sort: Any
) -> None:
    edges = [
        (f"{cluster:02}-0", f"{cluster:02}-{number}", score)
        for cluster, (size, score) in enumerate(sizes)
        for number in range(1, size)
    ]
    run = Made(made.storage, uuid.uuid4().hex).make(edges, fields={})
    expected = [row.name for row in list_clusters(run, Filters(), sort, limit=500).rows]
    found: list[str] = []
    mark, number = "", 0
    while True:
        page = list_clusters(run, Filters(), sort, after=mark, limit=limit)
        found += [row.name for row in page.rows]
        if not page.next:
            break
        mark, number = page.next, number + 1
        judge(run, "skip", page.rows[-1].name, f"person {number}")
    assert found == expected


def test_neighbours_are_those_of_the_list_also_of_what_was_just_judged(made: Made) -> None:
    run = made.make()
    names = [row.name for row in list_clusters(run, Filters()).rows]
    found = neighbours(run, names[1], Filters())
    assert (found.previous, found.next, found.place, found.total) == (names[0], names[2], 2, 3)
    judge(run, "skip", names[1], "me")
    found = neighbours(run, names[1], Filters())
    assert (found.previous, found.next, found.place, found.total) == (names[0], names[2], 0, 2)


def test_one_cluster_in_full(read_only: RunDir) -> None:
    run = read_only
    detail = read_cluster(run, name_of(run, "m"))
    assert [(pair.id_a, pair.id_b, pair.score, pair.bridge) for pair in detail.pairs] == [
        ("m", "n", 1.0, True),
        ("n", "o", 0.8, True),
    ]
    decided = {one.id: (one.decision, one.duplicates) for one in detail.documents}
    assert decided == {"o": ("keep", "keeper"), "n": ("tag", "near"), "m": ("delete", "exact")}
    assert detail.rule_fields == ("pixels_i",)
    assert set(detail.differing) == {"pixels_i", "bytes_l"}
    assert detail.measures == {"pixels": "pixels_i", "bytes": "bytes_l", "category": "category_s"}
    edge = next(
        one["data"]
        for one in detail.graph["elements"]["edges"]
        if {one["data"]["source"], one["data"]["target"]} == {"m", "n"}
    )
    assert (edge["weight"], edge["opacity"], edge["width"], edge["bridge"]) == (1.0, 0.5, 10.0, True)
    assert {one["data"]["decision"] for one in detail.graph["elements"]["nodes"]} == {"keep", "tag", "delete"}


def test_clusters_made_anew_are_shown_anew(made: Made) -> None:
    run = made.make()
    assert list_clusters(run, Filters()).total == 3
    judge(run, "not_duplicate", name_of(run, "x"), "me")
    cluster(run, Attempt(generation=1))
    assert list_clusters(run, Filters(judged=None)).total == 2


def test_a_run_on_an_object_storage_is_read_and_judged_the_same_way() -> None:
    run = RunDir(f"memory://review-{uuid.uuid4().hex}", "pictures", "run-1")
    edges = [("a", "b", 1.0), ("b", "a", 1.0), ("x", "y", 0.9), ("y", "x", 0.9)]
    make_run(run, pd.DataFrame(edges, columns=EDGES.names))
    names = [row.name for row in list_clusters(run, Filters()).rows]
    for name in names:
        judge(run, "reject", name, "me")
    assert list_clusters(run, Filters()).total == 0
    assert [len(row.said) for row in list_clusters(run, Filters(judged=None)).rows] == [1, 1]
