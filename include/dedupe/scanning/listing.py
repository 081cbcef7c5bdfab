"""Listing: the documents of a partition, page by page, through outages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from include.dedupe.flow import FlowReader, Page
from include.dedupe.scanning.outage import Outage

Item = TypeVar("Item")


async def list_documents(
    flow: FlowReader,
    outage: Outage,
    *,
    fq: Sequence[str],
    fl: Sequence[str],
    page_size: int,
    cursor_mark: str | None = None,
) -> AsyncIterator[Page]:
    """Yield the pages behind ``cursor_mark``, by id, waiting where Flow does not answer."""
    while True:
        try:
            async for page in flow.iterate(fq=fq, fl=fl, page_size=page_size, cursor_mark=cursor_mark):
                yield page
                cursor_mark = page.next_cursor_mark
            return
        except flow.outage:
            await outage.wait()


async def ahead(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """Yield the items, fetching the next one while one is worked on."""
    following = asyncio.ensure_future(anext(items, None))
    try:
        while (item := await following) is not None:
            following = asyncio.ensure_future(anext(items, None))
            yield item
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
