"""A table as CSV for people and other programs: every id survives, whatever it holds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable


def csv_table(names: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    """Return a header and rows as UTF-8; ids with commas, quotes and line breaks are quoted."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows(rows)
    return text.getvalue().encode()


def read_csv(data: bytes) -> list[dict[str, str]]:
    """Return the rows of a CSV with a header, as UTF-8 with or without a byte order mark.

    Raises:
        ValueError: it is no UTF-8, or a row has not as many values as the header.
    """
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), restkey="", restval=None))
    for number, row in enumerate(rows, start=2):
        if "" in row or None in row.values():
            raise ValueError(f"row {number} has not as many values as the header")
    return rows
