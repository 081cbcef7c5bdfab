"""Without: a file of a collection's storage as it is when some documents were never in it.

``gone`` are the ids of documents, and within a run also the names of the clusters that they were in: what is
said of a cluster does not hold without its member.
"""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Collection
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.dedupe.csv_table import original
from include.dedupe.errors import ArtifactError

ERASED = "(erased)"
"""Stands where another document's entry named one that is gone, such as its keeper."""
_NAMING = ("id", "source", "target")
_DROPPED = object()


def parquet_without(data: bytes, gone: Collection[str], name: str) -> bytes:
    """Return a table without the rows that have one of ``gone`` in a cell; the same bytes where none has.

    Raises:
        ArtifactError: it is no table.
    """
    table = _table(data, name)
    kept = table.filter(pc.invert(_rows_with(table, gone))) if table.num_rows else table
    if kept.num_rows == table.num_rows:
        return data
    out = io.BytesIO()
    pq.write_table(kept, out, write_page_checksum=True)
    return out.getvalue()


def clusters_of(data: bytes, ids: Collection[str], name: str) -> set[str]:
    """Return the clusters that documents are in, by a table with the columns id and cluster_id.

    Raises:
        ArtifactError: it is no table.
    """
    table = _table(data, name)
    found = table.filter(pc.is_in(table["id"], pa.array(list(ids), pa.string())))
    return set(found["cluster_id"].to_pylist())


def json_without(data: bytes, gone: Collection[str]) -> bytes:
    """Return JSON, or a line of JSON each, without what is of ``gone``.

    An element of a list that is one of them, or an entry of theirs, is left out; so is what stands under
    their name. Where the entry of another document names one, ``ERASED`` stands.

    Raises:
        ValueError: it is neither.
    """
    text = data.decode()
    try:
        values, is_one = [json.loads(text)], True
    except ValueError:
        values, is_one = [json.loads(line) for line in text.splitlines() if line.strip()], False
    found = (_without(value, frozenset(gone)) for value in values)
    kept = [value for value in found if value is not _DROPPED]
    if kept == values:
        return data
    if is_one:
        return json.dumps(kept[0] if kept else None, ensure_ascii=False).encode()
    return "".join(f"{json.dumps(value, ensure_ascii=False)}\n" for value in kept).encode()


def csv_without(data: bytes, gone: Collection[str], *, has_header: bool) -> bytes:
    """Return a CSV without the rows that have one of ``gone`` in a cell.

    Without a header each row lists the ids of a cluster: a row of one id is none.
    """
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    head, body = (rows[:1], rows[1:]) if has_header else ([], rows)
    if has_header:
        kept = [row for row in body if not any(original(cell) in gone for cell in row)]
    else:
        kept = [row for row in ([cell for cell in row if cell not in gone] for row in body) if len(row) > 1]
    if kept == body:
        return data
    text = io.StringIO(newline="")
    csv.writer(text).writerows([*head, *kept])
    return text.getvalue().encode()


def mentions(data: bytes, ids: Collection[str], name: str) -> bool:
    """Tell whether a file holds one of the ids as it is, or as JSON or an address would have it written.

    Raises:
        ArtifactError: by its name it is a table, and it is none.
    """
    if name.endswith(".parquet"):
        table = _table(data, name)
        return bool(table.num_rows) and bool(pc.any(_rows_with(table, ids)).as_py())
    found = (
        re.search(rb"(?<![\w.-])%s(?![\w.-])" % re.escape(spelling), data) for spelling in _spellings(ids)
    )
    return any(found)


def _table(data: bytes, name: str) -> pa.Table:
    try:
        return pq.read_table(io.BytesIO(data), page_checksum_verification=True)
    except (pa.ArrowInvalid, OSError) as error:
        raise ArtifactError(f"{name} is damaged ({error}).") from error


def _spellings(ids: Collection[str]) -> set[bytes]:
    as_json = {json.dumps(one, ensure_ascii=plain)[1:-1] for one in ids for plain in (True, False)}
    return {one.encode() for one in {*ids, *as_json, *map(html.escape, ids), *map(quote, ids)}}


def _rows_with(table: pa.Table, gone: Collection[str]) -> pa.ChunkedArray:
    wanted = pa.array(list(gone), pa.string())
    found: Any = pa.array([False] * table.num_rows)
    for column in table.columns:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            has = pc.is_in(column.cast(pa.string()), wanted)
            found = pc.or_(found, has)
    return found


def _without(value: Any, gone: frozenset[str]) -> Any:
    if isinstance(value, str):
        return ERASED if value in gone else value
    if isinstance(value, list):
        elements = (
            _DROPPED if isinstance(one, str) and one in gone else _without(one, gone) for one in value
        )
        return [one for one in elements if one is not _DROPPED]
    if not isinstance(value, dict):
        return value
    if _is_of(value, gone) or any(_is_of(value.get(part), gone) for part in ("data", "order")):
        return _DROPPED
    found = {name: _without(one, gone) for name, one in value.items() if name not in gone}
    return {name: one for name, one in found.items() if one is not _DROPPED}


def _is_of(value: Any, gone: frozenset[str]) -> bool:
    """Whether an entry, or a row of values, is that of a document or says something of it."""
    values = value if isinstance(value, list) else []
    if isinstance(value, dict):
        values = [value.get(name) for name in _NAMING]
    return any(isinstance(one, str) and one in gone for one in values)
