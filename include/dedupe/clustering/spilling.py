"""Spilling: the pairs of any number of parts become one order without the parts being in memory together.

Some parts at a time are sorted and laid into a file, as numbers. When all ids have one order, the numbers of
each file become positions in it, and the pairs of some low ids at a time are taken from all files and united.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.dedupe.ahead import made_ahead, read_ahead
from include.dedupe.clustering.coding import CodedPairs
from include.dedupe.clustering.numbering import Numbering
from include.dedupe.clustering.ordering import Codes, Flags, in_order
from include.dedupe.tables import PAIRS

FILE_ROWS = 2_000_000
PIECE_PAIRS = 1_000_000
_COLUMNS: tuple[np.dtype[Any], ...] = (
    np.dtype(np.int32),
    np.dtype(np.int32),
    np.dtype(np.float64),
    np.dtype(np.bool_),
)
"""Of each edge low and high, the score, and whether it was seen from low."""
Places = npt.NDArray[np.int64]


def join_on_disk(parts: Iterable[pa.Table], folder: Path) -> Iterator[CodedPairs]:
    """Yield the pairs of all edges, each once and in order: those of some low ids, then of what follows them.

    Args:
        parts: edges (columns of EDGES), read one after the other.
        folder: an empty one, with space for about 60 bytes an edge.
    """
    numbering, count = Numbering(folder), 0
    spilled: list[_Spilled] = []
    for pairs in made_ahead(CodedPairs.seen_in, read_ahead(gathered(parts))):
        numbering.add(pairs.ids)
        spilled.append(_Spilled.of(pairs, folder / f"{len(spilled)}.rows"))
        count += len(pairs)
    ids = numbering.finish()
    bounds = np.linspace(0, len(ids), 1 + max(1, -(-count // PIECE_PAIRS))).astype(np.int64)

    def renumbered(part: int) -> Places:
        return spilled[part].renumber(numbering.places(part), bounds)

    cuts = list(made_ahead(renumbered, range(len(spilled))))

    def united(piece: int) -> CodedPairs:
        ends = [cut[piece : piece + 2] for cut in cuts]
        low, high, scores, from_low = (_read_all(spilled, at, ends) for at in range(len(_COLUMNS)))
        return CodedPairs(ids, low, high, scores, from_low, ~from_low).united()

    yield from made_ahead(united, range(len(bounds) - 1))


def gathered(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Put parts together until they are worth a file."""
    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= FILE_ROWS:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


@dataclass(frozen=True, slots=True)
class _Spilled:
    """A file with so many edges in the order of ``low``, column by column."""

    file: Path
    count: int

    @classmethod
    def of(cls, pairs: CodedPairs, file: Path) -> Self:
        order = _order_of(pairs.low)
        with file.open("wb") as out:
            for column in pairs.columns[: len(_COLUMNS)]:
                column[order].tofile(out)
        return cls(file, len(pairs))

    def renumber(self, places: Codes, bounds: Places) -> Places:
        """Bring the numbers of both sides into the order of all ids; return where each bound begins."""
        low, high = (places[self.read(at, 0, self.count)] for at in (0, 1))
        with self.file.open("r+b") as out:
            low.tofile(out)
            high.tofile(out)
        cuts: Places = np.searchsorted(low, bounds)
        return cuts

    def read(self, column: int, begin: int, end: int) -> npt.NDArray[Any]:
        before, kind = sum(one.itemsize for one in _COLUMNS[:column]), _COLUMNS[column]
        offset = before * self.count + begin * kind.itemsize
        return np.fromfile(self.file, kind, count=end - begin, offset=offset)


def _order_of(codes: Codes) -> Places:
    """Return the places of codes in their order; twice as fast as to sort the places by the codes."""
    both = codes.astype(np.int64) << 32 | np.arange(len(codes))
    both.sort()
    return both & 0xFFFFFFFF


def _read_all(spilled: Iterable[_Spilled], column: int, ends: Iterable[Places]) -> npt.NDArray[Any]:
    found = (one.read(column, *end) for one, end in zip(spilled, ends, strict=True))
    return np.concatenate([np.zeros(0, _COLUMNS[column]), *found])


def number_pairs(
    parts: Iterable[CodedPairs], folder: Path, existing: Iterable[pa.Array] = ()
) -> tuple[CodedPairs, Flags]:
    """Return the pairs of parts that follow each other in order, by ids that lie in the folder.

    Of each id it tells whether it is in ``existing``, columns of ids.
    """
    numbering, found = Numbering(folder), []
    none = CodedPairs.of_pairs(PAIRS.empty_table())
    for pairs in chain((none,), parts):
        numbering.add(pairs.ids)
        found.append(pairs.columns)
    for ids in existing:
        numbering.add(in_order([ids])[0])
    ids = numbering.finish()
    for part, columns in enumerate(found):
        places = numbering.places(part)
        columns[:2] = [places[side] for side in columns[:2]]
    exists = np.zeros(len(ids), bool)
    for part in range(len(found), numbering.parts):
        exists[numbering.places(part)] = True
    return CodedPairs(ids, *(np.concatenate([each.pop(0) for each in found]) for _ in range(5))), exists
