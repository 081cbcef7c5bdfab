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
