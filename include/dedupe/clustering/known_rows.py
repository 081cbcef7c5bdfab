"""Known rows: pairs as runs have found them, as numbers, the oldest first.

Any number of tables become one order of rows, whose ids lie in a file. A row takes 36 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.dedupe.clustering.coding import CodedPairs
from include.dedupe.clustering.numbering import Numbering
from include.dedupe.clustering.ordering import Flags, changes
from include.dedupe.clustering.prints import Prints, to_numbers, to_texts
from include.dedupe.tables import KNOWN_PAIRS

Marks = npt.NDArray[np.uint16]
Scores = npt.NDArray[np.float64]
PART_PAIRS = 1_000_000
UNITED_PAIRS = 8_000_000
"""Rows of which each pair is looked for at once."""


@dataclass(frozen=True, slots=True)
class KnownRows:
    """Rows of KNOWN_PAIRS of one detector: ``pairs`` in any order, each as often as it was found.

    The prints are the fingerprints of both documents when the pair was found. ``floor``: the place of its
    floor among ``floors``, all that any row has.
    """

    pairs: CodedPairs
    low_print: Prints
    high_print: Prints
    floor: Marks
    floors: Scores

    def __len__(self) -> int:
        return len(self.pairs)

    def take(self, rows: slice | npt.NDArray[Any]) -> Self:
        """Return some of the rows, of the same ids."""
        prints = self.low_print[rows], self.high_print[rows]
        return type(self)(self.pairs.take(rows), *prints, self.floor[rows], self.floors)

    def only(self, chosen: Flags) -> Self:
        """Return the chosen rows, without a copy where all are."""
        return self if chosen.all() else self.take(chosen)

    def united(self, chosen: Flags | None = None) -> Iterator[Self]:
        """Yield each pair once, or each chosen one, as it was found last; seen from all sides it ever was.

        They come in order and in parts, at least one. Those of some low ids are looked at at a time, so that
        little is held beside these rows.
        """
        low = self.pairs.low
        bounds = np.linspace(0, len(self.pairs.ids), 2 + len(self) // UNITED_PAIRS).astype(np.int64)
        for first, end in pairwise(bounds):
            near = (low >= first) & (low < end)
            yield from self.only(near if chosen is None else near & chosen)._united().spans()

    def _united(self) -> Self:
        key = self.pairs.low.astype(np.int64) * len(self.pairs.ids) + self.pairs.high
        if (np.diff(key) > 0).all():
            return self
        order = np.argsort(key, kind="stable")
        begins = changes(key[order])
        last, starts = order[np.roll(begins, -1)], np.flatnonzero(begins)
        found = self.take(last)
        sides = (self.pairs.from_low, self.pairs.from_high)
        low, high = (np.logical_or.reduceat(side[order], starts) for side in sides)
        return replace(found, pairs=replace(found.pairs, from_low=low, from_high=high))

    def are_in(self, others: Self) -> Flags:
        """Tell which are among others of the same ids, with the same fingerprints."""
        if not (len(self) and len(others)):
            return np.zeros(len(self), bool)
        own_low, low = self.pairs.low, others.pairs.low
        others = others.only((low >= own_low.min()) & (low <= own_low.max()))
        columns = [np.concatenate(both) for both in zip(others._key(), self._key(), strict=True)]
        order = np.lexsort(columns)
        group = np.cumsum(np.logical_or.reduce([changes(column[order]) for column in columns])) - 1
        is_known = np.zeros(group[-1] + 1, bool)
        is_known[group[order < len(others)]] = True
        found = np.zeros(len(order), bool)
        found[order] = is_known[group]
        own: Flags = found[len(others) :]
        return own

    def _key(self) -> list[npt.NDArray[Any]]:
        """What tells rows apart: both documents, and their fingerprints."""
        return [self.pairs.low, self.pairs.high, self.low_print, self.high_print]

    def of_two(self) -> Flags:
        """Tell which are of two documents: one that was searched for is kept as a pair with itself."""
        of_two: Flags = self.pairs.low != self.pairs.high
        return of_two

    def spans(self) -> Iterator[Self]:
        """Yield the rows in parts, at least one."""
        for first in range(0, len(self) or 1, PART_PAIRS):
            yield self.take(slice(first, first + PART_PAIRS))

    def to_table(self, detector: str) -> pa.Table:
        """Return rows of KNOWN_PAIRS."""
        columns = [
            *self.pairs.to_table().columns,
            to_texts(self.low_print),
            to_texts(self.high_print),
            pa.repeat(detector, len(self)),
            pa.array(self.floors[self.floor]),
        ]
        return pa.Table.from_arrays(columns, schema=KNOWN_PAIRS)


class Gathering:
    """Takes in tables of known pairs; ``folder``: an empty one, with space for all their ids."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._numbering = Numbering(folder)
        self._parts: list[tuple[int, list[npt.NDArray[Any]]]] = []
        self._floors: dict[float, int] = {}
        self.count = 0
        self.add(KNOWN_PAIRS.empty_table())

    def add(self, rows: pa.Table) -> None:
        """Take in rows of KNOWN_PAIRS."""
        prints = [to_numbers(rows[f"fingerprint_{side}"]) for side in "ab"]
        floors = rows["floor"].combine_chunks().dictionary_encode()
        marks = np.array([self._mark(floor) for floor in floors.dictionary.to_pylist()], np.uint16)
        self._numbered(CodedPairs.of_pairs(rows), prints, marks[floors.indices.to_numpy()])

    def add_found(self, parts: list[CodedPairs], prints: Prints, floor: float) -> None:
        """Take in pairs of the same ids, of each of which its fingerprint is given."""
        mark = np.uint16(self._mark(floor))
        for number, pairs in enumerate(parts):
            ends = [prints[pairs.low], prints[pairs.high]]
            self._numbered(pairs, ends, np.full(len(pairs), mark), are_new_ids=number == 0)

    def _mark(self, floor: float) -> int:
        return self._floors.setdefault(floor, len(self._floors))

    def _numbered(
        self, pairs: CodedPairs, prints: list[Prints], marks: Marks, *, are_new_ids: bool = True
    ) -> None:
        if are_new_ids:
            self._numbering.add(pairs.ids)
        self._parts.append((self._numbering.parts - 1, [*pairs.columns, *prints, marks]))
        self.count += len(pairs)

    def finish(self) -> KnownRows:
        """Return all rows in the order in which they were taken in."""
        ids = self._numbering.finish()
        known, places = -1, np.zeros(0, np.int32)
        for number, columns in self._parts:
            if number != known:
                known, places = number, self._numbering.places(number)
            columns[:2] = [places[side] for side in columns[:2]]
        parts = [columns for _, columns in self._parts]
        self._parts = []
        *pairs, low, high, marks = (np.concatenate([each.pop(0) for each in parts]) for _ in range(8))
        return KnownRows(CodedPairs(ids, *pairs), low, high, marks, np.array(list(self._floors), np.float64))
