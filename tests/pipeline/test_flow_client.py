"""The client against the embedded server: they share no code, so that both cannot be wrong together."""

from __future__ import annotations

import asyncio
import csv
import itertools
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from include.demo.make_collection import PHOTOS
from include.flow_client import (
    FacetRange,
    FlowAddress,
    FlowAuthError,
    FlowClient,
    FlowRequestError,
    FlowResponseError,
    FlowUnavailableError,
    Page,
    Query,
    RetryPolicy,
    query,
)
from tests.support.embedded_server import EmbeddedServer, launch, run_sync

FISHES = ["fishes/fish, \"8\" & 'co' #1?.jpg", "fishes/fish + 100%;ü|(8) [x].jpg", "fishes/AND.jpg"]
OTHERS = ["tools/a\\b:c*d~e^f!.jpg", "tools/“hämmer” = 5.jpg", "mills/{windmill} -7/ $.jpg"]
PICTURES = {
    FISHES[0]: "gcompris-fish8.jpg",
    FISHES[1]: "gcompris-fish8.jpg",
    FISHES[2]: "gcompris-fish8.jpg",
    OTHERS[0]: "gcompris-hammer3.jpg",
    OTHERS[1]: "gcompris-hammer5.jpg",
    OTHERS[2]: "gcompris-windmill7.jpg",
}

Call = Callable[[FlowClient], Awaitable[Any]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    images = tmp_path_factory.mktemp("pictures")
    for name, photo in PICTURES.items():
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        (images / name).write_bytes((PHOTOS / photo).read_bytes())
    with (images / "fields.csv").open("w", encoding="utf-8", newline="") as out:
        table = csv.writer(out)
        table.writerow(["path", "category", "taken_dt"])
        for month, name in enumerate(PICTURES, start=4):
            table.writerow([name, name.split("/")[0], f"2026-{month:02}-01T00:00:00Z"])
    data = tmp_path_factory.mktemp("data")
    run_sync(images, data, "--workers", "1")
    server = launch(data, images=images)
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def no_faults(server: EmbeddedServer) -> Iterator[None]:
    yield
    server.clear_faults()


def ask(server: EmbeddedServer, call: Call, **address: Any) -> Any:
    async def main() -> Any:
        where = FlowAddress.parse(server.url)
        chosen = FlowAddress(where.root, address.pop("collection", where.collection), **address)
        retry = RetryPolicy(attempts=3, first_wait_s=0.01)
        async with FlowClient(chosen, retry=retry) as client:
            return await call(client)

    return asyncio.run(main())


async def ids(pages: Any) -> list[str]:
    return [doc["id"] async for page in pages for doc in page.docs]


def test_the_collection_is_there_and_a_missing_one_is_named(server: EmbeddedServer) -> None:
    assert ask(server, lambda flow: flow.ping()).name == "my-collection"
    assert ask(server, lambda flow: flow.count()) == len(PICTURES)
    with pytest.raises(FlowRequestError, match="'nowhere'"):
        ask(server, lambda flow: flow.ping(), collection="nowhere")


def test_all_documents_are_walked_in_pages_and_the_walk_resumes(server: EmbeddedServer) -> None:
    assert ask(server, lambda flow: ids(flow.iterate(page_size=2))) == sorted(PICTURES)

    async def resumed(flow: FlowClient) -> list[str]:
        first = await anext(flow.iterate(page_size=2))
        assert first.next_cursor_mark is not None
        return await ids(flow.iterate(page_size=2, cursor_mark=first.next_cursor_mark))

    assert ask(server, resumed) == sorted(PICTURES)[2:]


@pytest.mark.parametrize("name", PICTURES)
def test_every_kind_of_filter_finds_exactly_the_document_it_names(server: EmbeddedServer, name: str) -> None:
    filters = [
        query.term("id", name),
        query.terms("id", [name]),
        query.match("id", name),
        query.between("id", name, name, include_high=True),
        query.negate(f"({' OR '.join(query.match('id', other) for other in PICTURES if other != name)})"),
    ]

    async def found(flow: FlowClient) -> list[list[str]]:
        return [await ids(flow.iterate(fq=[fq])) for fq in filters]

    assert ask(server, found) == [[name]] * len(filters)


def test_many_ids_at_once_go_through_a_form(server: EmbeddedServer) -> None:
    many = [*PICTURES, *(f"no such picture, {number}" for number in range(2000))]
    assert ask(server, lambda flow: ids(flow.iterate(fq=[query.terms("id", many)]))) == sorted(PICTURES)


def test_date_ranges_are_disjoint_and_facets_count_them(server: EmbeddedServer) -> None:
    edges = [None, datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC), None]
    parts = [query.between("taken_dt", low, high) for low, high in itertools.pairwise(edges)]

    async def counts(flow: FlowClient) -> tuple[list[int], Any]:
        months = FacetRange("taken_dt", "2026-04-01T00:00:00Z", "2026-10-01T00:00:00Z", "+1MONTH")
        page = await flow.select(
            Query(rows=0, facet_fields=["category"], facet_queries=parts, facet_ranges=[months])
        )
        return [await flow.count([part]) for part in parts], page

    counted, page = ask(server, counts)
    assert counted == [2, 2, 2] == list(page.facet_queries.values())
    assert page.facets["category"] == {"fishes": 3, "tools": 2, "mills": 1}
    assert set(page.ranges["taken_dt"].values()) == {1}


def test_duplicates_of_a_document_are_found_without_itself_in_pages_and_in_a_filter(
    server: EmbeddedServer,
) -> None:
    found = ask(server, lambda flow: flow.all_duplicates_of(FISHES[0], page_size=1))
    assert sorted(doc["id"] for doc in found.docs) == sorted(FISHES[1:])
    only = [query.term("id", FISHES[2])]
    [hit] = ask(server, lambda flow: flow.all_duplicates_of(FISHES[0], fq=only)).docs
    assert hit["id"] == FISHES[2]
    page = ask(server, lambda flow: flow.duplicates_of(FISHES[0], fl=["category"]))
    assert {(doc["score"], doc["category"]) for doc in page.docs} == {(1.0, "fishes")}


def test_a_picture_from_outside_is_found_by_its_bytes_and_by_its_analysis(server: EmbeddedServer) -> None:
    picture = (PHOTOS / "gcompris-fish8.jpg").read_bytes()

    async def found(flow: FlowClient) -> list[Page]:
        outputs = await flow.analyze(data=picture)
        by_bytes = await flow.all_duplicates_of(data=picture)
        return [by_bytes, await flow.all_duplicates_of(preprocessed=outputs)]

    for page in ask(server, found):
        assert sorted(doc["id"] for doc in page.docs) == sorted(FISHES)


def test_a_document_is_written_tagged_and_deleted_only_as_it_was_read(server: EmbeddedServer) -> None:
    async def life(flow: FlowClient) -> None:
        outputs = await flow.analyze(data=(PHOTOS / "gcompris-pan.jpg").read_bytes())
        new = {"id": "new, one", "image": "elsewhere/pan.jpg", "import": outputs}
        await flow.update([new], commit=True)
        read = (await flow.select(Query(fl=["*"], fq=[query.term("id", "new, one")]))).docs[0]
        old_version = read["_version_"]
        assert type(old_version) is int
        tag = {"id": "new, one", "_version_": old_version, "duplicate_of_s": {"set": "115"}}
        versions = await flow.update([tag], commit=True)
        assert versions["new, one"] > old_version
        with pytest.raises(FlowRequestError) as conflict:
            await flow.delete(["new, one"], version=old_version)
        assert conflict.value.status == 409
        assert await flow.count([query.match("duplicate_of_s", "115")]) == 1
        await flow.delete(["new, one"], version=versions["new, one"], commit=True)
        await flow.delete(["new, one", "never was"], commit=True)
        await flow.commit()
        assert await flow.count() == len(PICTURES)

    ask(server, life)


def test_a_wrong_filter_is_refused_in_the_servers_words(server: EmbeddedServer) -> None:
    with pytest.raises(FlowRequestError, match="undefined field nofield") as refused:
        ask(server, lambda flow: flow.count(["nofield:1"]))
    assert refused.value.status == 400


def test_a_busy_server_is_asked_again(server: EmbeddedServer) -> None:
    server.fault("unavailable", handler="select", times=2)
    assert ask(server, lambda flow: flow.count()) == len(PICTURES)
    server.fault("unavailable", handler="duplicate")
    with pytest.raises(FlowUnavailableError, match="HTTP 503"):
        ask(server, lambda flow: flow.duplicates_of(FISHES[0]))


@pytest.mark.parametrize("fault", ["cut", "malformed", "truncated", "partial"])
def test_an_answer_that_cannot_be_relied_upon_is_never_an_empty_one(
    server: EmbeddedServer, fault: str
) -> None:
    server.fault(fault, handler="duplicate")
    with pytest.raises(FlowResponseError):
        ask(server, lambda flow: flow.duplicates_of(FISHES[0]))


def test_a_slow_server_is_given_up(server: EmbeddedServer) -> None:
    server.fault("slow", seconds=1)
    with pytest.raises(FlowUnavailableError, match="no answer within"):
        ask(server, lambda flow: flow.count(), timeout_s=0.3)


def test_only_the_right_token_is_let_in(server: EmbeddedServer) -> None:
    server.fault("unauthorized", token="Bearer tok-123")
    assert ask(server, lambda flow: flow.count(), token="tok-123") == len(PICTURES)
    with pytest.raises(FlowAuthError, match="not let in"):
        ask(server, lambda flow: flow.count())
