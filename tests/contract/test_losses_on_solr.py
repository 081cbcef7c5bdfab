"""What a real Solr loses of a document that is changed, and that its schema tells so before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.acting.unreturned import losses
from include.dedupe.settings.config import CollectionConfig
from include.flow_client import FlowAddress, FlowClient, Query, query
from tests.contract.solr.changed_schema import ask, change_schema, solr_with

UNSTORED = {"indexed": True, "stored": False}
FIELDS = [
    {"name": "searched", "type": "text_general", **UNSTORED},
    {"name": "column", "type": "pint", **UNSTORED, "docValues": True, "useDocValuesAsStored": True},
    {"name": "hidden", "type": "pint", **UNSTORED, "docValues": True, "useDocValuesAsStored": False},
    {"name": "dropped", "type": "text_general", "indexed": False, "stored": False},
    {"name": "copied", "type": "text_general", **UNSTORED, "multiValued": True},
]
COPIES = [{"source": "title_s", "dest": "copied"}]
DYNAMIC = {"name": "*_gone", "type": "text_general", **UNSTORED}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowAddress]:
    """A collection with fields that it searches but does not store."""
    with solr_with(tmp_path_factory.mktemp("solr"), FIELDS, COPIES) as found:
        yield found


def config(*may_be_lost: str) -> CollectionConfig:
    flow = {"connection": "flow_test", "collection": "any"}
    return CollectionConfig.model_validate({"flow": flow, "fields": {"may_be_lost": may_be_lost}})


def fill(address: FlowAddress, **fields: Any) -> None:
    async def main(_: ClientWriter, client: FlowClient) -> None:
        await client.delete(query="*:*")
        await client.update([{"id": "one", "title_s": "a title", **fields}], commit=True)

    ask(address, main)


def lost(address: FlowAddress, *may_be_lost: str) -> str:
    return str(ask(address, lambda writer, _: losses(writer, config(*may_be_lost))))


def test_the_schema_tells_which_fields_are_neither_returned_nor_copied(address: FlowAddress) -> None:
    assert ask(address, lambda writer, _: writer.unreturned_fields()) == ["hidden", "searched"]


def test_a_field_is_named_once_a_document_has_it(address: FlowAddress) -> None:
    fill(address, column=1, dropped="words")
    assert lost(address) == ""
    fill(address, hidden=2, searched="words")
    assert "does not return hidden, searched:" in lost(address)
    assert "does not return searched:" in lost(address, "hid*")
    assert lost(address, "hidden", "searched") == ""


def test_what_it_names_is_lost_by_a_tag_and_nothing_else_is(address: FlowAddress) -> None:
    fill(address, searched="words", column=1)

    async def count(client: FlowClient) -> list[int]:
        clauses = ("searched:words", "column:1", "copied:title", "_text_:title")
        return [await client.count([clause]) for clause in clauses]

    async def main(writer: ClientWriter, client: FlowClient) -> None:
        assert await count(client) == [1, 1, 1, 1]
        page = await client.select(Query(fl=["*", "_version_"], fq=[query.term("id", "one")]))
        await writer.set_fields("one", page.docs[0]["_version_"], {"duplicate_of_s": "115"})
        await writer.commit()
        assert await count(client) == [0, 1, 1, 1]

    ask(address, main)


def test_a_dynamic_name_is_named_because_nobody_knows_its_fields(address: FlowAddress) -> None:
    fill(address)
    url = f"{address.root}/solr/{address.collection}"
    change_schema(url, {"add-dynamic-field": DYNAMIC})
    try:
        assert "does not return *_gone:" in lost(address)
        assert lost(address, "*_gone") == ""
    finally:
        change_schema(url, {"delete-dynamic-field": {"name": DYNAMIC["name"]}})
