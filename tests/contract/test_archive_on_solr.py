"""Archives on a real Solr: copied fields come back once, blocks are left alone, years have no end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.acting.again import Copy, add_again, differences
from include.dedupe.acting.archive import Entry
from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.acting.gated import OVERWRITE, take_back
from include.dedupe.clustering.facts import protected_among
from include.dedupe.flow import Document
from include.dedupe.planning.partitions import divide
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage
from include.flow_client import FlowAddress, FlowClient
from tests.contract.solr.changed_schema import ask as ask_solr
from tests.contract.solr.changed_schema import solr_with

STORED = {"indexed": True, "stored": True}
FIELDS = [
    {"name": "_root_", "type": "string", "indexed": True, "stored": False, "docValues": False},
    {"name": "all_words", "type": "text_general", "multiValued": True, **STORED},
    {"name": "first_title", "type": "string", **STORED},
    {"name": "score", "type": "pint", **STORED},
]
COPIES = [
    {"source": "title_s", "dest": "all_words"},
    {"source": "labels", "dest": "all_words"},
    {"source": "title_s", "dest": "first_title"},
    {"source": "rank_i", "dest": "all_words"},
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlowAddress]:
    """A collection whose schema copies into stored fields and knows nested documents."""
    with solr_with(tmp_path_factory.mktemp("solr"), FIELDS, COPIES) as found:
        yield found


def ask(address: FlowAddress, call: Callable[[ClientWriter, FlowClient], Awaitable[Any]]) -> Any:
    """Ask a collection that is empty."""

    async def main(writer: ClientWriter, client: FlowClient) -> Any:
        await client.delete(query="*:*", commit=True)
        return await call(writer, client)

    return ask_solr(address, main)


@pytest.mark.parametrize(
    "document",
    [
        {"title_s": "a title", "labels": ["x", "y"], "rank_i": 7},
        {"title_s": "a title", "all_words": ["own words"]},
        {"all_words": ["own words", "own words"], "first_title": "given"},
        {"title_s": "twice", "labels": ["twice", "twice"]},
        {"score": 5, "labels": ["x"]},
    ],
)
def test_a_document_that_is_deleted_and_added_again_is_as_before(
    address: FlowAddress, document: Document
) -> None:
    async def main(writer: ClientWriter, client: FlowClient) -> tuple[Document, Document]:
        await client.update([{"id": "one", **document}], commit=True)
        before = (await writer.read(["one"], ("*", "_version_")))["one"]
        await writer.delete("one", before["_version_"])
        await writer.commit()
        copies = [Copy(*rule) for rule in await writer.copies()]
        await add_again(writer, before, None, copies)
        await writer.commit()
        return before, (await writer.read(["one"], ("*", "_version_")))["one"]

    before, after = ask(address, main)
    assert differences(before, after) == []


def test_a_document_that_was_overwritten_is_as_before(address: FlowAddress, tmp_path: Path) -> None:
    config = CollectionConfig.model_validate({"flow": {"connection": "any", "collection": "any"}})
    old = {"title_s": "a title", "labels": ["x"], "rank_i": 7, "score": 5}

    async def main(writer: ClientWriter, client: FlowClient) -> tuple[Document, Document]:
        await client.update([{"id": "one", **old}], commit=True)
        before = (await writer.read(["one"], ("*", "_version_")))["one"]
        await writer.replace({"id": "one", "title_s": "new"}, before["_version_"], None)
        await writer.commit()
        now = (await writer.read(["one"], ("*", "_version_")))["one"]
        entry = Entry("run", "one", OVERWRITE, "", "", "", "", before)
        copies = [Copy(*rule) for rule in await writer.copies()]
        await take_back(writer, Storage(str(tmp_path)), config, entry, now, copies=copies)
        await writer.commit()
        return before, (await writer.read(["one"], ("*", "_version_")))["one"]

    before, after = ask(address, main)
    assert differences(before, after) == []


def test_a_parent_its_children_and_nobody_else_are_left_alone(address: FlowAddress) -> None:
    config = CollectionConfig.model_validate({"flow": {"connection": "any", "collection": "any"}})

    async def main(writer: ClientWriter, client: FlowClient) -> frozenset[str]:
        child = {"id": "child", "title_s": "inside"}
        parent = {"id": "parent", "title_s": "outside", "_childDocuments_": [child]}
        await client.update([parent, {"id": "alone"}, {"id": "other"}], commit=True)
        return await protected_among(writer.reader, config, ["parent", "child", "alone", "other", "gone"])

    assert ask(address, main) == {"parent", "child"}


@pytest.mark.parametrize("step", ["auto", "day", "month", "year"])
def test_years_before_the_first_and_after_9999_are_in_one_partition_each(
    address: FlowAddress, step: str
) -> None:
    dates = ["-0044-03-15T00:00:00Z", "0001-01-01T00:00:00Z", "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"]
    dates += ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z", "+10000-01-01T00:00:00Z"]
    config = CollectionConfig.model_validate(
        {
            "flow": {"connection": "any", "collection": "any"},
            "fields": {"date": "date_dt"},
            "partitions": {"by": "date", "step": step},
            "target_docs": 2,
        }
    )

    async def main(writer: ClientWriter, client: FlowClient) -> int:
        await client.update([{"id": date, "date_dt": date} for date in dates] + [{"id": "none"}], commit=True)
        return sum(one.expected for one in await divide(writer.reader, config, (), 16))

    assert ask(address, main) == len(dates) + 1
