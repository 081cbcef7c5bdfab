"""Parts of a scope by date: steps of the calendar, or stretches that hold about equally many documents."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections.abc import Sequence

import pandas as pd

from include.dedupe.errors import PlanError
from include.dedupe.flow import FlowReader
from include.dedupe.moments import later, nearest_moment
from include.dedupe.planning.parts import Part, count_parts

Moment = dt.datetime
Bucket = tuple[Moment, Moment, int]

# Weeks begin on Monday.
_PERIODS = {"day": "D", "week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}
_SECOND = dt.timedelta(seconds=1)
SPLIT = 8
"""Into so many buckets is one divided that holds too many documents."""
ROUNDS = 12
"""So often at most; from ten years, eight rounds lead down to a few seconds."""


async def date_steps(flow: FlowReader, field: str, step: str, most: int, fq: Sequence[str]) -> list[Part]:
    """Return a part for each step; neighbours share one where there would be more than ``most``."""
    span = await _span(flow, field, fq)
    if span is None:
        return [_undated(flow, field)]
    first, last = (moment.replace(tzinfo=None) for moment in span)  # what lies beyond is in the open parts
    periods = pd.period_range(first, last, freq=_PERIODS[step])
    together = math.ceil(len(periods) / max(1, most - 1))  # one is left for documents without a date
    groups = [periods[start : start + together] for start in range(0, len(periods), together)]
    starts = [group[0].start_time.to_pydatetime().replace(tzinfo=dt.UTC) for group in groups]
    labels = [str(group[0]) if len(group) == 1 else f"{group[0]} to {group[-1]}" for group in groups]
    return [*_stretches(flow, field, starts[1:], labels), _undated(flow, field)]


async def balanced_dates(
    flow: FlowReader, field: str, target: int, most: int, fq: Sequence[str]
) -> list[Part]:
    """Return stretches of time that hold about ``target`` documents each, at most ``most`` of them."""
    span = await _span(flow, field, fq)
    if span is None:
        return [_undated(flow, field)]
    dated = (*fq, flow.filters.date_range(field, None, None))
    total = (await flow.select(fq=dated)).num_found
    count = min(max(1, most - 1), math.ceil(total / target))
    size = total / count
    buckets: list[Bucket] = [(span[0], later(span[1], _SECOND), total)]
    for _ in range(ROUNDS):
        if not any(_is_heavy(bucket, size) for bucket in buckets) or count == 1:
            break
        buckets = await _refine(flow, field, buckets, size, fq)
    bounds = _cut(buckets, size)
    shown = [_show(bound) for bound in bounds]
    labels = [f"{start} to {end}" for start, end in itertools.pairwise(shown)]
    labels = [f"before {shown[0]}", *labels, f"from {shown[-1]}"] if shown else ["all dates"]
    return [*_stretches(flow, field, bounds, labels), _undated(flow, field)]


def _stretches(flow: FlowReader, field: str, bounds: Sequence[Moment], labels: Sequence[str]) -> list[Part]:
    """Return parts that end and begin at ``bounds``; the first and the last are open."""
    stretches = itertools.pairwise([None, *bounds, None])
    return [
        Part(label, (flow.filters.date_range(field, start, end),))
        for label, (start, end) in zip(labels, stretches, strict=True)
    ]


def _undated(flow: FlowReader, field: str) -> Part:
    return Part(f"no {field}", (flow.filters.without(field),))


def _is_heavy(bucket: Bucket, size: float) -> bool:
    start, end, count = bucket
    return count > size / 4 and end - start > _SECOND


async def _refine(
    flow: FlowReader, field: str, buckets: Sequence[Bucket], size: float, fq: Sequence[str]
) -> list[Bucket]:
    """Divide the heavy buckets, with one request for all of them."""
    stretches: list[tuple[Moment, Moment]] = []
    for bucket in buckets:
        start, end, _ = bucket
        if not _is_heavy(bucket, size):
            stretches.append((start, end))
            continue
        seconds = math.ceil((end - start) / _SECOND / SPLIT)
        while start < end:
            following = min(end, later(start, seconds * _SECOND))
            stretches.append((start, following))
            start = following
    parts = [Part("", (flow.filters.date_range(field, *stretch),)) for stretch in stretches]
    _, counts = await count_parts(flow, parts, fq)
    return [(*stretch, count) for stretch, count in zip(stretches, counts, strict=True)]


def _cut(buckets: Sequence[Bucket], size: float) -> list[Moment]:
    """Return the ends of buckets where another ``size`` documents are reached as nearly as can be."""
    bounds, seen, wanted = [], 0, size
    for start, _, count in buckets[:]:
        if seen and seen + count / 2 > wanted:
            bounds.append(start)
            wanted = max(wanted + size, seen + size / 2)
        seen += count
    return bounds


async def _span(flow: FlowReader, field: str, fq: Sequence[str]) -> tuple[Moment, Moment] | None:
    first, last = [await _outermost(flow, field, fq, order) for order in ("asc", "desc")]
    return (first, last) if first and last else None


async def _outermost(flow: FlowReader, field: str, fq: Sequence[str], order: str) -> Moment | None:
    dated = flow.filters.date_range(field, None, None)
    page = await flow.select(fq=(*fq, dated), fl=(field,), rows=1, sort=f"{field} {order}")
    if not page.docs:
        return None
    value = page.docs[0].get(field)
    moment = nearest_moment(str(value))
    if moment is None:
        raise PlanError(f"Field {field} holds {value!r}, no date; set fields.date to a date field.")
    return moment


def _show(moment: Moment) -> str:
    at_midnight = moment.time() == dt.time()
    return moment.date().isoformat() if at_midnight else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
