"""Apart: pairs that are no duplicates, kept as the groups of which it was said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Set
from itertools import combinations

Pair = tuple[str, str]


class Apart(Set[Pair]):
    """A set of pairs, the lower id first: of each group no two documents are duplicates.

    Ten thousand documents of one group are ten thousand entries, not fifty million pairs.
    """

    def __init__(self, groups: Iterable[Collection[str]] = ()) -> None:
        self._groups = tuple(frozenset(group) for group in groups)
        places: dict[str, set[int]] = defaultdict(set)
        for place, group in enumerate(self._groups):
            for document in group:
                places[document].add(place)
        self._places = dict(places)

    @property
    def documents(self) -> Collection[str]:
        """All documents of which anything was said."""
        return self._places.keys()

    def holds(self, group: Collection[str]) -> bool:
        """Whether no two documents of ``group`` are duplicates."""
        return any(known.issuperset(group) for known in self._groups) or all(
            pair in self for pair in combinations(sorted(group, key=str.encode), 2)
        )

    def __contains__(self, pair: object) -> bool:
        match pair:
            case (str(one), str(other)) if one != other:
                return not self._places.get(one, set()).isdisjoint(self._places.get(other, ()))
        return False

    def __iter__(self) -> Iterator[Pair]:
        seen: set[Pair] = set()
        for group in self._groups:
            for pair in combinations(sorted(group, key=str.encode), 2):
                if pair not in seen:
                    seen.add(pair)
                    yield pair

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return bool(self._places)
