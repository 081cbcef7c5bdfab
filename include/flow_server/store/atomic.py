"""Atomic updates: set, add, add-distinct, remove, removeregex and inc on fields of a stored document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from include.flow_server.errors import BadRequestError
from include.flow_server.store.schema import INTEGERS, REALS, Field
from include.flow_server.store.terms import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.flow_server.store.protocol import Add, Document

OPERATORS = ("set", "add", "add-distinct", "remove", "removeregex", "inc")


class Checker(Protocol):
    """What an update needs of the writer: values checked against the schema."""

    def stored(self, document_id: str, fields: Mapping[str, Any]) -> dict[str, Any]: ...

    def field_for(self, name: str, first: object) -> Field: ...


def is_atomic(fields: Mapping[str, Any]) -> bool:
    """Whether any value is an object, that is, an operator with its operand."""
    return any(isinstance(value, dict) for value in fields.values())


def updated_fields(add: Add, old: Document | None, checker: Checker) -> dict[str, Any]:
    """The fields of the document after the update; plain values among the operators are set."""
    fields = dict(old.fields) if old else {}
    for name, value in add.fields.items():
        for operator, operand in (value if isinstance(value, dict) else {"set": value}).items():
            if operator not in OPERATORS:
                raise BadRequestError(f"Unknown operation for the an atomic update: {operator}")
            changed = _apply(operator, fields.get(name), operand, checker, add.id, name)
            fields.pop(name, None)
            if changed:
                fields |= checker.stored(add.id, {name: changed})
    return fields


def _apply(operator: str, old: Any, operand: Any, checker: Checker, document_id: str, name: str) -> list[Any]:
    current = [] if old is None else listed(old)
    given = [value for value in listed(operand) if value is not None]
    if operator == "removeregex":
        patterns = [_pattern(value) for value in given]
        return [value for value in current if not any(p.fullmatch(str(value)) for p in patterns)]
    if not given:
        return [] if operator == "set" else current
    if operator == "inc":
        return [_increased(checker.field_for(name, given[0]), current, given[0])]
    if operator == "set":
        return given
    checked = [listed(checker.stored(document_id, {name: value})[name])[0] for value in given]
    if operator == "add":
        return current + checked
    if operator == "add-distinct":
        return current + [value for value in dict.fromkeys(checked) if value not in current]
    return _without(current, checked)


def _without(current: list[Any], removed: list[Any]) -> list[Any]:
    return [value for value in current if value not in removed]


def _increased(field: Field, current: list[Any], step: Any) -> int | float:
    if field.type not in INTEGERS and field.type not in REALS:
        raise BadRequestError(f"'inc' is not supported on non-numeric field {field.name}")
    try:
        return (current[0] if current else 0) + (int(step) if field.type in INTEGERS else float(step))
    except (ValueError, TypeError):
        raise BadRequestError(f'For input string: "{step}"') from None


def _pattern(text: Any) -> re.Pattern[str]:
    try:
        return re.compile(str(text))
    except re.error as error:
        raise BadRequestError(f"removeregex: '{text}' is no regular expression: {error}") from None
