"""Moments: points in time as Flow writes them, those that no calendar of Python holds among them.

Solr counts years before 1 as 0000, -0001 …, and writes years after 9999 with a sign: +10000-01-01T00:00:00Z.
"""

from __future__ import annotations

import datetime as dt
import re

FIRST = dt.datetime.min.replace(tzinfo=dt.UTC)
LAST = dt.datetime.max.replace(tzinfo=dt.UTC, microsecond=0)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_WRITTEN = re.compile(r"([+-]?\d{4,9})(-\d\d-\d\d)(?:[T ]?(.*))?", re.ASCII | re.DOTALL)
_ERA_YEARS, _ERA_DAYS = 400, 146_097
"""After so many years the calendar repeats itself."""


def microseconds(text: str) -> int | None:
    """Return microseconds since 1970 of an ISO date or time, UTC without an offset; None if it is none."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        return None
    year, day, time = int(found[1]), found[2], found[3] or "00:00:00"
    eras, alike = divmod(year - 2000, _ERA_YEARS)
    try:
        moment = dt.datetime.fromisoformat(f"{2000 + alike:04}{day}T{time}")
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return (aware - _EPOCH) // dt.timedelta(microseconds=1) + eras * _ERA_DAYS * 86_400_000_000


def nearest_moment(text: str) -> dt.datetime | None:
    """Return the moment to the second, or the end of Python's calendar that it lies behind."""
    counted = microseconds(text)
    if counted is None:
        return None
    seconds = counted // 1_000_000
    first, last = ((end - _EPOCH) // dt.timedelta(seconds=1) for end in (FIRST, LAST))
    return _EPOCH + dt.timedelta(seconds=min(max(seconds, first), last))


def later(moment: dt.datetime, span: dt.timedelta) -> dt.datetime:
    """Return a moment ``span`` later, but within Python's calendar."""
    try:
        return moment + span
    except OverflowError:
        return LAST if span > dt.timedelta() else FIRST
