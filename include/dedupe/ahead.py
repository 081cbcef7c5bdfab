"""Ahead: while one piece is worked on, the next ones are made beside it, so that two cores have work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
Made = TypeVar("Made")
THREADS = 2
_END = object()


def read_ahead(pieces: Iterable[T]) -> Generator[T, None, None]:
    """Yield pieces in their order; a thread makes the one that follows. What it raises is raised here.

    One piece more is in memory than without. Whoever stops early waits for the one that is being made.
    """
    following = iter(pieces)
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming = pool.submit(next, following, _END)
        while (piece := coming.result()) is not _END:
            coming = pool.submit(next, following, _END)
            yield piece  # type: ignore[misc]


def made_ahead(make: Callable[[T], Made], pieces: Iterable[T]) -> Generator[Made, None, None]:
    """Yield what is made of pieces, in their order; THREADS threads make that of the following ones.

    What they raise is raised here. So many pieces more are in memory than without.
    """
    with ThreadPoolExecutor(THREADS, thread_name_prefix="ahead") as pool:
        coming: deque[Future[Made]] = deque()
        for piece in pieces:
            coming.append(pool.submit(make, piece))
            if len(coming) > THREADS:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
