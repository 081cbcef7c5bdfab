"""Ahead: while one piece is worked on, the next one is made beside it, so that two cores have work."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
_END = object()


def made_ahead(pieces: Iterable[T]) -> Generator[T, None, None]:
    """Yield pieces in their order; a thread makes the one that follows. What it raises is raised here.

    One piece more is in memory than without. Whoever stops early waits for the one that is being made.
    """
    following = iter(pieces)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming = pool.submit(next, following, _END)
        while (piece := coming.result()) is not _END:
            coming = pool.submit(next, following, _END)
            yield piece  # type: ignore[misc]
