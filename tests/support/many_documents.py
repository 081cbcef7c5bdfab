"""Many documents with known duplicates in one collection: few pictures, analysed once, each used often."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from include.flow_client import FlowAddress, FlowClient
from tests.support.small_collection import PHOTOS

PICTURES = ("skimage-chelsea.jpg", "gcompris-moose.jpg", "skimage-coffee.jpg", "sklearn-china.jpg")


async def fill(address: FlowAddress, documents: Iterable[dict[str, Any]]) -> None:
    """Replace everything in a collection by ``documents``; ``picture`` (0 to 3) says what one shows."""
    async with FlowClient(address) as client:
        await client.delete(query="*:*", commit=True)
    await add(address, documents)


async def add(address: FlowAddress, documents: Iterable[dict[str, Any]]) -> None:
    async with FlowClient(address) as client:
        analysed = [await client.analyze(data=(PHOTOS / name).read_bytes()) for name in PICTURES]
        waiting = iter(documents)
        while batch := list(itertools.islice(waiting, 500)):
            await client.update([_with_import(document, analysed) for document in batch], commit=True)


async def remove(address: FlowAddress, ids: list[str]) -> None:
    async with FlowClient(address) as client:
        await client.delete(ids, commit=True)


def _with_import(document: dict[str, Any], analysed: list[dict[str, Any]]) -> dict[str, Any]:
    fields = dict(document)
    picture = fields.pop("picture", None)
    return fields if picture is None else {**fields, "import": analysed[picture]}
