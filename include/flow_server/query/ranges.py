"""facet.range: buckets of equal size over numbers, or of date math (`+1MONTH`) over dates."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from include.flow_server.errors import BadRequestError
from include.flow_server.query.dates import apply_math, format_date, from_milliseconds, to_milliseconds
from include.flow_server.store.schema import Field, FieldType
from include.flow_server.store.values import Indexed, to_asked

if TYPE_CHECKING:
    from datetime import datetime

    from include.flow_server.store.keyset import Keys

MOST_BUCKETS = 100_000
_OTHERS = ("before", "after", "between", "all", "none")


class Parameters(Protocol):
    """Facet parameters of one field."""

    def all(self, name: str) -> tuple[str, ...]: ...
    def text(self, name: str, default: str) -> str: ...
    def number(self, name: str, default: int) -> int: ...
    def flag(self, name: str) -> bool: ...


def range_edges(field: Field, parameters: Parameters, moment: datetime, most: int) -> list[Any]:
    """Where the buckets of a facet.range begin, and behind them where the last one ends.

    More than `most` of them are a 400, as is a gap that does not lead from start to end.
    """
    _only_supported(parameters)
    start, end = (
        to_asked(field, _required(parameters, f"facet.range.{name}"), moment) for name in ("start", "end")
    )
    if not math.isfinite(float(end) - float(start)):
        raise BadRequestError(f"range facet needs finite numbers: start {start}, end {end}")
    if end < start:  # type: ignore[operator]
        raise BadRequestError(f"range facet 'end' comes before 'start': {end} < {start}")
    return _edges(field, start, end, parameters, most)


def range_facet(
    field: Field,
    parameters: Parameters,
    edges: list[Any],
    keys: Keys,
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> dict[str, Any]:
    """One member of facet_ranges; document `keys[i]` has `values[i]`, and counts once a bucket."""
    buckets = np.searchsorted(np.array(edges, dtype=np.float64), values, "right")
    span = int(keys.max(initial=0)) + 1
    pairs = np.unique(buckets * span + keys)
    counts = np.bincount(pairs // span, minlength=len(edges) + 1).tolist()
    least = parameters.number("facet.mincount", 0)
    flat: list[Any] = []
    for edge, count in zip(edges[:-1], counts[1:-1], strict=True):
        if count >= least:
            flat += [_label(field, edge), count]
    gap = _required(parameters, "facet.range.gap")
    body: dict[str, Any] = {
        "counts": flat,
        "gap": gap
        if field.type is FieldType.DATE
        else _bound(field, to_asked(field, gap, from_milliseconds(0))),
    }
    body |= {"start": _bound(field, edges[0]), "end": _bound(field, edges[-1])}
    between = len(np.unique(keys[(buckets > 0) & (buckets < len(edges))]))
    others = {"before": counts[0], "after": counts[-1], "between": between}
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
    for name in parameters.all("facet.range.other"):
        if name not in _OTHERS:
            raise BadRequestError(f"{name} is not a valid type of 'other' range facet information")


def _edges(field: Field, start: Indexed, end: Indexed, parameters: Parameters, most: int) -> list[Any]:
    gap = _required(parameters, "facet.range.gap")
    hard_end = parameters.flag("facet.range.hardend")
    edges: list[Any] = [start]
    while edges[-1] < end:
        following = _step(field, edges[-1], gap)
        if not following > edges[-1]:
            raise BadRequestError(
                f"range facet infinite loop (is gap negative? did the math overflow?): gap {gap}"
            )
        edges.append(min(following, end) if hard_end else following)
        if len(edges) > most:
            raise BadRequestError(
                f"the range facets of one request have more than {MOST_BUCKETS} buckets: larger gap"
            )
    return edges


def _step(field: Field, edge: Any, gap: str) -> Any:
    if field.type is not FieldType.DATE:
        following = edge + to_asked(field, gap, from_milliseconds(0))
        return float(np.float32(following)) if field.type is FieldType.FLOAT else following
    try:
        return to_milliseconds(apply_math(from_milliseconds(edge), gap, gap))
    except OverflowError:
        raise BadRequestError(f"range facet leaves the years 1 to 9999: gap {gap}") from None


def _bound(field: Field, edge: Any) -> Any:
    if field.type is FieldType.FLOAT:
        return float(str(np.float32(edge)))
    return format_date(edge) if field.type is FieldType.DATE else edge


def _label(field: Field, edge: Any) -> str:
    bound = _bound(field, edge)
    return bound if isinstance(bound, str) else shown_number(bound)


def shown_number(value: Indexed) -> str:
    """A number as Java writes it, which goes over to an exponent earlier: 1.0E9."""
    if not isinstance(value, float) or value == 0 or 1e-3 <= abs(value) < 1e7:
        return str(value)
    digits, _, exponent = f"{Decimal(repr(value)).normalize():E}".partition("E")
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"
