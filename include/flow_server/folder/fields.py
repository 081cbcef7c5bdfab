"""The fields.csv of a folder: more fields of its pictures, checked as a whole before anything is written."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from include.flow_server.errors import BadRequestError
from include.flow_server.folder.kinds import shown
from include.flow_server.folder.own import OWN_FIELDS
from include.flow_server.folder.walk import FIELDS_FILE, FolderError
from include.flow_server.query.dates import now
from include.flow_server.store.schema import INTEGERS, REALS, Field, FieldType, dynamic_field, guess_type
from include.flow_server.store.values import to_stored

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from include.flow_server.store.schema import Schema

_RESERVED = ("", "id", "image", "import", "_version_", "_text_", "score", *OWN_FIELDS)
_NUMBERS = (*INTEGERS, *REALS)
_NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]{0,17})(?:\.[0-9]*)?|\.[0-9]+)")
_BOOLEANS = ("true", "false", "t", "f", "1", "0")
_KINDS = {
    FieldType.INT: "a whole number below 2,147,483,648",
    FieldType.LONG: "a whole number",
    FieldType.FLOAT: "a number",
    FieldType.DOUBLE: "a number",
    FieldType.BOOLEAN: "true or false",
    FieldType.DATE: "a date such as 2023-04-12 or 2023-04-12T10:00:00Z",
}


@dataclass(slots=True)
class FieldsTable:
    """What the file says: the cells of each path, and the line that they stand in."""

    cells: dict[str, dict[str, str]] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)

    def without_picture(self, pictures: Collection[str], known: Collection[str]) -> list[str]:
        """Takes out the rows of pictures that are not there, and returns a sentence for each.

        Raises:
            FolderError: no row names a picture that is there or was `known` once.
        """
        missing = [path for path in self.cells if path not in pictures]
        said = [
            f"{FIELDS_FILE}, line {self.lines[path]}: there is no picture '{shown(path)}' in the folder"
            for path in missing
        ]
        if missing and len(missing) == len(self.cells) and not any(path in known for path in missing):
            raise FolderError(f"{said[0]}, nor one that any other line names: paths begin at the folder")
        for path in missing:
            del self.cells[path]
        return [f"{one}; the line is passed over" for one in said]

    def new_types(self, schema: Schema) -> dict[str, FieldType]:
        """The type that each column without one takes from all of its cells.

        Raises:
            FolderError: a cell does not fit the type that its column has.
        """
        found: dict[str, FieldType] = {}
        for name in {name: None for cells in self.cells.values() for name in cells}:
            values = {path: cells[name] for path, cells in self.cells.items() if cells.get(name)}
            known = schema.find(name)
            if known:
                self._check(known, values)
            elif values:
                found[name] = _common_type(values.values())
        return found

    def _check(self, known: Field, values: Mapping[str, str]) -> None:
        for path, value in values.items():
            if not _fits(known, value):
                raise FolderError(
                    f"{FIELDS_FILE}, line {self.lines[path]}, column '{known.name}': '{shown(value)}' is not "
                    f"{_KINDS[known.type]}, which this field holds; correct it, empty the cell, or give the "
                    f"column a name of its own that holds text, such as {_base(known.name)}_s"
                )


def read_fields(folder: Path) -> FieldsTable:
    """Reads the file; an empty table where there is none.

    Raises:
        FolderError: the file cannot be read, or a line of it is wrong.
    """
    file = folder / FIELDS_FILE
    if not os.path.lexists(file):
        return FieldsTable()
    try:
        if not file.is_file():
            raise FolderError(f"{FIELDS_FILE} is not a regular file")
        with file.open(encoding="utf-8-sig", newline="") as lines:
            return _read(lines)
    except OSError as error:
        raise FolderError(f"{FIELDS_FILE} cannot be read: {error.strerror or error}") from None


def _read(lines: TextIO) -> FieldsTable:
    table = FieldsTable()
    rows = _rows(lines)
    _, header = next(rows, (1, []))
    _check_header(header)
    for line, row in rows:
        if len(row) != len(header):
            raise FolderError(
                f"{FIELDS_FILE}, line {line}: it has not as many cells as the header, but {len(row)} and not "
                f"{len(header)}; text that holds a comma stands in double quotes"
            )
        path, *cells = row
        if path in table.cells:
            raise FolderError(
                f"{FIELDS_FILE}, line {line}: '{shown(path)}' comes a second time, first in line "
                f"{table.lines[path]}; keep one of them"
            )
        table.cells[path] = dict(zip(header[1:], cells, strict=True))
        table.lines[path] = line
    return table


def _rows(lines: TextIO) -> Iterator[tuple[int, list[str]]]:
    """(line that it begins in, cells) of each row that is not empty."""
    reader = csv.reader(lines, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except UnicodeDecodeError as error:
            byte = error.object[error.start]
            raise FolderError(
                f"{FIELDS_FILE}, line {line} or later: byte {byte:#04x} is not UTF-8; save it as 'CSV UTF-8'"
            ) from None
        except csv.Error as error:
            raise FolderError(f"{FIELDS_FILE}, line {line}: it cannot be read: {error}") from None
        if row is None:
            return
        if row:
            yield line, row


def _check_header(header: Sequence[str]) -> None:
    first = header[0] if header else ""
    if first != "path":
        separator = next((sign for sign in ";\t|" if first.startswith(f"path{sign}")), None)
        hint = f": the cells are separated by {separator!r}; save it with commas" if separator else ""
        raise FolderError(
            f"{FIELDS_FILE}, line 1: the first column must be 'path', not '{shown(first)}'{hint}"
        )
    for name in header[1:]:
        why = _objection(name, header)
        if why:
            raise FolderError(f"{FIELDS_FILE}, line 1: '{shown(name)}' cannot be the name of a column: {why}")


def _objection(name: str, header: Sequence[str]) -> str:
    if header.count(name) > 1:
        return "it stands there twice"
    if name in _RESERVED:
        return "the server fills this field itself" if name else "it is empty"
    if ":" in name:
        return "its type is told by its ending, as in sku_s (text), price_d, count_i, taken_dt, sold_b"
    is_plain = name.isprintable() and name.strip() == name
    return "" if is_plain else "it has spaces around it or hidden signs in it"


def _common_type(values: Collection[str]) -> FieldType:
    """The type that all values have; numbers with and without a fraction are numbers, all else is text."""
    types = {_type_of(value) for value in values}
    if types == {FieldType.LONG, FieldType.DOUBLE}:
        return FieldType.DOUBLE
    return types.pop() if len(types) == 1 else FieldType.STRING


def _type_of(value: str) -> FieldType:
    """As the server guesses; but digits that a number would lose are text: 00712, 20 digits, NOW."""
    kind = guess_type(value, now())
    is_lost = kind in _NUMBERS and not _NUMBER.fullmatch(value)
    return FieldType.STRING if is_lost or value.startswith("NOW") else kind


def _fits(known: Field, value: str) -> bool:
    if known.type is FieldType.BOOLEAN:
        return value.lower() in _BOOLEANS
    if known.type in _NUMBERS and not dynamic_field(known.name) and _type_of(value) is FieldType.STRING:
        return False  # the type was only guessed, so that nobody said that the digits do not matter
    try:
        to_stored(known, value, "", now())
    except BadRequestError:
        return False
    return True


def _base(name: str) -> str:
    base, _, kind = name.rpartition("_")
    return base if base and len(kind) <= 3 else name
