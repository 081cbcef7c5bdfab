"""Partition key: the period that the key of a partitioned Airflow run names."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from include.dedupe.errors import ScopeError

KEY_FORMATS = {"@hourly": "%Y-%m-%dT%H", "@daily": "%Y-%m-%d", "@monthly": "%Y-%m", "@yearly": "%Y"}
"""How the keys of a schedule are written; each tells from its form how long its period is."""

_PERIODS = {"@hourly": "h", "@daily": "D", "@monthly": "M", "@yearly": "Y"}


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
            following = (pd.Period(start, freq=_PERIODS[schedule]) + 1).start_time.to_pydatetime()
        except ValueError as error:
            raise ScopeError(
                f"The partition key {key!r} ends behind the year 9999; scan by hand with scope: range."
            ) from error
        return start.replace(tzinfo=dt.UTC), following.replace(tzinfo=dt.UTC)
    raise ScopeError(
        f"The partition key {key!r} names no period; write an hour, day, month or year as in "
        f"2026-04-01T12, 2026-04-01, 2026-04 or 2026."
    )
