"""The schema and format version of every table that a run writes, and nothing else.

Tables are Parquet files. Each carries the version of the format in its schema metadata, so that a file of
another version is refused instead of misread.
"""

from __future__ import annotations

import io

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from include.dedupe.errors import ArtifactError

FORMAT_VERSION = "1"
_VERSION_KEY = b"flow_dedupe_format"


def _schema(**columns: pa.DataType) -> pa.Schema:
    fields = [pa.field(name, kind, nullable=False) for name, kind in columns.items()]
    return pa.schema(fields, metadata={_VERSION_KEY: FORMAT_VERSION.encode()})


EDGES = _schema(query_id=pa.string(), match_id=pa.string(), score=pa.float64())
"""One row for each hit of each scanned document, directed."""

DOCUMENTS = _schema(id=pa.string(), image=pa.string())
"""One row for each document of an edge: its picture's address, empty where it has none."""

FAILURES = _schema(query_id=pa.string(), cause=pa.string(), retryable=pa.bool_())
"""One row for each query that failed."""

HUBS = _schema(id=pa.string(), hits=pa.int64())
"""One row for each document with more hits than were read."""

PAIRS = _schema(
    id_a=pa.string(),
    id_b=pa.string(),
    score=pa.float64(),
    seen_from_a=pa.bool_(),
    seen_from_b=pa.bool_(),
)
"""One row for each unordered pair, ``id_a < id_b``: the best score and which queries found it."""

CLUSTERS = _schema(
    cluster_id=pa.string(),
    id=pa.string(),
    size=pa.int64(),
    duplicates=pa.string(),
    weakest_score=pa.float64(),
    strongest_score=pa.float64(),
)
"""One row for each member of each cluster. ``duplicates`` says how its pairs are: exact, near or mixed."""


def to_parquet(frame: pd.DataFrame, schema: pa.Schema) -> bytes:
    """Return ``frame`` as a Parquet file that has exactly the columns of ``schema``."""
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False), buffer)
    return buffer.getvalue()


def from_parquet(data: bytes, schema: pa.Schema, name: str) -> pd.DataFrame:
    """Read a table written by ``to_parquet``; ``name`` is the file's, for the error.

    Raises:
        ArtifactError: the file is no table of this schema and format version.
    """
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowInvalid, OSError) as error:
        raise ArtifactError(f"{name} is damaged ({error}); clear the task that wrote it.") from error
    version = (table.schema.metadata or {}).get(_VERSION_KEY, b"none").decode()
    if version != FORMAT_VERSION:
        raise ArtifactError(
            f"{name} has format version {version}, this code reads {FORMAT_VERSION}; start a new run."
        )
    if not table.schema.equals(schema):
        raise ArtifactError(
            f"{name} has columns {table.schema.names}, expected {schema.names}; start a new run."
        )
    frame: pd.DataFrame = table.to_pandas()
    return frame
