"""An event loop whose time stands still while it works and jumps to the next thing that it waits for.

So what is measured and waited for is the same on every machine, however busy. Nothing but timers is awaited:
a socket that has nothing to read does not hold it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")


class _Jumping(selectors.SelectSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += max(0.0, timeout or 0.0)
        return super().select(0)


class _VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run_in_virtual_time(main: Callable[[Callable[[], float]], Coroutine[Any, Any, Answer]]) -> Answer:
    """Run a coroutine; it is given the clock."""
    with asyncio.Runner(loop_factory=_VirtualLoop) as runner:
        return runner.run(main(runner.get_loop().time))
