"""One value of a field: as stored, as indexed, as asked for. Wrong ones are a 400 in Solr's words.

Stored values are JSON (dates as `…Z` text). Indexed values sort as the field's type does: text by bytes,
numbers and booleans as numbers, dates as milliseconds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from include.flow_server.errors import BadRequestError
from include.flow_server.query.dates import format_date, parse_date, parse_lenient
from include.flow_server.store.schema import INTEGERS, REALS, Field, FieldType

if TYPE_CHECKING:
    from datetime import datetime

Stored: TypeAlias = "str | int | float | bool"
Indexed: TypeAlias = "str | int | float"

_WORD = re.compile(r"[^\W_]*_*(?:[^\W_]|_|(?<=[^\W\d_])[.:\u2019'·](?=[^\W\d_])|(?<=\d)[.,;'](?=\d))*")


_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")


def words(text: str) -> list[str]:
    """The words of a text as the catch-all field holds them: lower case, split as UAX #29 does."""
    return [word for word in (m.group().lower() for m in _WORD.finditer(text)) if word.strip("_")]


def to_stored(field: Field, raw: object, document_id: str, moment: datetime) -> Stored:
    """Checks and normalises one value of a document."""
    try:
        return _convert(field.type, raw, moment)
    except (ValueError, TypeError, OverflowError, BadRequestError) as error:
        raise BadRequestError(
            f"ERROR: [doc={document_id}] Error adding field '{field.name}'='{raw}' msg={error}"
        ) from None


def to_indexed(field: Field, stored: Stored, moment: datetime) -> Indexed:
    """The sortable form of a stored value."""
    if field.type is FieldType.DATE:
        return parse_date(str(stored), moment)
    if field.type is FieldType.BOOLEAN:
        return int(stored)
    return float(np.float32(stored)) if field.type is FieldType.FLOAT else stored


def to_asked(field: Field, text: str, moment: datetime) -> Indexed:
    """The sortable form of a value in a query."""
    if field.type is FieldType.DATE:
        return parse_date(text, moment)
    if field.type is FieldType.BOOLEAN:
        return int(text[:1] in ("1", "t", "T"))
    if field.type in INTEGERS:
        return _whole(field.type, text, f"Invalid Number: {text}")
    if field.type in REALS:
        try:
            return float(np.float32(text)) if field.type is FieldType.FLOAT else float(text)
        except ValueError:
            raise BadRequestError(f"Invalid Number: {text}") from None
    return text


def read_int(text: str) -> int:
    """A number in a parameter, as Java reads an `int`: signs and digits, up to 2,147,483,647."""
    if not _INTEGER.fullmatch(text) or not -(2**31) <= int(text) < 2**31:
        raise BadRequestError(f'For input string: "{text}"')
    return int(text)


def _convert(kind: FieldType, raw: object, moment: datetime) -> Stored:
    if isinstance(raw, (dict, list)):
        raise TypeError(f"a single value is needed, not {type(raw).__name__}")
    if kind is FieldType.DATE:
        return format_date(parse_lenient(str(raw), moment))
    if kind is FieldType.BOOLEAN:
        return raw if isinstance(raw, bool) else str(raw)[:1] in ("1", "t", "T")
    if kind in INTEGERS:
        return _whole(kind, raw, f'For input string: "{raw}"')
    if kind in REALS:
        return _real(kind, raw)
    return str(raw).lower() if isinstance(raw, bool) else str(raw)


def _real(kind: FieldType, raw: object) -> float:
    value = float(str(raw))
    if not np.isfinite(value):
        raise ValueError(f"{raw} is not a finite number")
    return float(str(np.float32(value))) if kind is FieldType.FLOAT else value


def _whole(kind: FieldType, raw: object, message: str) -> int:
    text = str(int(raw)) if isinstance(raw, float) else str(raw)
    if not re.fullmatch(r"[+-]?[0-9]{1,19}", text) or not -INTEGERS[kind] <= int(text) < INTEGERS[kind]:
        raise BadRequestError(message)
    return int(text)
