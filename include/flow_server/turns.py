"""Threads for work that waits for others, such as downloads: whoever is slow keeps only their own waiting."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Turns:
    """Runs work by keys in turn: `threads` at once, and of one key at most `each`."""

    def __init__(self, threads: int, each: int) -> None:
        self._each = each
        self._free = threads
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, deque[tuple[Future[Any], Callable[[], Any]]]] = OrderedDict()
        self._running: Counter[str] = Counter()
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="pictures")

    def submit(self, key: str, work: Callable[[], T]) -> Future[T]:
        """What `work` returns or raises, once `key` had its turn; it may be cancelled until then."""
        future: Future[T] = Future()
        with self._lock:
            self._waiting.setdefault(key, deque()).append((future, work))
            self._begin()
        return future

    def close(self) -> None:
        """Waits for what is at work; what has not begun is cancelled."""
        with self._lock:
            left = [future for queue in self._waiting.values() for future, _ in queue]
            self._waiting.clear()
        for future in left:
            future.cancel()
        self._threads.shutdown(wait=True)

    def _begin(self) -> None:
        """Gives the free threads to the keys whose last turn is longest ago; the caller holds the lock."""
        for key in list(self._waiting):
            if not self._free:
                return
            if self._running[key] < self._each:
                future, work = self._waiting[key].popleft()
                self._waiting.move_to_end(key)
                if not self._waiting[key]:
                    del self._waiting[key]
                self._free -= 1
                self._running[key] += 1
                self._threads.submit(self._run, key, future, work)

    def _run(self, key: str, future: Future[Any], work: Callable[[], Any]) -> None:
        if future.set_running_or_notify_cancel():
            try:
                future.set_result(work())
            except BaseException as error:  # noqa: BLE001 - whoever waits for it is told
                future.set_exception(error)
        with self._lock:
            self._free += 1
            self._running[key] -= 1
            if not self._running[key]:
                del self._running[key]
            self._begin()
