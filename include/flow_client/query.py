"""Filters and ids as query text. Values that come from data go through here, so that they stay values.

Two kinds of text come out. `term` and `terms` give a whole `fq` (a local-parameter query, cheapest and
exact); the others give clauses of the Lucene syntax, which can also stand inside a larger expression.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime

Value = str | int | float | date

_SPECIAL = re.compile(r'([\\+\-!():^\[\]"{}~*?|&/\s])')
_OPERATORS = frozenset({"AND", "OR", "NOT", "TO"})
_FIELD = re.compile(r"[A-Za-z_][\w.\-]*", re.ASCII)
_SEPARATORS = (",", "|", ";", "\x1f")


def escape(text: str) -> str:
    """Make `text` one literal term of the Lucene syntax, whatever it holds."""
    if not text:
        return '""'
    if text in _OPERATORS:
        return "\\" + text
    return _SPECIAL.sub(r"\\\1", text)


def term(field: str, value: Value) -> str:
    """A whole `fq`: documents whose `field` holds exactly `value`."""
    return f"{{!term f={_field(field)}}}{_text(value)}"


def terms(field: str, values: Sequence[Value]) -> str:
    """A whole `fq`: documents whose `field` holds exactly one of `values`; as many as you like.

    Raises:
        ValueError: no value given, which would match nothing by accident.
    """
    texts = [_text(value) for value in _listed(values)]
    if not texts:
        raise ValueError(f"No value to look for in the field {field!r}: give at least one.")
    separator = next((sign for sign in _SEPARATORS if not any(sign in text for text in texts)), None)
    if separator is None or any(not text or text != text.strip() for text in texts):
        return (
            f"{_field(field)}:({' OR '.join(escape(text) for text in texts)})"  # `terms` would trim or split
        )
    chosen = "" if separator == "," else f' separator="{separator}"'
    return f"{{!terms f={_field(field)}{chosen}}}{separator.join(texts)}"


def match(field: str, value: Value) -> str:
    """A clause: documents whose `field` holds `value`."""
    return f"{_field(field)}:{escape(_text(value))}"


def beginning(field: str, text: str) -> str:
    """A clause: documents whose `field`, one of strings, begins with `text`."""
    return f"{_field(field)}:{escape(text)}*"


def exists(field: str) -> str:
    """A clause: documents that have the field at all."""
    return f"{_field(field)}:[* TO *]"


def between(
    field: str,
    low: Value | None = None,
    high: Value | None = None,
    *,
    include_low: bool = True,
    include_high: bool = False,
) -> str:
    """A clause: documents whose `field` lies in a range, by default from `low` up to but without `high`.

    Dates, numbers and strings alike; None is an open end. Half-open ranges that share a bound are disjoint.
    """
    opening, closing = "[" if include_low else "{", "]" if include_high else "}"
    return f"{_field(field)}:{opening}{_bound(low)} TO {_bound(high)}{closing}"


def negate(clause: str) -> str:
    """A clause: all documents but those of `clause`. Right also inside an expression, where `-x` finds none.

    Raises:
        ValueError: a local-parameter query, which cannot stand inside an expression.
    """
    if clause.lstrip().startswith("{!"):
        raise ValueError(
            f"{clause!r} cannot be negated: it must stand alone. Write it with match() or between()."
        )
    return f"(*:* -{clause})"


def _field(name: str) -> str:
    if not _FIELD.fullmatch(name):
        raise ValueError(
            f"{name!r} is no field name: letters, digits, _ . - only, starting with a letter or _."
        )
    return name


def _listed(values: Sequence[Value]) -> Sequence[Value]:
    if isinstance(values, str):
        raise ValueError(f"{values!r} is one value where a list of values belongs: write [{values!r}].")
    return values


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone: give one, such as tzinfo=UTC.")
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00Z"
    return str(value)


def _bound(value: Value | None) -> str:
    if value is None:
        return "*"
    text = _text(value)
    if re.search(r"[\s\]}]", text) or text in {"", "*", "TO"}:
        return _quoted(text)
    return re.sub(r'([\\"])', r"\\\1", text)


def _quoted(text: str) -> str:
    escaped = re.sub(r'([\\"])', r"\\\1", text)
    if text.endswith("\\"):  # a quote behind a backslash would read as escaped
        escaped = escaped[:-2] + "\\u005c"
    return f'"{escaped}"'
