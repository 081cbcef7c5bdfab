"""Pace: how many requests are under way at once, and how many begin in a second.

The number under way adapts: a server that is busy, or that has become much slower than it can be, gets fewer;
one that keeps up gets more again, up to the limit.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

SLOW = 3.0
"""So many times its shortest time may a request take before fewer are sent at once."""
FORGETTING = 1.02
"""The shortest time fades, so that a server that has changed for good is judged anew."""


class Pace:
    """Lets requests begin, in the order in which they come."""

    def __init__(
        self, most: int, per_second: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._most = most
        self._goal = float(most)
        self.allowed = most
        """How many requests may be under way now."""
        self._interval_s = 1 / per_second if per_second else 0.0
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._next_start = 0.0
        self._shortest_s = float("inf")
        self._window: list[float] = []
        self._window_is_busy = False

    def limit(self, most: int, per_second: float | None) -> None:
        """Set other limits; none may begin while ``most`` is 0."""
        self._most = most
        self._aim(min(max(self._goal, 1.0), float(most)))
        self._interval_s = 1 / per_second if per_second else 0.0
        self._wake()

    async def begin(self) -> float:
        """Wait for a turn; return when it began, for ``end``."""
        if self._under_way >= self.allowed or self._waiting:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                if turn.done() and not turn.cancelled():
                    self._leave()
                else:
                    self._waiting.remove(turn)
                raise
        else:
            self._under_way += 1
        if self._interval_s:
            await self._wait_for_start()
        return self._clock()

    def end(self, began: float, *, is_busy: bool) -> None:
        """Give the turn back; ``is_busy``: the server said that it has too much to do, or gave no answer."""
        self._window.append(self._clock() - began)
        self._window_is_busy |= is_busy
        if is_busy or len(self._window) >= self.allowed:
            self._adapt()
        self._leave()

    def _adapt(self) -> None:
        quickest_s = min(self._window)
        if self._window_is_busy:
            self._aim(max(1.0, self._goal / 2))
        elif quickest_s > SLOW * self._shortest_s:
            self._aim(max(2.0, self._goal * 0.9))
        else:
            self._aim(min(float(self._most), self._goal + 1))
        if not self._window_is_busy:
            self._shortest_s = min(self._shortest_s * FORGETTING, quickest_s)
        self._window.clear()
        self._window_is_busy = False

    def _aim(self, goal: float) -> None:
        self._goal = goal
        self.allowed = min(self._most, max(1, int(goal)))

    async def _wait_for_start(self) -> None:
        now = self._clock()
        start = max(now, self._next_start)
        self._next_start = start + self._interval_s
        try:
            await asyncio.sleep(start - now)
        except asyncio.CancelledError:
            self._leave()
            raise

    def _leave(self) -> None:
        self._under_way -= 1
        self._wake()

    def _wake(self) -> None:
        while self._waiting and self._under_way < self.allowed:
            turn = self._waiting.popleft()
            if not turn.done():
                self._under_way += 1
                turn.set_result(None)
