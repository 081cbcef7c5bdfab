"""Coding: pairs as numbers, positions in a list of ids, each of which is looked at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]


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
    def of(cls, edges: pd.DataFrame) -> Self:
        """Return the pairs of edges (columns of EDGES); a document that found itself makes none."""
        ids, query, match = encode(edges["query_id"], edges["match_id"])
        scores, apart = edges["score"].to_numpy(np.float64), query != match
        query, match = query[apart], match[apart]
        low, high = np.minimum(query, match), np.maximum(query, match)
        from_low = query < match
        return cls(ids, low, high, scores[apart], from_low, ~from_low).united()

    def united(self) -> Self:
        """Return each pair once, in order: with the best score, seen from all sides that it was seen from."""
        if not len(self.low):
            return self
        key = self.low.astype(np.int64) * len(self.ids) + self.high
        order = np.argsort(key, kind="stable")
        key = key[order]
        starts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
        first = order[starts]
        return type(self)(
            self.ids,
            self.low[first],
            self.high[first],
            np.maximum.reduceat(self.scores[order], starts),
            np.logical_or.reduceat(self.from_low[order], starts),
            np.logical_or.reduceat(self.from_high[order], starts),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the pairs as columns of PAIRS, sorted by both ids."""
        return pd.DataFrame(
            {
                "id_a": self.ids.take(pa.array(self.low)).to_pandas(),
                "id_b": self.ids.take(pa.array(self.high)).to_pandas(),
                "score": self.scores,
                "seen_from_a": self.from_low,
                "seen_from_b": self.from_high,
            }
        )


def to_pairs(edges: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each unordered pair of edges (columns of EDGES), sorted by both ids."""
    return CodedPairs.of(edges).to_frame()


def encode(
    left: pd.Series[str] | pa.Array, right: pd.Series[str] | pa.Array
) -> tuple[pa.Array, Codes, Codes]:
    """Return the distinct ids of two columns in order, and each column as positions in them."""
    ids, codes = _in_order(pa.concat_arrays([_strings(column) for column in (left, right)]))
    return ids, codes[: len(left)], codes[len(left) :]


def _in_order(texts: pa.Array) -> tuple[pa.Array, Codes]:
    """Return the distinct texts in order, and the position of each text in them."""
    seen = texts.dictionary_encode()
    order = pc.sort_indices(seen.dictionary).to_numpy()
    place = np.empty(len(order), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return seen.dictionary.take(pa.array(order)), place[seen.indices.to_numpy()]


def _strings(column: pd.Series[str] | pa.Array) -> pa.Array:
    """Return a column as an Arrow array, without a copy where pandas holds it so already."""
    array = column if isinstance(column, pa.Array) else pa.array(column, type=pa.large_string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
