"""Partition key: the period that the key of a partitioned Airflow run names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from include.dedupe.errors import ScopeError

KEY_FORMATS = {"@hourly": "%Y-%m-%dT%H", "@daily": "%Y-%m-%d", "@monthly": "%Y-%m", "@yearly": "%Y"}
"""How the keys of a schedule are written; each tells from its form how long its period is."""

_FOLLOWING: Mapping[str, Callable[[dt.datetime], dt.datetime]] = {
    "@hourly": lambda start: start + dt.timedelta(hours=1),
    "@daily": lambda start: start + dt.timedelta(days=1),
    "@monthly": lambda start: (start + dt.timedelta(days=31)).replace(day=1),
    "@yearly": lambda start: start.replace(year=start.year + 1),
}


def read_period(key: str) -> tuple[dt.datetime, dt.datetime]:
    """Return start (inclusive) and end (exclusive) of the hour, day, month or year in UTC.

    Raises:
        ScopeError: the key names none of them.
    """
    for schedule, key_format in KEY_FORMATS.items():
        try:
            start = dt.datetime.strptime(key, key_format)  # noqa: DTZ007 - a key names a period in UTC
        except ValueError:
            continue
        try:
            following = _FOLLOWING[schedule](start)
        except (ValueError, OverflowError) as error:
            raise ScopeError(
                f"The partition key {key!r} ends behind the year 9999; scan by hand with scope: range."
            ) from error
        return start.replace(tzinfo=dt.UTC), following.replace(tzinfo=dt.UTC)
    raise ScopeError(
        f"The partition key {key!r} names no period; write an hour, day, month or year as in "
        f"2026-04-01T12, 2026-04-01, 2026-04 or 2026."
    )
