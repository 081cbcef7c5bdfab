"""A real Solr whose schema is changed for some tests, and how they ask it."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.connect import ClientReader
from include.flow_client import FlowAddress, FlowClient
from tests.contract.solr.real_solr import real_solr

Change = Mapping[str, Any]


@contextmanager
def solr_with(directory: Path, fields: Sequence[Change], copies: Sequence[Change]) -> Iterator[FlowAddress]:
    """The address of a collection that has these fields and copies of fields, as long as it is used."""
    with real_solr(directory) as url:
        root = url.rpartition("/solr/")[0]
        with urllib.request.urlopen(f"{root}/solr/admin/cores?action=STATUS", timeout=10) as answer:  # noqa: S310
            core = next(iter(json.load(answer)["status"]))
        for field in fields:
            change_schema(url, {"add-field": field})
        for copy in copies:
            change_schema(url, {"add-copy-field": copy})
        yield FlowAddress(root, core)
        for copy in copies:
            change_schema(url, {"delete-copy-field": copy})
        for field in fields:
            change_schema(url, {"delete-field": {"name": field["name"]}})


def change_schema(url: str, change: Change) -> None:
    body = json.dumps(change).encode()
    asked = urllib.request.Request(f"{url}/schema", body, {"Content-Type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
        assert "error" not in json.load(answer)


def ask(address: FlowAddress, call: Callable[[ClientWriter, FlowClient], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with FlowClient(address) as client:
            return await call(ClientWriter(client, ClientReader(client)), client)

    return asyncio.run(main())
