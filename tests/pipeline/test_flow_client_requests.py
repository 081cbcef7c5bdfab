"""The client over real HTTP: what it sends, how it pages, and what it makes of good answers."""

from __future__ import annotations

import asyncio
import json

import pytest

from include.flow_client import (
    FlowAddress,
    FlowClient,
    FlowRequestError,
    FlowResponseError,
    Query,
    query,
)
from tests.support.scripted_flow import (
    EMPTY,
    Answer,
    Call,
    all_pages,
    ask,
    fail,
    found,
    hit,
    run,
    scripted_flow,
)

DONE = Answer({"responseHeader": {"status": 0, "QTime": 1}})


# --- what is sent


def test_a_short_query_is_a_get_and_a_long_one_a_form_kept_out_of_the_log() -> None:
    _, flow = run(lambda client: client.select(Query(fq=["a:1"])))
    assert (flow.asked[0].method, flow.asked[0].path) == ("GET", "/api/cores/my-collection/select")
    ids = [f"pictures/a, {n}.jpg" for n in range(2000)]
    _, flow = run(lambda client: client.select(Query(fq=[query.terms("id", ids)])))
    asked = flow.asked[0]
    assert (asked.method, asked.query_string) == ("POST", "logParamsList=")
    assert asked.value("fq") == query.terms("id", ids)
    assert asked.value("q") == "*:*"


@pytest.mark.parametrize("doc_id", ["115", "a b", "a+b&c=d#e%20f?g", "fisch/Ä 'ß\".jpg", "x\\y/z;ü", "日本"])
def test_ids_arrive_as_they_are(doc_id: str) -> None:
    _, flow = run(lambda client: client.duplicates_of(doc_id, fq=[query.term("id", doc_id)]))
    assert flow.asked[0].value("rank.by.id") == doc_id
    assert flow.asked[0].values("fq") == ["{!term f=id}" + doc_id]


def test_a_duplicate_search_sends_all_its_settings() -> None:
    _, flow = run(
        lambda client: client.duplicates_of(
            "1", fl=["image"], threshold=0.95, approximate=True, smartfilter="medium", start=100, rows=50
        )
    )
    assert flow.asked[0].path.endswith("/duplicate")
    assert dict(flow.asked[0].params) == {
        "q": "*:*",
        "fl": "image,id,score",
        "rank.threshold": "0.95",
        "rank.approximate": "true",
        "rank.smartfilter": "medium",
        "start": "100",
        "rows": "50",
        "rank.by.id": "1",
    }


def test_pictures_as_bytes_go_into_a_form() -> None:
    picture = b"\x89PNG" + bytes(5000)
    _, flow = run(lambda client: client.duplicates_of(data=picture))
    assert flow.asked[0].method == "POST"
    assert (flow.asked[0].value("rank.by.data") or "").startswith("data:image/png;base64,")
    outputs, flow = run(
        lambda client: client.analyze(data=picture, modules=["duplicate"]), Answer({"outputs": {"pxl": "x"}})
    )
    assert outputs == {"pxl": "x"}
    assert flow.asked[0].method == "POST"
    assert flow.asked[0].value("modules.apply") == "duplicate"


def test_writing_goes_through_the_v1_prefix_as_arrays_and_commands() -> None:
    docs = [{"id": "1", "duplicate_of_s": {"set": "2"}, "_version_": 1882663272438562817}]
    versions, flow = run(
        lambda client: client.update(docs, commit_within_ms=500),
        Answer({"responseHeader": {"status": 0}, "adds": ["1", 1882663272438562818]}),
    )
    assert versions == {"1": 1882663272438562818}
    assert flow.asked[0].path == "/solr/my-collection/update"
    assert json.loads(flow.asked[0].body) == docs
    assert flow.asked[0].value("commitWithin") == "500"

    async def delete(client: FlowClient) -> None:
        await client.delete(["1", "a,b"], commit=True)
        await client.delete(["1"], version=7)
        await client.delete(query=query.match("category", "x"))
        await client.commit()
        await client.commit(soft=True)

    _, flow = run(delete, DONE)
    assert [json.loads(asked.body) for asked in flow.asked[:3]] == [
        {"delete": ["1", "a,b"]},
        {"delete": {"id": "1", "_version_": 7}},
        {"delete": {"query": "category:x"}},
    ]
    assert [asked.path for asked in flow.asked] == ["/solr/my-collection/update"] * 3 + [
        "/api/cores/my-collection/update"
    ] * 2
    assert [asked.value("commit") for asked in flow.asked] == ["true", None, None, "true", None]
    assert flow.asked[4].value("softCommit") == "true"


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.delete([]),
        lambda client: client.delete("115"),
        lambda client: client.delete([""]),
        lambda client: client.delete(["1"], query="*:*"),
        lambda client: client.delete(["1", "2"], version=3),
        lambda client: client.update([]),
        lambda client: client.update([{"image": "x"}]),
        lambda client: client.update([{"id": 1}]),
        lambda client: client.update([{"id": "1", "price": float("nan")}]),
        lambda client: client.duplicates_of(),
        lambda client: client.duplicates_of("1", fq="category:a"),
    ],
)
def test_a_call_that_cannot_be_meant_sends_nothing(call: Call) -> None:
    async def main() -> None:
        async with scripted_flow(DONE) as flow:
            with pytest.raises(ValueError, match=r"\w"):
                await ask(flow, call)
            assert flow.asked == []

    asyncio.run(main())


def test_login_and_token_are_sent_and_cookies_are_not_kept() -> None:
    async def main() -> None:
        async with scripted_flow(Answer(EMPTY, headers={"Set-Cookie": "a=b"})) as flow:
            for address in (
                FlowAddress(flow.url, "c", login="me", password="hunter2"),
                FlowAddress(flow.url, "c", token="tok-123"),
            ):
                async with FlowClient(address) as client:
                    await client.count()
                    await client.count()
            assert [asked.headers["Authorization"] for asked in flow.asked[1::2]] == [
                "Basic bWU6aHVudGVyMg==",
                "Bearer tok-123",
            ]
            assert not any("Cookie" in asked.headers for asked in flow.asked)

    asyncio.run(main())


def test_the_proxy_is_used_with_its_login() -> None:
    async def main() -> None:
        async with scripted_flow() as proxy:
            url = proxy.url.replace("http://", "http://u:proxy-pw@")
            async with FlowClient(FlowAddress("http://flow.invalid:8983", "c", proxy=url)) as client:
                await client.count()
            assert proxy.asked[0].headers["Host"] == "flow.invalid:8983"
            assert proxy.asked[0].headers["Proxy-Authorization"] == "Basic dTpwcm94eS1wdw=="

    asyncio.run(main())


# --- paging


def test_a_cursor_walk_ends_when_the_mark_comes_back_and_can_be_resumed() -> None:
    script = [
        found({"id": "1"}, {"id": "2"}, num_found=3, nextCursorMark="A+/o="),
        found({"id": "3"}, num_found=3, nextCursorMark="B=="),
        found(num_found=3, nextCursorMark="B=="),
    ]
    pages, flow = run(lambda client: all_pages(client.iterate(fl=["id"], page_size=2)), *script)
    assert [[doc["id"] for doc in page.docs] for page in pages] == [["1", "2"], ["3"]]
    assert [asked.value("cursorMark") for asked in flow.asked] == ["*", "A+/o=", "B=="]
    assert "A%2B%2Fo%3D" in flow.asked[1].query_string
    assert {asked.value("sort") for asked in flow.asked} == {"id asc"}
    pages, flow = run(
        lambda client: all_pages(client.iterate(cursor_mark=pages[0].next_cursor_mark)), *script[1:]
    )
    assert [doc["id"] for page in pages for doc in page.docs] == ["3"]
    assert flow.asked[0].value("cursorMark") == "A+/o="


def test_a_walk_without_a_mark_or_with_an_empty_page_in_the_middle_fails() -> None:
    fail(FlowResponseError, lambda client: all_pages(client.iterate()), found({"id": "1"}))
    fail(FlowResponseError, lambda client: all_pages(client.iterate()), found(nextCursorMark="AA"))


def test_a_duplicate_search_pages_until_all_hits_are_seen() -> None:
    script = [
        found(hit("q", 1), hit("a", 0.99), num_found=5),
        found(hit("b", 0.9), hit("c", 0.8), num_found=5, start=2),
        found(hit("d", 0.75), num_found=5, start=4),
    ]
    page, flow = run(lambda client: client.all_duplicates_of("q", page_size=2), *script)
    assert [doc["id"] for doc in page.docs] == ["a", "b", "c", "d"]
    assert [asked.value("start") for asked in flow.asked] == ["0", "2", "4"]
    assert not page.has_more


def test_a_server_that_sends_shorter_pages_than_asked_loses_no_hits() -> None:
    script = [found(hit("a", 0.9), num_found=2), found(hit("b", 0.8), num_found=2, start=1)]
    page, flow = run(lambda client: client.all_duplicates_of("q", page_size=100), *script)
    assert [doc["id"] for doc in page.docs] == ["a", "b"]
    assert flow.asked[1].value("start") == "1"


def test_past_max_hits_the_page_says_that_there_is_more() -> None:
    script = [
        found(hit("a", 0.9), hit("b", 0.9), num_found=9),
        found(hit("c", 0.9), hit("d", 0.9), num_found=9, start=2),
    ]
    page, _ = run(lambda client: client.all_duplicates_of("q", page_size=2, max_hits=3), *script)
    assert [doc["id"] for doc in page.docs] == ["a", "b", "c"]
    assert page.has_more


def test_hits_below_the_threshold_are_dropped_and_end_the_search() -> None:
    script = [found(hit("q", 1.0), hit("a", 0.8), hit("b", 0.3), num_found=500)]
    page, flow = run(lambda client: client.all_duplicates_of("q", threshold=0.7, approximate=True), *script)
    assert [doc["id"] for doc in page.docs] == ["a"]
    assert len(flow.asked) == 1


def test_announced_hits_that_never_come_are_an_error_unless_approximate() -> None:
    script = [found(hit("a", 0.9), num_found=60), found(num_found=60, start=1)]
    error, _ = fail(FlowResponseError, lambda client: client.all_duplicates_of("q"), *script)
    assert "counts 60 hits but ends after 1" in str(error)
    page, _ = run(lambda client: client.all_duplicates_of("q", approximate=True), *script)
    assert not page.has_more


# --- about the collection


def test_a_missing_collection_is_named() -> None:
    for missing in (
        Answer(status=404),
        Answer({"responseHeader": {"status": 0}, "status": {"my-collection": {}}}),
    ):
        error, _ = fail(FlowRequestError, lambda client: client.info(), missing)
        assert "'my-collection'" in str(error)
        assert "name of the collection" in str(error)


def test_ping_wants_an_answer_to_a_search_too() -> None:
    info, flow = run(
        lambda client: client.ping(), Answer({"capabilities": ["duplicates"]}), found(num_found=3)
    )
    assert info.capabilities == {"duplicates"}
    assert [asked.path for asked in flow.asked] == [
        "/api/cores/my-collection",
        "/api/cores/my-collection/select",
    ]
    fail(FlowRequestError, lambda client: client.ping(), Answer({}), Answer(status=404))


def test_facets_that_were_asked_for_but_did_not_come_are_an_error() -> None:
    fail(FlowResponseError, lambda client: client.select(Query(facet_fields=["category"])), found())
    counts = {"facet_fields": {"category": ["fishes", 2]}, "facet_queries": {"a:b": 1}}
    asked = Query(facet_fields=["category"], facet_queries=["a:b"])
    page, _ = run(lambda client: client.select(asked), found(facet_counts=counts))
    assert page.facets["category"] == {"fishes": 2}
    assert page.facet_queries == {"a:b": 1}
