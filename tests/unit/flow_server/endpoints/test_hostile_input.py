"""Whatever is asked or uploaded, the answer is a 200 or a 400 with a sentence, never a 500."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract import strategies as make
from tests.support.embedded_server import launch
from tests.support.hostile import SECONDS, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.embedded_server import EmbeddedServer

EXAMPLES = int(os.environ.get("EXAMPLES", "80"))
BOUNDED = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
SYNTAX = [
    *'ab01:*?"()[]{}^~+-!&|\\/ ',
    " TO ",
    " AND ",
    " OR ",
    " NOT ",
    "id:",
    "n_i:",
    "{!term f=id}",
    "NOW",
]
NAMES = [
    *("rows", "start", "cursorMark", "sort", "stats", "stats.field", "q.op", "df", "defType"),
    *("facet", "facet.field", "facet.range", "facet.range.start", "facet.range.end", "facet.range.gap"),
    *("facet.limit", "facet.mincount", "facet.query"),
    *("rank.threshold", "rank.by.id", "rank.by.data", "rank.by.preprocessed"),
    *(
        "facet.offset",
        "facet.prefix",
        "facet.sort",
        "facet.missing",
        "facet.range.other",
        "facet.range.hardend",
    ),
    *(
        "f.id.facet.limit",
        "commitWithin",
        "ids",
        "id",
        "input.url",
        "rank.mode",
        "search.fq",
        "fl",
        "q",
        "fq",
    ),
]
VALUES = [
    "true",
    "id",
    "n_i",
    "date_dt",
    "bytes_l",
    "0",
    "5",
    "-1",
    "NOW",
    "+1DAY",
    "*",
    "id asc",
    "1e400",
    "nan",
    "-inf",
    "9" * 30,
    "9" * 5000,
    "_text_",
    "_version_",
    "score",
    "labels",
    "{!term f=id}a",
    "\0",
    "\\ud800",
]
HUGE = {
    "groups": "(" * 5000 + "a" + ")" * 5000,
    "local parameters": "{!lucene}" * 5000,
    "clauses": "a OR " * 20_000 + "a",
    "signs": "-" * 1000 + "a",
    "wildcards": "id:" + "*?" * 2000,
    "phrase": '"' + "a " * 50_000 + '"',
    "escapes": "\\" * 9999,
}
queries = st.one_of(
    st.lists(st.sampled_from(SYNTAX), max_size=14).map("".join),
    st.text(max_size=20),
    make.queries,
    make.queries.map(lambda text: text[: len(text) // 2]),
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    """A server whose collection may be changed in any way."""
    server = launch(tmp_path_factory.mktemp("scratch"))
    yield server
    server.stop()


@given(q=queries, fq=queries, sort=st.one_of(st.just("id asc"), st.text(max_size=8)), fl=st.text(max_size=8))
@BOUNDED
def test_no_query_text_is_a_500(synced: EmbeddedServer, q: str, fq: str, sort: str, fl: str) -> None:
    ask(
        synced,
        "select",
        {"q": q.encode("utf-8", "replace"), "fq": fq.encode("utf-8", "replace"), "sort": sort, "fl": fl},
    )


@given(
    parameters=st.dictionaries(
        st.sampled_from(NAMES),
        st.one_of(st.sampled_from(VALUES), st.text(st.characters(exclude_categories=["Cs"]), max_size=12)),
        max_size=8,
    )
)
@BOUNDED
def test_no_parameter_is_a_500(synced: EmbeddedServer, parameters: dict[str, str]) -> None:
    ask(synced, "select", parameters)
    ask(synced, "duplicate", parameters)
    ask(synced, "duplicates", parameters)
    ask(synced, "get", parameters)
    ask(synced, "analyze", parameters)


@given(
    body=st.one_of(
        st.binary(max_size=60), st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
    )
)
@BOUNDED
def test_no_body_of_an_update_is_a_500(synced: EmbeddedServer, body: bytes) -> None:
    for prefix in ("/solr/", "/api/cores/"):
        url = synced.collection_url("my-collection", prefix)
        answer = requests.post(f"{url}/update", body, timeout=SECONDS)
        assert answer.status_code in (200, 400), answer.text


_plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["a", "NOW", "2026-01-01", "9" * 400, "1e400", "\\", "data:,x", "\ud800", "\0"]),
)
_operators = st.sampled_from(["set", "add", "add-distinct", "remove", "removeregex", "inc", "other"])
_values = st.recursive(
    _plain,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_operators, inner, max_size=2)),
)
_names = st.sampled_from(
    [
        "id",
        "_version_",
        "image",
        "import",
        "labels",
        "n_i",
        "x_l",
        "p_d",
        "f_f",
        "b_b",
        "when_dt",
        "t_t",
        "y_s",
    ]
)
_documents = st.dictionaries(_names, _values, max_size=4)
_commands = st.dictionaries(
    st.sampled_from(["add", "delete", "commit", "optimize", "rollback", "doc", "id", "query", "boost"]),
    st.one_of(_values, _documents, st.fixed_dictionaries({"doc": _documents, "overwrite": _plain})),
    max_size=3,
)


@given(body=st.one_of(st.lists(_documents, max_size=3), _documents, _commands, _values))
@BOUNDED
def test_no_document_or_command_is_a_500(scratch: EmbeddedServer, body: Any) -> None:
    text = json.dumps(body)
    for prefix in ("/solr/", "/api/cores/"):
        url = scratch.collection_url("my-collection", prefix)
        answer = requests.post(f"{url}/update?commit=true", text, timeout=SECONDS)
        assert answer.status_code in (200, 400, 409), answer.text
    ask(scratch, "select", {"facet": "true", "facet.field": ["labels", "n_i"], "sort": "n_i asc, y_s desc"})


@pytest.mark.parametrize("query", HUGE.values(), ids=HUGE.keys())
def test_a_huge_query_is_answered_or_refused(synced: EmbeddedServer, query: str) -> None:
    ask(synced, "select", {"q": query})


def test_others_are_served_beside_hostile_requests(start_server: Callable[..., EmbeddedServer]) -> None:
    """Each of them once took minutes, in which nobody was answered."""
    server = start_server(collections=["one", "two"])
    one, two = (server.collection_url(name, "/solr/") for name in ("one", "two"))
    document = [{"id": "a", "labels": ["a" * 50 + "!"]}]
    requests.post(f"{one}/update?commit=true", json=document, timeout=SECONDS).raise_for_status()
    hostile = [
        lambda: requests.post(f"{one}/select", {"fq": "{!" + " " * 100_000}, timeout=SECONDS),
        lambda: requests.post(f"{one}/select", {"fq": "{!" + " " * 100_000 + "}"}, timeout=SECONDS),
        lambda: requests.post(f"{one}/select", {"q": "a " * 800_000}, timeout=SECONDS),
        lambda: requests.post(
            f"{one}/update", json=[{"id": "a", "labels": {"removeregex": "(a+)+$"}}], timeout=SECONDS
        ),
    ]
    with ThreadPoolExecutor(len(hostile)) as threads:
        asked = [threads.submit(ask) for ask in hostile]
        served = 0
        while not all(one.done() for one in asked) or not served:
            requests.get(f"{two}/select", timeout=SECONDS).raise_for_status()
            served += 1
    assert [future.result().status_code for future in asked] == [400, 200, 400, 200]


def test_a_locked_collection_is_busy_and_says_when_to_ask_again(
    start_server: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIMITS", json.dumps({"busy_seconds": 0.2}))
    server = start_server()
    solr = server.collection_url("my-collection", "/solr/")
    file = server.data / "my-collection/documents.sqlite"
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for parameters in ({}, {"commit": "true"}):
            answer = requests.post(f"{solr}/update", json=[{"id": "a"}], params=parameters, timeout=SECONDS)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.json()["error"]["code"] == 503
        assert requests.get(f"{solr}/select", timeout=SECONDS).status_code == 200
        assert requests.get(f"{solr}/get", {"id": "a"}, timeout=SECONDS).status_code == 200
        other.execute("ROLLBACK")
    answer = requests.post(f"{solr}/update?commit=true", json=[{"id": "a"}], timeout=SECONDS)
    assert answer.status_code == 200
