"""Seeing: what was written shows with the next commit, or a moment later where commits take effect late."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.flow import Document

VISIBLE_WITHIN_S = 60.0
SEARCHED_WITHIN_S = 20.0
"""Time in which all replicas show what one shows; where commits are ignored, Solr's default is 15 seconds."""
LOOK_EACH_S = 0.5
UNSEEN = "it was written but cannot be seen in the collection"
FIELDS = ("*", "_version_")
Answer = TypeVar("Answer")


async def see(
    writer: FlowWriter,
    ids: Sequence[str],
    is_so: Callable[[Mapping[str, Document]], bool],
    fl: Sequence[str] = FIELDS,
) -> dict[str, Document]:
    """Commit, and return the documents as soon as they are as expected, or as they are after a while."""
    await writer.commit()

    async def read() -> dict[str, Document]:
        return await writer.read(ids, fl) if ids else {}

    return await asked_until(read, is_so, VISIBLE_WITHIN_S)


async def asked_until(
    ask: Callable[[], Awaitable[Answer]],
    is_so: Callable[[Answer], object],
    seconds: float = SEARCHED_WITHIN_S,
) -> Answer:
    """Ask again until the answer is as expected, and return it, or the last one.

    For what another one may answer than before: each replica of a shard shows what was written in its own
    time.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while not is_so(answer := await ask()) and clock() <= deadline:
        await asyncio.sleep(LOOK_EACH_S)
    return answer
