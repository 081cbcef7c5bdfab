"""facet.range: buckets of equal size over numbers, or of date math (`+1MONTH`) over dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from include.flow_server.errors import BadRequestError
from include.flow_server.query.dates import apply_math, format_date, from_milliseconds, to_milliseconds
from include.flow_server.store.schema import INTEGERS, REALS, Field, FieldType
from include.flow_server.store.values import Indexed, to_asked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

_MOST_BUCKETS = 100_000


class Parameters(Protocol):
    """Facet parameters of one field."""

    def all(self, name: str) -> tuple[str, ...]: ...
    def text(self, name: str, default: str) -> str: ...
    def number(self, name: str, default: int) -> int: ...
    def flag(self, name: str) -> bool: ...


def range_facet(
    field: Field,
    parameters: Parameters,
    *,
    values: Sequence[Indexed],
    counts: np.ndarray[tuple[int], np.dtype[np.int64]],
    moment: datetime,
) -> dict[str, Any]:
    """One member of facet_ranges; `counts[i]` is how often `values[i]` (sorted) occurs."""
    if field.type is not FieldType.DATE and field.type not in INTEGERS and field.type not in REALS:
        raise BadRequestError(f"Unable to range facet on field:{field.name}")
    _only_supported(parameters)
    start, end = (
        to_asked(field, _required(parameters, f"facet.range.{name}"), moment) for name in ("start", "end")
    )
    if end < start:  # type: ignore[operator]
        raise BadRequestError(f"range facet 'end' comes before 'start': {end} < {start}")
    gap = _required(parameters, "facet.range.gap")
    edges = _edges(field, start, end, gap, parameters.flag("facet.range.hardend"))
    sums = np.concatenate(([0], np.cumsum(counts)))
    below = [int(sums[np.searchsorted(np.array(values, dtype=np.float64), edge)]) for edge in edges]
    flat: list[Any] = []
    for place, edge in enumerate(edges[:-1]):
        count = below[place + 1] - below[place]
        if count >= parameters.number("facet.mincount", 0):
            flat += [_label(field, edge), count]
    body: dict[str, Any] = {
        "counts": flat,
        "gap": gap if field.type is FieldType.DATE else to_asked(field, gap, moment),
    }
    body |= {"start": _bound(field, edges[0]), "end": _bound(field, edges[-1])}
    others = {"before": below[0], "after": int(sums[-1]) - below[-1], "between": below[-1] - below[0]}
    asked = parameters.all("facet.range.other")
    return body | {name: count for name, count in others.items() if name in asked or "all" in asked}


def _required(parameters: Parameters, name: str) -> str:
    text = parameters.text(name, "")
    if not text:
        raise BadRequestError(f"Missing required parameter: {name}")
    return text


def _only_supported(parameters: Parameters) -> None:
    for name in parameters.all("facet.range.include"):
        if name != "lower":
            raise BadRequestError(f"facet.range.include={name} is not supported, only lower is")


def _edges(field: Field, start: Indexed, end: Indexed, gap: str, hard_end: bool) -> list[Any]:
    edges: list[Any] = [start]
    while edges[-1] < end:
        following = _step(field, edges[-1], gap)
        if following <= edges[-1]:
            raise BadRequestError(
                f"range facet infinite loop (is gap negative? did the math overflow?): gap {gap}"
            )
        edges.append(min(following, end) if hard_end else following)
        if len(edges) > _MOST_BUCKETS:
            raise BadRequestError(
                f"range facet of {field.name} has more than {_MOST_BUCKETS} buckets: larger gap"
            )
    return edges


def _step(field: Field, edge: Any, gap: str) -> Any:
    if field.type is not FieldType.DATE:
        return edge + to_asked(field, gap, from_milliseconds(0))
    try:
        return to_milliseconds(apply_math(from_milliseconds(edge), gap, gap))
    except OverflowError:
        raise BadRequestError(f"range facet leaves the years 1 to 9999: gap {gap}") from None


def _bound(field: Field, edge: Any) -> Any:
    return format_date(edge) if field.type is FieldType.DATE else edge


def _label(field: Field, edge: Any) -> str:
    return str(_bound(field, edge))
