"""facet.field, facet.query, facet.range and stats.field over the documents that a query matched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from include.flow_server.errors import BadRequestError
from include.flow_server.query.dates import format_date
from include.flow_server.query.ranges import MOST_BUCKETS, range_edges, range_facet, shown_number
from include.flow_server.store.schema import Field, FieldType
from include.flow_server.store.values import read_int

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from include.flow_server.query.columns import Column
    from include.flow_server.store.keyset import KeySet
    from include.flow_server.store.schema import Schema
    from include.flow_server.store.values import Indexed

_TRUE = ("true", "on", "yes")
_FALSE = ("false", "off", "no")
_POINTS = (FieldType.INT, FieldType.LONG, FieldType.FLOAT, FieldType.DOUBLE, FieldType.DATE)


class State(Protocol):
    """What is asked of the state of the collection."""

    @property
    def schema(self) -> Schema: ...

    @property
    def moment(self) -> datetime: ...

    def count(self) -> int: ...

    def column(self, name: str, match: KeySet, whole: bool = False) -> Column: ...

    def matching(self, filters: Sequence[str], df: str | None, operator: str = "OR") -> KeySet: ...


class Parameters:
    """Facet parameters of one field: `f.<field>.facet.limit` goes before `facet.limit`."""

    def __init__(self, given: Mapping[str, tuple[str, ...]], field: str) -> None:
        self._given = given
        self._field = field

    def all(self, name: str) -> tuple[str, ...]:
        return self._given.get(f"f.{self._field}.{name}") or self._given.get(name) or ()

    def text(self, name: str, default: str) -> str:
        return next(iter(self.all(name)), default)

    def number(self, name: str, default: int) -> int:
        return read_int(self.text(name, str(default)))

    def flag(self, name: str) -> bool:
        text = self.text(name, "false").lower()
        if text not in _TRUE + _FALSE:
            raise BadRequestError(f"invalid boolean value: {text}")
        return text in _TRUE


def aggregate(
    given: Mapping[str, tuple[str, ...]], match: KeySet, state: State, df: str | None, operator: str
) -> dict[str, Any]:
    """The `facet_counts` and `stats` members of the answer, as far as they were asked for.

    `df` and `operator` are those of the request, which a facet.query is read with, too.
    """
    result: dict[str, Any] = {}
    if Parameters(given, "").flag("facet"):
        result["facet_counts"] = {
            "facet_queries": {
                text: (match & state.matching((text,), df, operator)).size(state.count())
                for text in _asked(given, "facet.query")
            },
            "facet_fields": {
                name: _field_facet(_field(name, state), Parameters(given, name), match, state)
                for name in _asked(given, "facet.field")
            },
            "facet_ranges": _ranges(given, match, state),
            "facet_intervals": {},
            "facet_heatmaps": {},
        }
    if Parameters(given, "").flag("stats"):
        fields = {name: _stats(_field(name, state), match, state) for name in _asked(given, "stats.field")}
        result["stats"] = {"stats_fields": fields}
    return result


def _asked(given: Mapping[str, tuple[str, ...]], name: str) -> tuple[str, ...]:
    """The values of a parameter, each once."""
    return tuple(dict.fromkeys(given.get(name, ())))


def _field(name: str, state: State) -> Field:
    if name.startswith("{!"):
        raise BadRequestError(f"local parameters are not supported in facets and stats: {name}")
    return state.schema.require(name)


def shown(field: Field, value: Indexed) -> str:
    """An indexed value as facets write it."""
    if field.type is FieldType.DATE:
        return format_date(int(value))
    if field.type is FieldType.BOOLEAN:
        return "true" if value else "false"
    return shown_number(float(str(np.float32(value))) if field.type is FieldType.FLOAT else value)


def _field_facet(field: Field, parameters: Parameters, match: KeySet, state: State) -> list[Any]:
    column = state.column(field.name, match, whole=True)
    inside = match.contains(column.keys)
    counts = np.bincount(column.ordinals[inside], minlength=len(column.values))
    limit = parameters.number("facet.limit", 100)
    least = max(parameters.number("facet.mincount", 0), 1 if field.type in _POINTS else 0)
    prefix = parameters.text("facet.prefix", "")
    chosen = [
        i
        for i in np.flatnonzero(counts >= least).tolist()
        if shown(field, column.values[i]).startswith(prefix)
    ]
    if parameters.text("facet.sort", "count" if limit > 0 else "index") in ("count", "true"):
        chosen.sort(key=lambda i: -counts[i])
    begin = parameters.number("facet.offset", 0)
    if begin < 0:
        raise BadRequestError("'facet.offset' parameter cannot be negative")
    flat: list[Any] = []
    for i in chosen[begin : begin + limit] if limit >= 0 else chosen[begin:]:
        flat += [shown(field, column.values[i]), int(counts[i])]
    if parameters.flag("facet.missing"):
        flat += [None, match.size(state.count()) - len(np.unique(column.keys[inside]))]
    return flat


def _ranges(given: Mapping[str, tuple[str, ...]], match: KeySet, state: State) -> dict[str, Any]:
    """The facet_ranges; all of them share the number of buckets that an answer may have."""
    ranges: dict[str, Any] = {}
    left = MOST_BUCKETS
    for name in _asked(given, "facet.range"):
        field, parameters = _field(name, state), Parameters(given, name)
        if field.type not in _POINTS:
            raise BadRequestError(f"Unable to range facet on field:{field.name}")
        edges = range_edges(field, parameters, state.moment, left)
        left -= len(edges)
        column = state.column(field.name, match)
        inside = match.contains(column.keys)
        values = np.array(column.values, dtype=np.float64)[column.ordinals[inside]]
        ranges[name] = range_facet(field, parameters, edges, column.keys[inside], values)
    return ranges


def _stats(field: Field, match: KeySet, state: State) -> dict[str, Any]:
    if field.type in (FieldType.BOOLEAN, FieldType.TEXT):
        raise BadRequestError(f"Field type {field.type.value} is not currently supported by stats")
    column = state.column(field.name, match)
    inside = match.contains(column.keys)
    ordinals = column.ordinals[inside]
    limits = (
        [_stat(field, column.values[i]) for i in (ordinals.min(), ordinals.max())]
        if len(ordinals)
        else [None] * 2
    )
    missing = match.size(state.count()) - len(np.unique(column.keys[inside]))
    return {"min": limits[0], "max": limits[1], "count": len(ordinals), "missing": missing}


def _stat(field: Field, value: Indexed) -> Any:
    if field.type in _POINTS and field.type is not FieldType.DATE:
        return float(value)
    return shown(field, value)
