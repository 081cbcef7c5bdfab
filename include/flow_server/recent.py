"""What was computed and may be wanted again, bounded by what it takes in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Keeps the entries used last, up to `most_bytes` by `weigh`, and always the newest; thread-safe."""

    def __init__(self, most_bytes: int, weigh: Callable[[K, V], int]) -> None:
        self._most_bytes = most_bytes
        self._weigh = weigh
        self._bytes = 0
        self._entries: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """The value, None where there is none (any more)."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def keep(self, key: K, value: V) -> V:
        """Keeps `value` and returns it; what was used longest ago gives way."""
        with self._lock:
            if key in self._entries:
                self._bytes -= self._weigh(key, self._entries.pop(key))
            self._entries[key] = value
            self._bytes += self._weigh(key, value)
            while self._bytes > self._most_bytes and len(self._entries) > 1:
                self._bytes -= self._weigh(*self._entries.popitem(last=False))
        return value

    def bytes(self) -> int:
        """What the entries weigh together."""
        return self._bytes
