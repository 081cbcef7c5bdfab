"""Known rows: pairs as runs have found them, as numbers, the oldest first.

Any number of tables become one order of rows, whose ids lie in a file. A row takes 42 bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.dedupe.clustering.coding import CodedPairs
from include.dedupe.clustering.numbering import Numbering
from include.dedupe.clustering.ordering import Codes, Flags, changes
from include.dedupe.clustering.prints import Prints, to_numbers, to_texts
from include.dedupe.tables import KNOWN_PAIRS

Scores = npt.NDArray[np.float64]
PART_PAIRS = 1_000_000
_KEY = ("low", "high", "low_print", "high_print")


@dataclass(frozen=True, slots=True)
class KnownRows:
    """Rows of KNOWN_PAIRS of one detector.

    ``low`` and ``high`` are positions in ``ids``, which are distinct and in order; the prints are the
    fingerprints of both documents when the pair was found.
    """

    ids: pa.Array
    low: Codes
    high: Codes
    low_print: Prints
    high_print: Prints
    scores: Scores
    from_low: Flags
    from_high: Flags
    floors: Scores

    def __len__(self) -> int:
        return len(self.low)

    @property
    def columns(self) -> list[npt.NDArray[Any]]:
        return [getattr(self, one.name) for one in fields(self)[1:]]

    def take(self, rows: slice | npt.NDArray[Any]) -> Self:
        """Return some of the rows, of the same ids."""
        return type(self)(self.ids, *(column[rows] for column in self.columns))

    def only(self, chosen: Flags) -> Self:
        """Return the chosen rows, without a copy where all are."""
        return self if chosen.all() else self.take(chosen)

    def united(self) -> Self:
        """Return each pair once, as it was found last, in order; seen from all sides it ever was."""
        key = self.low.astype(np.int64) * len(self.ids) + self.high
        if (np.diff(key) > 0).all():
            return self
        order = np.argsort(key, kind="stable")
        begins = changes(key[order])
        last, starts = order[np.roll(begins, -1)], np.flatnonzero(begins)
        sides = self.from_low.view(np.uint8) | self.from_high.view(np.uint8) << 1
        seen = np.bitwise_or.reduceat(sides[order], starts)
        return replace(self.take(last), from_low=(seen & 1).view(bool), from_high=(seen >> 1).view(bool))

    def are_in(self, others: Self) -> Flags:
        """Tell which are among others of the same ids, with the same fingerprints."""
        if not len(others):
            return np.zeros(len(self), bool)
        columns = [np.concatenate([getattr(others, name), getattr(self, name)]) for name in _KEY]
        order = np.lexsort(columns[::-1])
        begins = np.logical_or.reduce([changes(column[order]) for column in columns])
        group = np.cumsum(begins) - 1
        is_known = np.zeros(group[-1] + 1, bool)
        is_known[group[order < len(others)]] = True
        found = np.zeros(len(order), bool)
        found[order] = is_known[group]
        own: Flags = found[len(others) :]
        return own

    def of_two(self) -> Flags:
        """Tell which are of two documents: one that was searched for is kept as a pair with itself."""
        of_two: Flags = self.low != self.high
        return of_two

    def pairs(self) -> CodedPairs:
        return CodedPairs(self.ids, self.low, self.high, self.scores, self.from_low, self.from_high)

    def spans(self) -> Iterator[Self]:
        """Yield the rows in parts, at least one."""
        for first in range(0, len(self) or 1, PART_PAIRS):
            yield self.take(slice(first, first + PART_PAIRS))

    def to_tables(self, detector: str) -> Iterator[pa.Table]:
        """Yield the rows in parts, as rows of KNOWN_PAIRS."""
        for part in self.spans():
            pairs = part.pairs().to_table()
            columns = [
                *pairs.columns,
                to_texts(part.low_print),
                to_texts(part.high_print),
                pa.repeat(detector, len(part)),
                pa.array(part.floors),
            ]
            yield pa.Table.from_arrays(columns, schema=KNOWN_PAIRS)


class Gathering:
    """Takes in tables of known pairs; ``folder``: an empty one, with space for all their ids."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._numbering = Numbering(folder)
        self._parts: list[tuple[int, list[npt.NDArray[Any]]]] = []
        self.count = 0
        self.add(KNOWN_PAIRS.empty_table())

    def add(self, rows: pa.Table) -> None:
        """Take in rows of KNOWN_PAIRS."""
        prints = [to_numbers(rows[f"fingerprint_{side}"]) for side in "ab"]
        self._numbered(CodedPairs.of_pairs(rows), prints, rows["floor"].to_numpy())

    def add_found(self, parts: list[CodedPairs], prints: Prints, floor: float) -> None:
        """Take in pairs of the same ids, of each of which its fingerprint is given."""
        for number, pairs in enumerate(parts):
            ends = [prints[pairs.low], prints[pairs.high]]
            self._numbered(pairs, ends, np.full(len(pairs), floor), are_new_ids=number == 0)

    def _numbered(
        self, pairs: CodedPairs, prints: list[Prints], floors: Scores, *, are_new_ids: bool = True
    ) -> None:
        if are_new_ids:
            self._numbering.add(pairs.ids)
        low, high, *rest = pairs.columns
        self._parts.append((self._numbering.parts - 1, [low, high, *prints, *rest, floors]))
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
        return KnownRows(ids, *(np.concatenate([each.pop(0) for each in parts]) for _ in range(8)))
