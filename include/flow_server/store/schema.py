"""Which fields there are, of what type: Flow's own, Solr's dynamic suffixes, those guessed on first sight."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import TYPE_CHECKING

from include.flow_server.errors import BadRequestError
from include.flow_server.query.dates import parse_lenient

if TYPE_CHECKING:
    from collections.abc import Mapping


class FieldType(Enum):
    """How values of a field are read, compared and searched."""

    STRING = "string"
    TEXT = "text_general"
    INT = "pint"
    LONG = "plong"
    FLOAT = "pfloat"
    DOUBLE = "pdouble"
    BOOLEAN = "boolean"
    DATE = "pdate"


INTEGERS = {FieldType.INT: 2**31, FieldType.LONG: 2**63}
REALS = (FieldType.FLOAT, FieldType.DOUBLE)
WORDS = (FieldType.STRING, FieldType.TEXT)
CATCH_ALL = "_text_"


@dataclass(frozen=True, slots=True)
class Field:
    """One field; `number` is its place in the terms table (None: not stored there)."""

    name: str
    type: FieldType
    multi: bool = False
    number: int | None = None


_FLOW_FIELDS = (
    Field("id", FieldType.STRING),
    Field("_version_", FieldType.LONG),
    Field(CATCH_ALL, FieldType.TEXT, multi=True),
    Field("image", FieldType.STRING),
    Field("labels", FieldType.STRING, multi=True),
    Field("location", FieldType.STRING),
    Field("color_names", FieldType.STRING, multi=True),
    Field("color_isolated", FieldType.BOOLEAN),
    Field("color_palette_hex", FieldType.STRING, multi=True),
    Field("color_palette_freq", FieldType.FLOAT, multi=True),
    Field("copyspace", FieldType.INT, multi=True),
)
FLOW_FIELDS: Mapping[str, Field] = {field.name: field for field in _FLOW_FIELDS}
_SUFFIXES = {
    "s": FieldType.STRING,
    "i": FieldType.INT,
    "l": FieldType.LONG,
    "f": FieldType.FLOAT,
    "d": FieldType.DOUBLE,
    "b": FieldType.BOOLEAN,
    "dt": FieldType.DATE,
    "t": FieldType.TEXT,
}
_DYNAMIC = re.compile(r".*_(dt|[silfdbt])(s?)", re.DOTALL)
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_REAL = re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")


def dynamic_field(name: str) -> Field | None:
    """The field that a name's suffix stands for (`taken_dt`, `tags_ss`), or None."""
    if name.endswith("_txt"):
        return Field(name, FieldType.TEXT, multi=True)
    match = _DYNAMIC.fullmatch(name)
    return Field(name, _SUFFIXES[match.group(1)], multi=match.group(2) == "s") if match else None


def dynamic_names() -> list[Field]:
    """All suffixes, as dynamic names such as `*_s`."""
    fields = [dynamic_field(f"*_{suffix}{more}") for suffix in _SUFFIXES for more in ("", "s")]
    return [field for field in (*fields, dynamic_field("*_txt")) if field]


def guess_type(value: object, moment: datetime) -> FieldType:
    """The type that a field without suffix takes for good from its first value."""
    text = str(value)
    if text.lower() in ("true", "false"):
        return FieldType.BOOLEAN
    if _WHOLE.fullmatch(text) and -(2**63) <= int(text) < 2**63:
        return FieldType.LONG
    if isinstance(value, (int, float)) or _REAL.fullmatch(text):
        return FieldType.DOUBLE
    try:
        parse_lenient(text, moment)
    except BadRequestError:
        return FieldType.STRING
    return FieldType.DATE


class Schema:
    """The fields of one collection by name; grows, never changes a type."""

    def __init__(self, learned: Mapping[str, Field]) -> None:
        self._learned = dict(learned)

    def find(self, name: str) -> Field | None:
        """The field of that name, whether it holds values yet or not; None where nothing defines it."""
        return self._learned.get(name) or FLOW_FIELDS.get(name) or dynamic_field(name)

    def require(self, name: str) -> Field:
        """Like `find`, but an unknown name is a 400."""
        field = self.find(name)
        if field is None:
            raise BadRequestError(f"undefined field {name}")
        return field

    def texts(self) -> set[str]:
        """The names of fields whose words the catch-all field holds: texts and strings, as in Flow."""
        return {field.name for field in self.all() if field.type in WORDS}

    def learn(self, field: Field) -> None:
        """Takes in a field that now has a number in the terms table."""
        self._learned[field.name] = field

    def all(self) -> list[Field]:
        """Every field that is predefined or in use, by name."""
        return [fields[name] for fields in ({**FLOW_FIELDS, **self._learned},) for name in sorted(fields)]
