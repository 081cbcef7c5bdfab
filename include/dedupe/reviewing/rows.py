"""Rows: reads chosen rows and columns of a table, without the rest of its file."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.dedupe.errors import ArtifactError
from include.dedupe.storage import Storage
from include.dedupe.tables import require_schema

GROUP_ROWS = 1024
"""Rows that are read at least: a page of clusters needs a few of these groups."""
_FOOTERS_KEPT = 64
_footers: OrderedDict[tuple[Storage, str], Any] = OrderedDict()


class RowFile:
    """A table of one schema in one file, which never changes."""

    def __init__(self, storage: Storage, name: str, schema: pa.Schema) -> None:
        self._storage, self._name = storage, name
        known = _footers.get((storage, name))
        try:
            self._file = pq.ParquetFile(storage.open(name), metadata=known, pre_buffer=True)
        except (pa.ArrowInvalid, OSError) as error:
            raise ArtifactError(f"{storage.path(name)} is damaged ({error}); start a new run.") from error
        require_schema(self._file.schema_arrow, schema, storage.path(name))
        _footers[storage, name] = self._file.metadata
        if len(_footers) > _FOOTERS_KEPT:
            _footers.popitem(last=False)
        counts = [self._file.metadata.row_group(one).num_rows for one in range(self._file.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read(self, rows: npt.NDArray[np.int64], columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return these rows, in this order."""
        groups = np.searchsorted(self._starts, rows, side="right") - 1
        wanted = np.unique(groups)
        table = self._file.read_row_groups([int(one) for one in wanted], columns=columns)
        sizes = self._starts[wanted + 1] - self._starts[wanted]
        begins = np.concatenate([[0], np.cumsum(sizes)])[:-1].astype(np.int64)
        place = np.searchsorted(wanted, groups)
        frame: pd.DataFrame = table.take(pa.array(begins[place] + rows - self._starts[groups])).to_pandas()
        return frame

    def read_all(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        frame: pd.DataFrame = self._file.read(columns=columns).to_pandas()
        return frame

    def read_where(self, column: str, values: Collection[str]) -> pd.DataFrame:
        """Return the rows that have one of these values in a column."""
        wanted = pa.array(sorted(values), pa.string())
        found = pc.is_in(self.column(column), value_set=wanted).to_numpy()
        return self.read(np.flatnonzero(found))

    def column(self, name: str) -> pa.ChunkedArray:
        return self._file.read(columns=[name]).column(0)

    def batches(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield all rows piece by piece, each with the number of its first row."""
        start = 0
        for batch in self._file.iter_batches(batch_size=64 * GROUP_ROWS, columns=list(columns)):
            yield start, batch
            start += batch.num_rows
