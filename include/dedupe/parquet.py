"""Parquet: the tables of a run as files. Each carries the format version, and pages their checksums.

A file of another version, or a damaged one, is refused instead of misread.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from include.dedupe.ahead import read_ahead
from include.dedupe.errors import ArtifactError
from include.dedupe.tables import FORMAT_VERSION, VERSION_KEY


def to_parquet(rows: pd.DataFrame | pa.Table, schema: pa.Schema, group_rows: int | None = None) -> bytes:
    """Return ``rows`` as a Parquet file that has exactly the columns of ``schema``.

    ``group_rows``: rows of a row group, where rows are to be read without all others.
    """
    buffer = io.BytesIO()
    is_table = isinstance(rows, pa.Table)
    table = rows if is_table else pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
    pq.write_table(table, buffer, row_group_size=group_rows, write_page_checksum=True)
    return buffer.getvalue()


def tables_to_parquet(pieces: Iterable[pa.Table], schema: pa.Schema) -> bytes:
    """Return rows that are made piece by piece as one Parquet file, each piece as a row group."""
    buffer = io.BytesIO()
    with pq.ParquetWriter(buffer, schema, write_page_checksum=True) as writer:
        for rows in read_ahead(pieces):
            writer.write_table(rows, row_group_size=len(rows) or None)
    return buffer.getvalue()


def from_parquet(data: bytes, schema: pa.Schema, name: str) -> pd.DataFrame:
    """Read a table written by ``to_parquet``; ``name`` is the file's, for the error.

    Raises:
        ArtifactError: the file is no table of this schema and format version.
    """
    frame: pd.DataFrame = rows_of_parquet(data, schema, name).to_pandas()
    return frame


def rows_of_parquet(data: bytes, schema: pa.Schema, name: str) -> pa.Table:
    """Read as ``from_parquet`` does, and leave the rows as Arrow holds them."""
    with _told_damage(name):
        table = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True).read()
    require_schema(table.schema, schema, name)
    return table


def groups_of_parquet(data: bytes, schema: pa.Schema, name: str) -> Iterator[pa.Table]:
    """Read as ``rows_of_parquet`` does, one row group after the other."""
    with _told_damage(name):
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
    require_schema(file.schema_arrow, schema, name)
    for number in range(file.num_row_groups):
        with _told_damage(name):
            rows = file.read_row_group(number)
        yield rows


@contextlib.contextmanager
def _told_damage(name: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        raise ArtifactError(f"{name} is damaged ({error}); clear the task that wrote it.") from error


def require_schema(found: pa.Schema, schema: pa.Schema, name: str) -> None:
    """Raise ``ArtifactError`` if a file is of another format version, or has other columns."""
    version = (found.metadata or {}).get(VERSION_KEY, b"none").decode()
    if version != FORMAT_VERSION:
        raise ArtifactError(
            f"{name} has format version {version}, this code reads {FORMAT_VERSION}; start a new run."
        )
    if not found.equals(schema):
        raise ArtifactError(f"{name} has columns {found.names}, expected {schema.names}; start a new run.")
