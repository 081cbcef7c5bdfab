"""Rows: reads chosen rows and columns of a table, without the rest of its file."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fsspec.utils import merge_offset_ranges

from include.dedupe.errors import ArtifactError
from include.dedupe.parquet import require_schema
from include.dedupe.storage import Storage

GROUP_ROWS = 1024
"""Rows that are read at least: a page of clusters needs a few of these groups."""
GROUPS_AT_ONCE = 128
TAIL = 256 * 1024
"""Bytes at the end of a file in which its footer is looked for."""
ENDING = 8
"""Bytes behind the footer: its length in four, and a mark."""
GAP = 64 * 1024
"""Bytes that are read though nobody wants them, where they spare a request."""
_FOOTERS_KEPT = 64
_footers: OrderedDict[tuple[Storage, str], tuple[int, pq.FileMetaData]] = OrderedDict()


class RowFile:
    """A table of one schema in one file, which never changes.

    What is wanted of it is asked for all at once, so that an object storage far away is waited for once.
    """

    def __init__(self, storage: Storage, name: str, schema: pa.Schema) -> None:
        self._storage, self._name = storage, name
        known = _footers.get((storage, name))
        self._size, self._footer = known or self._read_footer(schema)
        if known is None:
            _footers[storage, name] = self._size, self._footer
        if len(_footers) > _FOOTERS_KEPT:
            _footers.popitem(last=False)
        counts = [self._footer.row_group(one).num_rows for one in self._groups]
        self._starts = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]).astype(np.int64)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read(self, rows: npt.NDArray[np.int64], columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return these rows, in this order."""
        groups = np.searchsorted(self._starts, rows, side="right") - 1
        wanted = np.unique(groups)
        table = self._read([int(one) for one in wanted], columns)
        sizes = self._starts[wanted + 1] - self._starts[wanted]
        begins = np.concatenate([[0], np.cumsum(sizes)])[:-1].astype(np.int64)
        place = np.searchsorted(wanted, groups)
        frame: pd.DataFrame = table.take(pa.array(begins[place] + rows - self._starts[groups])).to_pandas()
        return frame

    def read_all(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        frame: pd.DataFrame = self._read(self._groups, columns).to_pandas()
        return frame

    def read_where(self, column: str, values: Collection[str]) -> pd.DataFrame:
        """Return the rows that have one of these values in a column."""
        wanted = pa.array(sorted(values), pa.string())
        found = pc.is_in(self.column(column), value_set=wanted).to_numpy()
        return self.read(np.flatnonzero(found))

    def column(self, name: str) -> pa.ChunkedArray:
        return self._read(self._groups, [name]).column(0)

    def batches(self, columns: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield all rows piece by piece, each with the number of its first row."""
        for first in range(0, len(self._groups), GROUPS_AT_ONCE):
            start = int(self._starts[first])
            for batch in self._read(self._groups[first : first + GROUPS_AT_ONCE], columns).to_batches():
                yield start, batch
                start += batch.num_rows

    @property
    def _groups(self) -> range:
        return range(self._footer.num_row_groups)

    def _read(self, groups: Sequence[int], columns: Sequence[str] | None) -> pa.Table:
        """Return some groups of rows, with only what is wanted of the file in memory."""
        chunks = [
            _place_of(self._footer.row_group(group).column(number))
            for group in groups
            for number in range(self._footer.num_columns)
            if columns is None or self._footer.schema.column(number).name in columns
        ]
        starts, ends = [start for start, _ in chunks], [end for _, end in chunks]
        _, starts, ends = merge_offset_ranges([""] * len(chunks), starts, ends, max_gap=GAP)
        read = self._storage.read_ranges(self._name, list(zip(starts, ends, strict=True)))
        held = self._held(zip(starts, read, strict=True))
        try:
            file = pq.ParquetFile(held, metadata=self._footer, page_checksum_verification=True)
            return file.read_row_groups(list(groups), columns=columns)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._damaged(error) from error

    def _held(self, parts: Iterable[tuple[int, bytes]]) -> pa.BufferReader:
        """Return the file as long as it is, empty but for these parts."""
        held = np.zeros(self._size, np.uint8)  # what is never written to takes no memory
        for start, data in parts:
            held[start : start + len(data)] = np.frombuffer(data, np.uint8)
        return pa.BufferReader(pa.py_buffer(held))

    def _read_footer(self, schema: pa.Schema) -> tuple[int, pq.FileMetaData]:
        self._size = self._storage.size(self._name)
        tail = self._tail(TAIL)
        length = int.from_bytes(tail[-ENDING:-4], "little") + ENDING
        if length > len(tail):
            tail = self._tail(length)
        try:
            file = pq.ParquetFile(self._held([(self._size - len(tail), tail)]))
        except (pa.ArrowInvalid, OSError) as error:
            raise self._damaged(error) from error
        require_schema(file.schema_arrow, schema, self._storage.path(self._name))
        return self._size, file.metadata

    def _damaged(self, error: Exception) -> ArtifactError:
        return ArtifactError(f"{self._storage.path(self._name)} is damaged ({error}); start a new run.")

    def _tail(self, length: int) -> bytes:
        (tail,) = self._storage.read_ranges(self._name, [(max(0, self._size - length), self._size)])
        return tail


def _place_of(chunk: pq.ColumnChunkMetaData) -> tuple[int, int]:
    """Return where a column of a group of rows stands in its file."""
    start = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    return start, start + chunk.total_compressed_size
