"""The embedded server answers what a real Solr answers: queries, facets, updates, conflicts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings

from tests.contract import strategies as make
from tests.contract.congruence import Pair, reduced
from tests.contract.solr.real_solr import COLLECTION, real_solr
from tests.support.embedded_server import launch

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = settings(
    max_examples=int(os.environ.get("EXAMPLES", "25")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes many minutes
)


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with real_solr(tmp_path_factory.mktemp("solr")) as solr:
        ours = launch(tmp_path_factory.mktemp("ours"), collections=[COLLECTION])
        try:
            yield Pair(solr, ours.collection_url(COLLECTION, "/solr/"))
        finally:
            ours.stop()


@given(documents=make.documents, asked=make.st.lists(make.requests_, min_size=4, max_size=8))
@QUICK
def test_requests_are_answered_as_by_solr(
    pair: Pair, documents: list[dict[str, Any]], asked: list[dict[str, Any]]
) -> None:
    pair.empty()
    solr, ours = pair.update(documents)
    assert ours == solr
    for request in asked:
        solr, ours = pair.select(request)
        assert ours == solr, request


@given(
    documents=make.documents,
    asked=make.st.tuples(make.queries, make.sorts, make.st.integers(1, 3), make.st.integers(0, 9)),
)
@QUICK
def test_a_cursor_walks_as_in_solr_also_over_ties_missing_values_and_changes(
    pair: Pair, documents: list[dict[str, Any]], asked: tuple[str, str, int, int]
) -> None:
    query, sort, rows, change = asked
    pair.empty()
    pair.update(documents)
    marks = ["*", "*"]
    for page in range(12):
        answers = [_page(url, query, sort, rows, mark) for url, mark in zip(pair.urls, marks, strict=True)]
        assert answers[1][:2] == answers[0][:2], (query, sort, rows)
        following = [answer[2] for answer in answers]
        assert (following[0] == marks[0]) == (following[1] == marks[1])
        if following == marks or answers[0][0] != requests.codes.ok:
            return
        marks = following
        if page == change:
            pair.update([{"id": "zz", "n_i": 2}, {"id": documents[0]["id"], "labels": {"add": "late"}}])
    raise AssertionError(f"a walk over at most 7 documents does not end: {query} {sort}")


@given(documents=make.documents, changes=make.st.lists(make.changes, min_size=3, max_size=8))
@QUICK
def test_updates_leave_what_they_leave_in_solr(
    pair: Pair, documents: list[dict[str, Any]], changes: list[tuple[str, str, dict[str, Any], Any]]
) -> None:
    pair.empty()
    pair.update(documents)
    for kind, name, fields, version in changes:
        solr, ours = _change(pair, kind, name, fields, version)
        assert ours == solr, (kind, name, fields, version)
        solr, ours = pair.stored()
        assert ours == solr, (kind, name, fields, version)


def test_a_facet_query_is_read_with_the_operator_and_the_field_of_its_request(pair: Pair) -> None:
    pair.empty()
    pair.update([{"id": f"d{n}", "labels": ["door"], "n_i": n, "category_s": f"c{n}"} for n in range(4)])
    query = ["x || n_i:[1 TO *] labels:b", "c1", "n_i:1 n_i:2"]
    for operator in ("AND", "OR"):
        asked = {"q": "*:*", "q.op": operator, "df": "category_s", "facet": "true", "facet.query": query}
        solr, ours = pair.select(asked)
        assert ours == solr, operator


def test_a_batch_with_a_conflict_keeps_what_came_before_it(pair: Pair) -> None:
    for parameters in ({}, {"failOnVersionConflicts": "false", "versions": "true"}):
        pair.empty()
        batch = [{"id": "d1"}, {"id": "d2", "_version_": 5}, {"id": "d10"}]
        solr, ours = pair.update(batch, **parameters)
        assert ours == solr
        pair.update([])
        solr, ours = pair.stored()
        assert ours == solr


def test_a_field_without_suffix_takes_its_type_from_the_first_value(pair: Pair) -> None:
    pair.empty()
    firsts = [
        "115",
        "1.5",
        "true",
        "2026-01-01",
        "2026-01-01T10:00:00Z",
        "word",
        "+5",
        "007",
        "1e5",
        5,
        1.0,
        False,
    ]
    for number, first in enumerate(firsts):
        for value in (first, "abc"):
            solr, ours = pair.update([{"id": "g", f"guessed{number}": value}])
            assert ours == solr, (first, value)
            solr, ours = pair.stored()
            assert ours == solr, (first, value)


@pytest.mark.parametrize("field", ["n_i", "labels", "when_dt", "category_s"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_a_cursor_passes_the_documents_in_the_order_of_solr(pair: Pair, field: str, direction: str) -> None:
    pair.empty()
    pair.update(
        [
            {"id": f"d{n}", "n_i": n % 3, "labels": [str(n % 4), str(n % 5)]}
            | ({"when_dt": f"2026-01-0{n % 7 + 1}T00:00:00Z", "category_s": f"c{n % 2}"} if n % 3 else {})
            for n in range(23)
        ]
    )
    orders = [list(_all_pages(url, f"{field} {direction},id asc")) for url in (pair.solr, pair.ours)]
    assert orders[0] == orders[1]
    assert len(orders[1]) == 23


def _page(url: str, query: str, sort: str, rows: int, mark: str) -> tuple[int, list[str], str]:
    asked = {"q": query, "sort": sort, "rows": str(rows), "fl": "id", "cursorMark": mark}
    answer = requests.get(f"{url}/select", asked, timeout=30)
    if answer.status_code != requests.codes.ok:
        return answer.status_code, [], mark
    body = answer.json()
    return answer.status_code, [one["id"] for one in body["response"]["docs"]], body["nextCursorMark"]


def _all_pages(url: str, sort: str) -> Iterator[str]:
    mark, following = "", "*"
    while mark != following:
        mark = following
        asked = {"q": "*:*", "sort": sort, "rows": "4", "fl": "id", "cursorMark": mark}
        answer = requests.get(f"{url}/select", asked, timeout=30).json()
        yield from (document["id"] for document in answer["response"]["docs"])
        following = answer["nextCursorMark"]


def _change(pair: Pair, kind: str, name: str, fields: dict[str, Any], version: Any) -> tuple[Any, Any]:
    if kind == "query":
        return pair.update({"delete": {"query": name}}, versions="true")
    known = pair.versions(name) if version == "current" else (version, version)
    answers = []
    for url, number in zip((pair.solr, pair.ours), known, strict=True):
        guard = {} if number is None else {"_version_": number}
        body = [{"id": name, **fields, **guard}] if kind == "add" else {"delete": {"id": name, **guard}}
        answers.append(
            reduced(requests.post(f"{url}/update?commit=true&versions=true", json=body, timeout=30))
        )
    return answers[0], answers[1]
