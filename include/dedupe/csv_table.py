"""A table as CSV for people and other programs: every id survives, whatever it holds.

A spreadsheet takes a cell that begins like a formula for one and carries it out. Where people open a file,
such a cell begins with an apostrophe instead, which ``read_csv`` takes off again; the Parquet files of a run
hold every id as it is.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable

_BREAKS, _SIGNS = ({"\t", "\r", "\n"}, {"=", "+", "-", "@", "\u2212"})
_BLANKS = "".join([*map(chr, range(33)), *"\x7f\x85\xa0\u3000\u2060\ufeff", *map(chr, range(0x2000, 0x2010))])
_OTHER_SEPARATORS = re.compile(r"[;\t|]")
"""Where a spreadsheet splits at these, what follows one begins a cell; within quotes it does not."""


def csv_table(names: Iterable[str], rows: Iterable[Iterable[object]], *, as_text: bool = True) -> bytes:
    """Return a header and rows as UTF-8; ids with commas, quotes and line breaks are quoted.

    ``as_text``: no cell is a formula.
    """
    cells: list[list[object]] = [list(names), *(list(row) for row in rows)]
    if as_text:
        cells = [[neutral(one) if isinstance(one, str) else one for one in row] for row in cells]
    quoted = as_text and any(_OTHER_SEPARATORS.search(str(one)) for row in cells for one in row)
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC if quoted else csv.QUOTE_MINIMAL).writerows(cells)
    return text.getvalue().encode()


def read_csv(data: bytes, *, as_text: bool = True) -> list[dict[str, str]]:
    """Return the rows of a CSV with a header, as UTF-8 with or without a byte order mark.

    ``as_text``: the file was written so; its cells become again what they were.

    Raises:
        ValueError: it is no UTF-8, or a row has not as many values as the header.
    """
    rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), restkey="", restval=None))
    for number, row in enumerate(rows, start=2):
        if "" in row or None in row.values():
            raise ValueError(f"row {number} has not as many values as the header")
    if not as_text:
        return rows
    return [{original(name): original(value) for name, value in row.items()} for row in rows]


def neutral(cell: str) -> str:
    """Return a cell with an apostrophe in front where a spreadsheet would take it for a formula."""
    return f"'{cell}" if _is_formula(cell) else cell


def original(cell: str) -> str:
    """Return what a cell was before ``neutral``."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell


def _is_formula(cell: str) -> bool:
    """Whether a cell begins like a formula, behind blanks and the apostrophes of earlier rounds.

    A sign counts in all its widths; so does a tab or a line break in front, which programs drop.
    """
    bare = cell.lstrip("'")
    sign = bare.lstrip(_BLANKS)[:1]
    return bare[:1] in _BREAKS or unicodedata.normalize("NFKC", sign)[:1] in _SIGNS
