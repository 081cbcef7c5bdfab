"""Partitions: disjoint parts of a scope that together hold each of its documents exactly once.

They are complete by how they are built: the first and the last stretch of time are open, documents without
the field have a partition of their own, and values of a field that nobody expected fall into the last one.
The counts of all partitions and of the scope come from one answer, and must add up.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from include.dedupe.config import CollectionConfig, DatePartitions, FieldPartitions
from include.dedupe.errors import PlanError
from include.dedupe.flow import FlowReader

# Weeks begin on Monday.
_PERIODS = {"day": "D", "week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}


@dataclass(frozen=True, slots=True)
class Partition:
    """One part of the scope: ``fq`` on top of the scope's own; ``expected`` documents when planned.

    ``quota``: how many of them the run takes, if not all.
    """

    name: str
    label: str
    fq: tuple[str, ...]
    expected: int
    quota: int | None = None

    @property
    def wanted(self) -> int:
        """Documents that the run is to scan."""
        return self.expected if self.quota is None else min(self.quota, self.expected)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Partition:
        return cls(value["name"], value["label"], tuple(value["fq"]), value["expected"], value["quota"])


@dataclass(frozen=True, slots=True)
class Part:
    """A partition before it is counted."""

    label: str
    fq: tuple[str, ...]


async def divide(flow: FlowReader, config: CollectionConfig, fq: Sequence[str]) -> tuple[Partition, ...]:
    """Return the partitions of the documents that ``fq`` names; at least one, be it empty.

    Raises:
        PlanError: their counts do not add up to the scope's.
    """
    settings = config.partitions
    if isinstance(settings, DatePartitions):
        assert config.fields.date is not None, "checked when the settings were read"  # noqa: S101
        parts = await _by_date(flow, config.fields.date, settings.step, config.max_partitions, fq)
        total, counts = await _count(flow, parts, fq)
        field = config.fields.date
    elif isinstance(settings, FieldPartitions):
        field = settings.field
        values = await _values(flow, field, config.max_partitions, fq)
        parts = _by_value(flow, field, values)
        total, counts = await _count(flow, parts, fq)
        if sum(counts) > total:
            parts = _first_match(flow, field, values)
            total, counts = await _count(flow, parts, fq)
    else:
        total = (await flow.select(fq=fq, rows=0)).num_found
        return (Partition("p00", "all", (), total),)
    if sum(counts) != total:
        raise PlanError(
            f"Partitions by {field} hold {sum(counts)} documents, but the scope holds {total}; "
            f"partition by a field with one value for each document."
        )
    found = [(part, count) for part, count in zip(parts, counts, strict=True) if count] or [(parts[0], 0)]
    width = len(str(len(found) - 1))
    return tuple(
        Partition(f"p{number:0{width}}", part.label, part.fq, count)
        for number, (part, count) in enumerate(found)
    )


async def _count(flow: FlowReader, parts: Sequence[Part], fq: Sequence[str]) -> tuple[int, list[int]]:
    queries = [
        " AND ".join(f"({one})" for one in part.fq) if len(part.fq) > 1 else part.fq[0] for part in parts
    ]
    answer = await flow.select(fq=fq, rows=0, facet_queries=queries)
    return answer.num_found, [answer.facet_queries[query] for query in queries]


async def _by_date(
    flow: FlowReader, field: str, step: str, max_partitions: int, fq: Sequence[str]
) -> list[Part]:
    missing = Part(f"no {field}", (flow.filters.without(field),))
    ends = [await _outermost(flow, field, fq, order) for order in ("asc", "desc")]
    if ends[0] is None or ends[1] is None:
        return [missing]
    periods = pd.period_range(ends[0], ends[1], freq=_PERIODS[step])
    together = -(-len(periods) // max(1, max_partitions - 1))  # rounded up; one is left for missing dates
    groups = [periods[first : first + together] for first in range(0, len(periods), together)]
    starts = [group[0].start_time.to_pydatetime().replace(tzinfo=dt.UTC) for group in groups]
    bounds = itertools.pairwise([None, *starts[1:], None])
    return [
        Part(
            str(group[0]) if len(group) == 1 else f"{group[0]} to {group[-1]}",
            (flow.filters.date_range(field, start, end),),
        )
        for group, (start, end) in zip(groups, bounds, strict=True)
    ] + [missing]


async def _outermost(flow: FlowReader, field: str, fq: Sequence[str], order: str) -> dt.datetime | None:
    dated = flow.filters.date_range(field, None, None)
    page = await flow.select(fq=(*fq, dated), fl=(field,), rows=1, sort=f"{field} {order}")
    if not page.docs:
        return None
    value = page.docs[0].get(field)
    try:
        return dt.datetime.fromisoformat(str(value)).astimezone(dt.UTC).replace(tzinfo=None)
    except ValueError as error:
        raise PlanError(
            f"Field {field} holds {value!r}, no date; set fields.date to a date field."
        ) from error


async def _values(flow: FlowReader, field: str, max_partitions: int, fq: Sequence[str]) -> list[str]:
    """Return the most frequent values, leaving one partition for all others."""
    answer = await flow.select(fq=fq, rows=0, facet_fields=(field,), facet_limit=max_partitions - 1)
    return list(answer.facets[field]) if max_partitions > 1 else []


def _by_value(flow: FlowReader, field: str, values: Sequence[str]) -> list[Part]:
    named = [Part(f"{field}: {value}", (flow.filters.any_of(field, [value]),)) for value in values]
    return [*named, _others(flow, field, values)]


def _first_match(flow: FlowReader, field: str, values: Sequence[str]) -> list[Part]:
    """Give a document with several values to the partition of the first of them only."""
    named = [
        Part(
            f"{field}: {value}",
            (flow.filters.any_of(field, [value]), flow.filters.none_of(field, values[:position])),
        )
        for position, value in enumerate(values)
    ]
    return [*named, _others(flow, field, values)]


def _others(flow: FlowReader, field: str, values: Sequence[str]) -> Part:
    return Part(f"{field}: any other or none", (flow.filters.none_of(field, values),))
