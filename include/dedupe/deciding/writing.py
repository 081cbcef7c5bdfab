"""Writing: decisions are written as they are made; file and hash are those of all of them at once."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.dedupe.clustering.held import lay_down, rounds
from include.dedupe.deciding.decisions import bound_lines, bound_rows, decisions_file, short, sort_keys
from include.dedupe.rundir import RunDir
from include.dedupe.tables import DECISIONS, empty

GROUP_ROWS = 1 << 20
"""Rows of a row group, as many as Parquet files have that are written at once."""
PART_LINES, BATCH_LINES, ROUND_LINES = 300_000, 10_000, 500_000
_LINE = pa.schema({"key": pa.large_string(), "line": pa.large_string()})


class DecisionsFile:
    """Takes in decisions (columns of DECISIONS); ``folder``: an empty one, with space for all, twice."""

    def __init__(self, folder: Path) -> None:
        self.counts: Counter[str] = Counter()
        self._folder = folder
        self._parts: list[Path] = []
        self._waiting: list[pd.DataFrame] = []
        self._writer: pq.ParquetWriter | None = None

    def append(self, decisions: pd.DataFrame) -> None:
        counts = decisions["decision"].value_counts(sort=False)
        self.counts.update({str(name): int(count) for name, count in counts.items()})
        for first in range(0, len(decisions), PART_LINES):
            self._lay_down_lines(decisions.iloc[first : first + PART_LINES])
        self._waiting.append(decisions)
        if sum(map(len, self._waiting)) > GROUP_ROWS:
            rows = pd.concat(self._waiting, ignore_index=True)
            whole = len(rows) // GROUP_ROWS * GROUP_ROWS
            self._write(rows.iloc[:whole])
            self._waiting = [rows.iloc[whole:]]

    def keep(self, run: RunDir) -> str:
        """Write all decisions under their hash, and return it."""
        if self._waiting or self._writer is None:
            self._write(pd.concat([*self._waiting] or [empty(DECISIONS)], ignore_index=True))
        assert self._writer is not None  # noqa: S101
        self._writer.close()
        digest = self._hash(run.run_id)
        run.storage.write(decisions_file(digest), self._file.read_bytes())
        return digest

    @property
    def _file(self) -> Path:
        return self._folder / "decisions.parquet"

    def _write(self, rows: pd.DataFrame) -> None:
        table = pa.Table.from_pandas(rows, schema=DECISIONS, preserve_index=False)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, table.schema, write_page_checksum=True)
        elif not len(rows):
            return
        self._writer.write_table(table, GROUP_ROWS)

    def _lay_down_lines(self, decisions: pd.DataFrame) -> None:
        bound = decisions.take(bound_rows(decisions))
        keys, lines = sort_keys(bound["id"]), pa.array(bound_lines(bound), pa.large_string())
        order = pc.sort_indices(keys)
        file = self._folder / f"{len(self._parts)}.lines"
        rows = pa.Table.from_arrays([keys.take(order), lines.take(order)], schema=_LINE)
        lay_down(rows, file, BATCH_LINES)
        self._parts.append(file)

    def _hash(self, run_id: str) -> str:
        digest = hashlib.sha256(run_id.encode())
        for taken in rounds(self._parts, ROUND_LINES):
            rows = pa.concat_tables(part for _, part in taken).combine_chunks()
            lines = rows["line"].take(pc.sort_indices(rows["key"])).combine_chunks()
            digest.update("".join(lines.to_pylist()).encode())
        return short(digest)
