"""The client against a real Solr, which Flow is built on: filters, cursors, forms, versions, errors.

Flow's paths name a core, so the client is given the name of the collection's only core. Before a SolrCloud of
two shards and two replicas it asks a gateway, which is given an alias of the collection.
"""

from __future__ import annotations

import asyncio
import json
import random
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from include.flow_client import FlowAddress, FlowClient, FlowError, FlowRequestError, Query, query
from tests.contract.solr.gateways import Cloud
from tests.contract.solr.real_solr import real_solr

SIGNS = "\\+-!():^[]\"{}~*?|&/ \t\n\u00a0\u3000,;'#%<>=@$ANDORTu005cäß€日x01."
WORDS = ["AND", "OR", "NOT", "TO", "true", "-1", "+1"]
SYNTAX = [
    "*",
    "?",
    "\\",
    "a\\",
    "||",
    "&&",
    '"',
    "]",
    "}",
    "a]",
    "/x/",
    "\\u005c",
    "{!term f=id}x",
    "a:b",
    "* TO",
]
SPACED = ["a b", " a", "a ", 'a" TO "b', "a \\", "fish 1, 2.jpg", "a,b", "a|b,c;d"]


def awkward_ids() -> list[str]:
    chance = random.Random(20260401)
    made = {"".join(chance.choices(SIGNS, k=chance.randint(1, 6))) for _ in range(250)}
    return sorted(made | {*WORDS, *SYNTAX, *SPACED})


IDS = awkward_ids()

Call = Callable[[FlowClient], Awaitable[Any]]


@pytest.fixture(scope="module", params=["a core", "a gateway"])
def address(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FlowAddress]:
    if request.param == "a gateway":
        cloud: Cloud = request.getfixturevalue("cloud")
        name = cloud.alias("client", cloud.collection("of_the_client"))
        yield FlowAddress(cloud.gateway(name).base, name)
        return
    with real_solr(tmp_path_factory.mktemp("solr")) as url:
        root = url.rpartition("/solr/")[0]
        with urllib.request.urlopen(f"{root}/solr/admin/cores?action=STATUS", timeout=10) as answer:  # noqa: S310
            core = next(iter(json.load(answer)["status"]))
        yield FlowAddress(root, core)


@pytest.fixture(scope="module")
def flow(address: FlowAddress) -> FlowAddress:
    """The collection with one document for each awkward id, and no other."""
    ask(address, lambda client: client.delete(query="*:*"))
    docs = [{"id": name, "copy_s": name} for name in IDS]
    versions = ask(address, lambda client: client.update(docs, commit=True))
    assert set(versions) == set(IDS)
    return address


def ask(address: FlowAddress, call: Call) -> Any:
    async def main() -> Any:
        async with FlowClient(address) as client:
            return await call(client)

    return asyncio.run(main())


async def ids(pages: Any) -> list[str]:
    return [doc["id"] async for page in pages for doc in page.docs]


def test_a_walk_with_a_cursor_sees_every_document_once(flow: FlowAddress) -> None:
    assert sorted(ask(flow, lambda client: ids(client.iterate(page_size=40)))) == IDS


@pytest.mark.parametrize(
    "fq",
    [
        lambda name: query.term("id", name),
        lambda name: query.terms("id", [name, "no such id"]),
        lambda name: query.match("id", name),
        lambda name: query.between("id", name, name, include_high=True),
        lambda name: f"copy_s:[* TO *] AND {query.negate(query.negate(query.match('id', name)))}",
    ],
    ids=["term", "terms", "match", "between", "negate"],
)
def test_a_filter_finds_the_one_document_that_it_names_whatever_its_id(
    flow: FlowAddress, fq: Callable[[str], str]
) -> None:
    async def found(client: FlowClient) -> list[list[str]]:
        return list(await asyncio.gather(*(ids(client.iterate(fq=[fq(name)])) for name in IDS)))

    assert ask(flow, found) == [[name] for name in IDS]


def test_an_open_range_of_ids_is_in_the_order_of_their_bytes(flow: FlowAddress) -> None:
    for name in SPACED:
        higher = [other for other in IDS if other.encode() >= name.encode()]
        assert (
            sorted(ask(flow, lambda client, n=name: ids(client.iterate(fq=[query.between("id", n)]))))
            == higher
        )


def test_a_long_query_as_a_form_is_understood(flow: FlowAddress) -> None:
    many = [*(f"no such id, {number}" for number in range(3000)), *SPACED]
    assert (
        ask(flow, lambda client: client.count([query.terms("id", [n for n in many if n == n.strip()])])) == 6
    )


def test_facets_and_statistics_are_read(flow: FlowAddress) -> None:
    one = query.match("id", "a b")
    asked = Query(rows=0, facet_fields=["copy_s"], facet_queries=[one], stats_fields=["copy_s"])
    page = ask(flow, lambda client: client.select(asked))
    assert page.facets["copy_s"] == dict.fromkeys(IDS, 1)
    assert page.facet_queries == {one: 1}
    assert page.stats["copy_s"]["count"] == len(IDS)


def test_a_write_with_an_old_version_is_refused(flow: FlowAddress) -> None:
    async def main(client: FlowClient) -> None:
        await client.update([{"id": "versioned"}], commit=True)
        read = Query(fl=["_version_"], fq=[query.term("id", "versioned")])
        old = (await client.select(read)).docs[0]["_version_"]
        tag = {"id": "versioned", "_version_": old, "duplicate_of_s": {"set": "115"}}
        new = (await client.update([tag], commit=True))["versioned"]
        assert new > old
        for stale in (client.update([tag]), client.delete(["versioned"], version=old)):
            with pytest.raises(FlowRequestError) as conflict:
                await stale
            assert conflict.value.status == 409
        await client.delete(["versioned"], version=new)
        await client.commit()
        assert await client.count([query.term("id", "versioned")]) == 0

    ask(flow, main)


@pytest.mark.parametrize("fq", ["nofield:1", "id:[a", "{!foo}x"])
def test_a_wrong_filter_is_refused_in_solrs_words(flow: FlowAddress, fq: str) -> None:
    with pytest.raises(FlowRequestError) as refused:
        ask(flow, lambda client: client.count([fq]))
    assert refused.value.status == 400
    assert refused.value.flow_message


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.info(),
        lambda client: client.count(),
        lambda client: client.commit(),
        lambda client: client.update([{"id": "1"}]),
    ],
)
def test_a_missing_collection_is_a_404_that_names_it(address: FlowAddress, call: Call) -> None:
    with pytest.raises(FlowError, match="'nowhere'") as failed:
        ask(FlowAddress(address.root, "nowhere"), call)
    assert getattr(failed.value, "status", None) == 404
