"""Flight: several calls at once, none of which goes on after one has failed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


async def together(calls: Iterable[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    """Return the answers in order; the first error ends all of them before it is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]


async def for_each(items: Sequence[Item], at_once: int, work: Callable[[Item], Awaitable[None]]) -> None:
    """Work on all items, so many at once; the first error ends all of them before it is raised."""
    waiting = iter(items)

    async def go_on() -> None:
        for item in waiting:
            await work(item)

    await together(go_on() for _ in range(min(at_once, len(items))))
