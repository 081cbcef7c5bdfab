"""Coding: pairs as numbers, positions in a list of ids, each of which is looked at once."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.clustering.ordering import Codes, Flags, changes, in_order
from include.dedupe.tables import PAIRS

Texts: TypeAlias = pa.Array | pa.ChunkedArray


@dataclass(frozen=True, slots=True)
class CodedPairs:
    """Unordered pairs of ``ids``, which are distinct and in order.

    ``low`` and ``high`` are positions in them, ``from_low`` and ``from_high`` say from which
    sides each pair was seen.
    """

    ids: pa.Array
    low: Codes
    high: Codes
    scores: npt.NDArray[np.float64]
    from_low: Flags
    from_high: Flags

    @classmethod
    def of(cls, edges: pa.Table | pd.DataFrame) -> Self:
        """Return the pairs of edges (columns of EDGES), in order; a document that found itself makes none."""
        return cls.seen_in(edges).united()

    @classmethod
    def seen_in(cls, edges: pa.Table | pd.DataFrame) -> Self:
        """Return one row for each edge as ``of`` does, in any order and as often as the pair was seen."""
        ids, query, match = encode(edges["query_id"], edges["match_id"])
        scores, apart = np.asarray(edges["score"], np.float64), query != match
        query, match = query[apart], match[apart]
        low, high = np.minimum(query, match), np.maximum(query, match)
        from_low = query < match
        return cls(ids, low, high, scores[apart], from_low, ~from_low)

    @classmethod
    def of_pairs(cls, pairs: pa.Table | pd.DataFrame) -> Self:
        """Return rows of PAIRS, which are in order."""
        ids, low, high = encode(pairs["id_a"], pairs["id_b"])
        scores = np.asarray(pairs["score"], np.float64)
        seen = (np.asarray(pairs[f"seen_from_{side}"], np.bool_) for side in "ab")
        return cls(ids, low, high, scores, *seen)

    def __len__(self) -> int:
        return len(self.low)

    @property
    def columns(self) -> list[npt.NDArray[Any]]:
        return [getattr(self, one.name) for one in fields(self)[1:]]

    def take(self, rows: slice | npt.NDArray[Any]) -> Self:
        """Return some of the pairs, of the same ids."""
        return type(self)(self.ids, *(column[rows] for column in self.columns))

    def of_ids_in_use(self) -> Self:
        """Return the same pairs without the ids that are in none."""
        used = np.zeros(len(self.ids), bool)
        used[self.low] = used[self.high] = True
        if used.all():
            return self
        place = (np.cumsum(used) - 1).astype(np.int32)
        ids = self.ids.take(pa.array(np.flatnonzero(used)))
        return type(self)(ids, place[self.low], place[self.high], *self.columns[2:])

    def united(self) -> Self:
        """Return each pair once, in order: with the best score, seen from all sides that it was seen from."""
        if not len(self.low):
            return self
        key = self.low.astype(np.int64) * len(self.ids) + self.high
        order = np.argsort(key)
        starts = np.flatnonzero(changes(key[order]))
        first = order[starts]
        sides = self.from_low.view(np.uint8) | self.from_high.view(np.uint8) << 1
        seen = np.bitwise_or.reduceat(sides[order], starts)
        scores = np.maximum.reduceat(self.scores[order], starts)
        from_low, from_high = seen & 1, seen >> 1
        return type(self)(
            self.ids, self.low[first], self.high[first], scores, from_low.view(bool), from_high.view(bool)
        )

    def to_table(self) -> pa.Table:
        """Return the pairs as rows of PAIRS, sorted by both ids."""
        ends = [self.ids.take(pa.array(side)).cast(pa.string()) for side in (self.low, self.high)]
        rest = [pa.array(column) for column in (self.scores, self.from_low, self.from_high)]
        return pa.Table.from_arrays([*ends, *rest], schema=PAIRS)

    def to_frame(self) -> pd.DataFrame:
        """Return the pairs as columns of PAIRS, sorted by both ids."""
        ends = (self.ids.take(pa.array(side)).to_pandas() for side in (self.low, self.high))
        columns = [*ends, self.scores, self.from_low, self.from_high]
        return pd.DataFrame(dict(zip(PAIRS.names, columns, strict=True)))


def to_pairs(edges: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each unordered pair of edges (columns of EDGES), sorted by both ids."""
    return CodedPairs.of(edges).to_frame()


def encode(left: pd.Series[str] | Texts, right: pd.Series[str] | Texts) -> tuple[pa.Array, Codes, Codes]:
    """Return the distinct ids of two columns in order, and each column as positions in them.

    Rows with the same left id often follow each other, so it is looked at once for all of them.
    """
    runs = [pc.run_end_encode(chunk, run_end_type=pa.int64()) for chunk in _chunks(left)]
    ids, codes = in_order([*(run.values for run in runs), *_chunks(right)])
    each = [np.diff(run.run_ends.to_numpy(), prepend=0) for run in runs]
    lengths = np.concatenate([np.zeros(0, np.int64), *each])
    return ids, np.repeat(codes[: len(lengths)], lengths), codes[len(lengths) :]


def _chunks(column: pd.Series[str] | Texts) -> list[pa.Array]:
    """Return a column as Arrow arrays, without a copy where it is held so already."""
    is_held = isinstance(column, pa.Array | pa.ChunkedArray)
    array = column if is_held else pa.array(column, type=pa.large_string())
    return array.chunks if isinstance(array, pa.ChunkedArray) else [array]
