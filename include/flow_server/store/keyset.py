"""Sets of documents by key. A complement is kept as what is missing, so "all but one" costs one key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

Keys: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.int64]]"


def as_keys(keys: Iterable[int]) -> Keys:
    """Keys in any order, made sorted and unique."""
    return np.unique(np.fromiter(keys, dtype=np.int64))


_WAITING = 100_000


@dataclass(frozen=True, slots=True)
class KeySet:
    """`keys` (sorted, unique), or with `complement` every document except those."""

    keys: Keys
    complement: bool = False

    def __invert__(self) -> KeySet:
        return KeySet(self.keys, not self.complement)

    def __and__(self, other: KeySet) -> KeySet:
        if self.complement and other.complement:
            return KeySet(np.union1d(self.keys, other.keys), complement=True)
        if self.complement:
            return other & self
        return KeySet(self.keys[other.contains(self.keys)])

    def __or__(self, other: KeySet) -> KeySet:
        return ~(~self & ~other) if self.complement or other.complement else KeySet(self._union(other))

    def __sub__(self, other: KeySet) -> KeySet:
        return self & ~other

    def _union(self, other: KeySet) -> Keys:
        return np.union1d(self.keys, other.keys)

    def contains(self, keys: Keys) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """For each of `keys`, in any order: is it in the set? Same shape as `keys`."""
        if not len(self.keys):
            return np.full(len(keys), fill_value=self.complement)
        places = np.searchsorted(self.keys, keys)
        found = np.equal(self.keys[np.minimum(places, len(self.keys) - 1)], keys)
        return np.not_equal(found, self.complement)

    def has(self, key: int) -> bool:
        """Whether one key is in the set."""
        place = int(np.searchsorted(self.keys, key))
        found = place < len(self.keys) and int(self.keys[place]) == key
        return found != self.complement

    def among(self, keys: Iterable[int]) -> set[int]:
        """Which of `keys` are in the set."""
        given = as_keys(keys)
        return set(given[self.contains(given)].tolist())

    def size(self, total: int) -> int:
        """How many documents of `total` are in the set."""
        return total - len(self.keys) if self.complement else len(self.keys)


def union(sets: Iterable[KeySet]) -> KeySet:
    """The documents of any of `sets`; the time grows with their sizes together, not with their number."""
    result = NOTHING
    waiting: list[Keys] = []
    size = 0
    for one in sets:
        if one.complement:
            result |= one
            continue
        waiting.append(one.keys)
        size += len(one.keys)
        if size > max(_WAITING, len(result.keys)):
            result |= KeySet(np.unique(np.concatenate(waiting)))
            waiting, size = [], 0
    return result | KeySet(np.unique(np.concatenate(waiting))) if waiting else result


NOTHING = KeySet(np.empty(0, dtype=np.int64))
EVERYTHING = ~NOTHING
