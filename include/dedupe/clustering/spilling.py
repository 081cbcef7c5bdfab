"""Spilling: the pairs of any number of parts become one order without the parts being in memory together.

Some parts at a time are sorted and laid into a file in batches. Of each file one batch is held. The lowest of
their last ids tells up to where nothing can follow that belongs before it: so far, pairs are united and given
out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.clustering.coding import CodedPairs, encode

FILE_EDGES = 2_000_000
BATCH_PAIRS = 50_000
SPILLED = pa.schema(
    {
        "low": pa.large_string(),
        "high": pa.large_string(),
        "score": pa.float64(),
        "from_low": pa.bool_(),
        "from_high": pa.bool_(),
    }
)


def join_on_disk(parts: Iterable[pd.DataFrame], folder: Path) -> Iterator[CodedPairs]:
    """Yield the pairs of all edges, each once and in order: those of some low ids, then of what follows them.

    Args:
        parts: edges (columns of EDGES), read one after the other.
        folder: an empty one, with space for about 60 bytes an edge.
    """
    files = [
        _spill(CodedPairs.of(edges), folder / f"{number}.arrow")
        for number, edges in enumerate(_gathered(parts))
    ]
    open_files = [one for one in map(_File, files) if one.rows]
    while open_files:
        bound = min(str(one.rows["low"][-1]) for one in open_files)
        yield _united(pa.concat_tables([one.take_up_to(bound) for one in open_files]))
        open_files = [one for one in open_files if one.rows]


def _gathered(parts: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Put parts together until they are worth a file."""
    waiting: list[pd.DataFrame] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= FILE_EDGES:
            yield pd.concat(waiting, ignore_index=True)
            waiting = []
    if waiting:
        yield pd.concat(waiting, ignore_index=True)


class _File:
    """What was read of a file and not taken yet; no rows at its end."""

    def __init__(self, file: Path) -> None:
        self._batches = iter(pa.ipc.open_stream(pa.OSFile(str(file))))
        self.rows = self._next()

    def take_up_to(self, bound: str) -> pa.Table:
        count = int(np.count_nonzero(pc.less_equal(self.rows["low"], bound)))
        taken, self.rows = self.rows.slice(0, count), self.rows.slice(count)
        if not self.rows:
            self.rows = self._next()
        return taken

    def _next(self) -> pa.Table:
        batch = next(self._batches, None)
        return SPILLED.empty_table() if batch is None else pa.Table.from_batches([batch])


def _spill(pairs: CodedPairs, file: Path) -> Path:
    """Write pairs in order; those of one low id are in one batch."""
    begins = np.flatnonzero(np.diff(pairs.low)) + 1
    wanted = np.searchsorted(begins, np.arange(BATCH_PAIRS, len(pairs.low), BATCH_PAIRS))
    cuts = begins[np.unique(wanted[wanted < len(begins)])]
    with pa.ipc.new_stream(pa.OSFile(str(file), "wb"), SPILLED) as writer:
        for begin, end in pairwise([0, *cuts.tolist(), len(pairs.low)]):
            rows = slice(begin, end)
            ends = [pairs.ids.take(pa.array(side[rows])) for side in (pairs.low, pairs.high)]
            rest = [pa.array(column[rows]) for column in (pairs.scores, pairs.from_low, pairs.from_high)]
            writer.write_batch(pa.record_batch([*ends, *rest], SPILLED.names).cast(SPILLED))
    return file


def _united(rows: pa.Table) -> CodedPairs:
    columns = {name: rows[name].combine_chunks() for name in SPILLED.names}
    ids, low, high = encode(columns["low"], columns["high"])
    scores, *seen = (columns[name].to_numpy(zero_copy_only=False) for name in SPILLED.names[2:])
    return CodedPairs(ids, low, high, scores, *seen).united()
