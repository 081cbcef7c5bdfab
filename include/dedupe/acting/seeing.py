"""Seeing: what was written shows with the next commit, or a moment later where commits take effect late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.flow import Document

VISIBLE_WITHIN_S = 60.0
LOOK_EACH_S = 0.5
UNSEEN = "it was written but cannot be seen in the collection"
FIELDS = ("*", "_version_")


async def see(
    writer: FlowWriter,
    ids: Sequence[str],
    is_so: Callable[[Mapping[str, Document]], bool],
    fl: Sequence[str] = FIELDS,
) -> dict[str, Document]:
    """Commit, and return the documents as soon as they are as expected, or as they are after a while."""
    await writer.commit()
    deadline = asyncio.get_running_loop().time() + VISIBLE_WITHIN_S
    while True:
        documents = await writer.read(ids, fl) if ids else {}
        if is_so(documents) or asyncio.get_running_loop().time() > deadline:
            return documents
        await asyncio.sleep(LOOK_EACH_S)
