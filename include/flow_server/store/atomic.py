"""Atomic updates: set, add, add-distinct, remove, removeregex and inc on fields of a stored document."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Protocol

from include.flow_server.errors import BadRequestError
from include.flow_server.store.patterns import expressions
from include.flow_server.store.schema import INTEGERS, REALS, Field, FieldType
from include.flow_server.store.terms import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from include.flow_server.store.protocol import Add, Document

READ_FIRST = (*INTEGERS, *REALS, FieldType.DATE)
OPERATORS = ("set", "add", "add-distinct", "remove", "removeregex", "inc")


class Checker(Protocol):
    """What an update needs of the writer: values checked against the schema."""

    def stored(self, document_id: str, fields: Mapping[str, Any]) -> dict[str, Any]: ...

    def field_for(self, name: str, first: object) -> Field: ...


def is_atomic(fields: Mapping[str, Any]) -> bool:
    """Whether any value is an object, that is, an operator with its operand."""
    return any(isinstance(value, dict) for value in fields.values())


def updated_fields(add: Add, old: Document | None, checker: Checker) -> dict[str, Any]:
    """The fields after the update, not yet checked as a whole; plain values among the operators are set."""
    fields = dict(old.fields) if old else {}
    for name, value in add.fields.items():
        if not isinstance(value, dict):
            fields[name] = [one for one in listed(value) if one is not None]
            continue
        for operator, operand in value.items():
            current = [] if fields.get(name) is None else listed(fields[name])
            if operator == "inc" and (isinstance(operand, (bool, list)) or operand is None):
                raise BadRequestError(f"Invalid input for 'inc' on field {name}: {operand}")
            given = [one for one in listed(operand) if one is not None]
            changed = _Change(checker, add.id, name).apply(operator, current, given)
            fields[name] = changed
    return fields


class _Change:
    """One operator on one field of one document."""

    def __init__(self, checker: Checker, document_id: str, name: str) -> None:
        self._checker = checker
        self._id = document_id
        self._name = name

    def apply(self, operator: str, current: list[Any], given: list[Any]) -> list[Any]:
        """The values of the field afterwards."""
        if operator not in OPERATORS:
            raise BadRequestError(f"Unknown operation for the an atomic update: {operator}")
        if not given and operator != "set":
            return current
        match operator:
            case "set":
                self._refuse_unreadable(given)
                result = given
            case "inc":
                result = [_increased(self._checker.field_for(self._name, given[0]), current, given[0])]
            case "removeregex":
                if self._checker.field_for(self._name, given[0]).type is FieldType.DATE:
                    raise BadRequestError(f"'removeregex' is not supported on dates: {self._name}")
                patterns = expressions(given)
                result = [one for one in current if not any(p.fullmatch(str(one)) for p in patterns)]
            case "remove":
                result = _without(current, self._checked(given)) if current else []
            case "add-distinct":
                known = set(current)
                result = current + [v for v in dict.fromkeys(self._checked(given)) if v not in known]
            case _:
                result = current + self._checked(given)
        return result

    def _refuse_unreadable(self, given: list[Any]) -> None:
        """Solr reads numbers and dates before it looks at `_version_`, all else after it."""
        if given and self._checker.field_for(self._name, given[0]).type in READ_FIRST:
            self._checked(given)

    def _checked(self, given: list[Any]) -> list[Any]:
        return [listed(self._checker.stored(self._id, {self._name: one})[self._name])[0] for one in given]


def _without(current: list[Any], removed: list[Any]) -> list[Any]:
    """Takes each value away once, as Solr does where a value is there twice."""
    left_out = Counter(removed)
    left: list[Any] = []
    for value in current:
        if left_out[value] > 0:
            left_out[value] -= 1
        else:
            left.append(value)
    return left


def _increased(field: Field, current: list[Any], step: Any) -> Any:
    if field.type not in INTEGERS and field.type not in REALS:
        raise BadRequestError(f"'inc' is not supported on non-numeric field {field.name}")
    if not current:
        return step  # checked with all others, once `_version_` is
    try:
        return current[0] + (int(step) if field.type in INTEGERS else float(step))
    except (ValueError, TypeError):
        raise BadRequestError(f'For input string: "{step}"') from None
