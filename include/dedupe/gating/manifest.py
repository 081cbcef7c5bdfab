"""Manifest: the records of new documents as a JSONL, CSV or Parquet file gives them, at any fsspec location.

A line that cannot be read is a record of its own with what is wrong, so that the others go on.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec import AbstractFileSystem

from include.dedupe.errors import GateError

LINES, CSV, PARQUET = (".jsonl", ".ndjson"), ".csv", ".parquet"
LONGEST_LINE = 2**20
"""Bytes of a line of JSON; a longer one is refused."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record: where it stands in its file, its values, or the problem why it has none."""

    where: str
    values: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def is_manifest(path: str) -> bool:
    return _kind(path).endswith((*LINES, CSV, PARQUET))


def read_manifest_file(files: AbstractFileSystem, path: str) -> Iterator[Record]:
    """Yield the records of a manifest, in order. ``.gz`` and the like are unpacked.

    Raises:
        GateError: the file as a whole cannot be read.
    """
    kind = _kind(path)
    read = _parquet if kind.endswith(PARQUET) else _csv if kind.endswith(CSV) else _lines
    compression = fsspec.utils.infer_compression(path)
    try:
        with files.open(path, "rb", compression=compression) as file:
            yield from read(file, path)
    except (OSError, EOFError, pa.ArrowException) as error:
        raise GateError(f"The manifest {path} cannot be read: {error}.") from error


def _kind(path: str) -> str:
    name = path.lower()
    return name.rpartition(".")[0] if fsspec.utils.infer_compression(name) else name


def _lines(file: IO[bytes], _: str) -> Iterator[Record]:
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        where = f"line {number}"
        if len(line) > LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = file.readline(LONGEST_LINE)
            yield Record(where, problem=f"it is longer than {LONGEST_LINE} bytes")
        elif line.strip():
            yield _record(where, line)


def _record(where: str, line: bytes) -> Record:
    try:
        values = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return Record(where, problem=f"it is no JSON: {error}")
    if not isinstance(values, dict):
        return Record(where, problem="it is no JSON object")
    return Record(where, values)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _csv(file: IO[bytes], path: str) -> Iterator[Record]:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    reader = csv.reader(text, strict=True)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise GateError(f"The manifest {path} has no header that can be read: {error}.") from error
    if len(set(header)) != len(header) or not all(header):
        raise GateError(f"The manifest {path} needs a header of different names, not {header!r:.200}.")
    while True:
        first = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield from _broken(first, reader.line_num, str(error))
            continue
        if len(row) == len(header):
            values = {name: value for name, value in zip(header, row, strict=True) if value}
            yield Record(f"line {first}", values)
        elif row:
            told = f"it has {len(row)} values, not {len(header)} as the header"
            yield from _broken(first, reader.line_num, told)


def _broken(first: int, last: int, problem: str) -> Iterator[Record]:
    """Yield a record for each line that a broken one has taken with it, such as by an open quote."""
    for number in range(first, max(first, last) + 1):
        yield Record(f"line {number}", problem=problem)


def _parquet(file: IO[bytes], _: str) -> Iterator[Record]:
    number = 0
    for batch in pq.ParquetFile(file).iter_batches(batch_size=1000):
        for row in batch.to_pylist():
            number += 1
            values = {name: _plain(value) for name, value in row.items()}
            yield Record(f"row {number}", {name: one for name, one in values.items() if one is not None})


def _plain(value: Any) -> Any:
    """Return a value as JSON would hold it; what JSON has no word for is left for the caller to refuse."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dt.datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return moment.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return f"{value.isoformat()}T00:00:00Z"
    return None if isinstance(value, float) and math.isnan(value) else value
