"""Deadline: what takes too long is broken off.

Everything it watches has the same limit, so one timer serves all requests under way. A timer for each, as
aiohttp and `asyncio.timeout` set them, costs a tenth of what a client can send.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadline:
    """`with deadline:` raises TimeoutError in the task that has been inside for `limit_s` seconds."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._loop = asyncio.get_running_loop()
        self._inside: dict[asyncio.Task[object], tuple[float, int]] = {}  # those that end first come first
        self._late: set[asyncio.Task[object]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        task = self._task()
        end = self._loop.time() + self._limit_s
        self._inside[task] = end, task.cancelling()
        if self._timer is None:
            self._timer = self._loop.call_at(end, self._check)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task = self._task()
        _, cancelling = self._inside.pop(task)
        if task in self._late:
            self._late.remove(task)
            if task.uncancel() <= cancelling and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def close(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()

    def _check(self) -> None:
        now = self._loop.time()
        for task, (end, _) in self._inside.items():
            if end > now:
                self._timer = self._loop.call_at(end, self._check)
                return
            if task not in self._late:
                self._late.add(task)
                task.cancel()
        self._timer = None

    def _task(self) -> asyncio.Task[object]:
        task = asyncio.current_task(self._loop)
        if task is None:
            raise RuntimeError("A deadline is kept by tasks only: call Flow from a coroutine.")
        return task
