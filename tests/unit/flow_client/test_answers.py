"""Answers: what cannot be relied upon raises, and never becomes an empty page."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.flow_client import (
    FlowAuthError,
    FlowError,
    FlowRequestError,
    FlowResponseError,
    FlowUnavailableError,
    answers,
)
from include.flow_client.decoding import decode

HEADER = {"status": 0, "QTime": 1}
GOOD = {"responseHeader": HEADER, "response": {"numFound": 1, "start": 0, "docs": [{"id": "1"}]}}


def read(answer: Any, status: int = 200) -> answers.Page:
    return answers.page(decode(status, json.dumps(answer).encode(), "select"), "select")


def test_what_only_the_tolerant_reader_takes_is_read_too() -> None:
    assert decode(200, b'{"a": "\\ud800", "b": 9007199254740993}', "select") == {
        "a": "\ud800",
        "b": 9007199254740993,
    }


def test_a_good_page_is_read() -> None:
    page = read(GOOD | {"nextCursorMark": "AoE=", "extra": 1})
    assert page.docs == ({"id": "1"},)
    assert (page.num_found, page.has_more, page.next_cursor_mark) == (1, False, "AoE=")


def test_a_version_stays_an_exact_integer() -> None:
    doc = {"id": "1", "_version_": 1882663272438562817}
    page = read(GOOD | {"response": {"numFound": 1, "start": 0, "docs": [doc]}})
    assert page.docs[0]["_version_"] == 1882663272438562817


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>404</body></html>",
        b"null",
        b"[]",
        b"42",
        b'{"responseHeader":{"status":0}',
        json.dumps({"responseHeader": HEADER}).encode(),
        json.dumps({"responseHeader": HEADER, "response": None}).encode(),
        json.dumps({"responseHeader": HEADER, "response": {"docs": []}}).encode(),
        json.dumps({"responseHeader": HEADER, "response": {"numFound": True, "docs": []}}).encode(),
        json.dumps({"responseHeader": HEADER, "response": {"numFound": -1, "docs": []}}).encode(),
        json.dumps({"responseHeader": HEADER, "response": {"numFound": 0}}).encode(),
        json.dumps({"responseHeader": HEADER, "response": {"numFound": 1, "docs": ["1"]}}).encode(),
        json.dumps(
            {"responseHeader": HEADER | {"partialResults": True}, "response": {"numFound": 0, "docs": []}}
        ).encode(),
        json.dumps({"responseHeader": [], "response": {"numFound": 0, "docs": []}}).encode(),
    ],
)
def test_a_malformed_or_partial_answer_is_an_error_and_may_be_asked_again(body: bytes) -> None:
    with pytest.raises(FlowResponseError) as failed:
        answers.page(decode(200, body, "select"), "select")
    assert failed.value.retryable


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "response",
                        "responseHeader",
                        "error",
                        "docs",
                        "numFound",
                        "status",
                        "facet_counts",
                        "stats",
                        "code",
                    ]
                ),
                inner,
            )
        ),
    )
)
def test_no_json_whatever_breaks_out_of_the_error_family(answer: Any) -> None:
    with suppress(FlowError):
        read(answer)


def test_an_error_beside_a_response_is_an_error() -> None:
    with pytest.raises(FlowRequestError, match="went wrong"):
        read(GOOD | {"error": {"msg": "went wrong", "code": 500}})
    with pytest.raises(FlowRequestError):
        read(GOOD | {"responseHeader": {"status": 400}})


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, FlowRequestError, False),
        (404, FlowRequestError, False),
        (409, FlowRequestError, False),
        (302, FlowRequestError, False),
        (500, FlowRequestError, False),
        (401, FlowAuthError, False),
        (403, FlowAuthError, False),
        (429, FlowUnavailableError, True),
        (502, FlowUnavailableError, True),
        (503, FlowUnavailableError, True),
        (504, FlowUnavailableError, True),
    ],
)
@pytest.mark.parametrize(
    "body", [b"<html>no</html>", b"", b'{"error":{"msg":"no","code":400}}', b'{"error":"no"}']
)
def test_every_status_has_its_kind_whatever_the_body(
    status: int, kind: type[FlowError], retryable: bool, body: bytes
) -> None:
    with pytest.raises(kind) as failed:
        decode(status, body, "select on c")
    assert failed.value.retryable is retryable
    assert f"HTTP {status}" in str(failed.value)
    assert str(failed.value).startswith("select on c: ")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "Error from server at http://127.0.0.1:1/solr/c_shard1_replica_n1/select: parsing error"),
        (404, "Error from server at http://a:1/solr/c: Expected mime type in [a/b] but got text/html."),
        (
            500,
            "org.apache.solr.client.solrj.SolrServerException: Server refused connection at: http://a:1/solr",
        ),
        (500, "IOException occurred when talking to server at: http://a:1/solr/c_shard2_replica_n4"),
        (500, "No live SolrServers available to handle this request: [http://a:1/solr/c]"),
    ],
)
def test_a_node_that_another_one_misses_is_a_passing_failure_whatever_the_status(
    status: int, said: str
) -> None:
    body = json.dumps({"error": {"msg": said, "code": status}}).encode()
    with pytest.raises(FlowUnavailableError, match="Try again later") as failed:
        decode(status, body, "select on c")
    assert failed.value.status is None


def test_a_question_that_a_shard_finds_wrong_stays_wrong() -> None:
    said = "Error from server at http://a:1/solr/c: org.apache.solr.search.SyntaxError: Cannot parse 'a:'"
    body = json.dumps({"error": {"msg": said, "code": 400}}).encode()
    with pytest.raises(FlowRequestError, match="Cannot parse"):
        decode(400, body, "select on c")


def test_flows_own_words_are_in_the_message_and_clipped_visibly() -> None:
    body = json.dumps({"error": {"msg": "undefined field foo" + "x" * 5000, "code": 400}}).encode()
    with pytest.raises(FlowRequestError, match="undefined field foo") as failed:
        decode(400, body, "select")
    assert len(str(failed.value)) < 1000
    assert "characters" in str(failed.value)


@pytest.mark.parametrize(
    "doc",
    [{"id": "1"}, {"score": 1}, {"id": "1", "score": "1"}, {"id": "1", "score": 7}, {"id": 1, "score": 1}],
)
def test_a_hit_without_id_or_sensible_score_is_malformed(doc: dict[str, Any]) -> None:
    with pytest.raises(FlowResponseError, match="no score from 0 to 1"):
        answers.scored((doc,), "duplicate")


def test_scores_are_floats() -> None:
    [doc] = answers.scored(({"id": "1", "score": 1},), "duplicate")
    assert isinstance(doc["score"], float)


def test_facets_ranges_and_statistics_are_read() -> None:
    counts = {
        "facet_fields": {"category": ["fishes", 20, "tools", 9]},
        "facet_ranges": {"date_dt": {"counts": ["2026-04-01T00:00:00Z", 5], "gap": "+1MONTH"}},
    }
    page = read(GOOD | {"facet_counts": counts, "stats": {"stats_fields": {"date_dt": {"missing": 0}}}})
    assert page.facets == {"category": {"fishes": 20, "tools": 9}}
    assert page.ranges == {"date_dt": {"2026-04-01T00:00:00Z": 5}}
    assert page.stats["date_dt"]["missing"] == 0
    with pytest.raises(FlowResponseError, match="names and values"):
        read(GOOD | {"facet_counts": {"facet_fields": {"category": ["fishes"]}}})


def test_versions_of_an_update_are_read_in_both_spellings() -> None:
    assert answers.versions({"adds": ["1", 1882663272438562817]}, "update") == {"1": 1882663272438562817}
    assert answers.versions({"adds": {"1": 7}}, "update") == {"1": 7}
    assert answers.versions({}, "update") == {}
    for adds in (["1"], ["1", "2"], [["1"], 2], 7):
        with pytest.raises(FlowResponseError, match=r"names and values|adds"):
            answers.versions({"adds": adds}, "update")


def test_a_core_with_empty_status_does_not_exist() -> None:
    with pytest.raises(FlowRequestError) as failed:
        answers.info({"status": {"c": {}}}, "c", "info")
    assert failed.value.status == 404
    assert answers.info({"capabilities": ["duplicates"]}, "c", "info").capabilities == {"duplicates"}
    assert answers.info({"status": {"c": {"uptime": 1}}}, "c", "info").capabilities == frozenset()


def test_what_a_folder_holds_beside_its_documents_is_read_or_refused() -> None:
    group = {"what": "other kinds: .xmp", "count": 30, "examples": [f"{one}.xmp" for one in range(30)]}
    (told,) = answers.info({"left_out": [group]}, "c", "info").left_out
    assert (told.what, told.count, told.examples[0], len(told.examples)) == (group["what"], 30, "0.xmp", 10)
    for wrong in ([{}], [7], 7, [{**group, "count": "many"}]):
        with pytest.raises(FlowResponseError, match="left_out"):
            answers.info({"left_out": wrong}, "c", "info")
