"""Pages of runs, the newest first: of a collection, or of its gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from include.dedupe.errors import UnknownError

AT_ONCE = 8

Run = TypeVar("Run")


@dataclass(frozen=True, slots=True)
class RunsPage(Generic[Run]):
    """Runs, the newest first. ``after`` of the next page is ``next``; empty at the end."""

    runs: tuple[Run, ...]
    total: int
    next: str


def page_of(folders: Sequence[str], after: str, limit: int, told: Callable[[str], Run]) -> RunsPage[Run]:
    """Return a page of the runs in ``folders``, each as it is ``told``; ``after`` is the last one before.

    Raises:
        UnknownError: ``after`` is none of the folders.
    """
    if after and after not in folders:
        raise UnknownError(f"{after!r:.80} is no place in the list of runs; begin at its start.")
    start = folders.index(after) + 1 if after else 0
    wanted = folders[start : start + limit]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = tuple(pool.map(told, wanted))
    is_last = start + limit >= len(folders)
    return RunsPage(runs, len(folders), "" if is_last or not wanted else wanted[-1])
