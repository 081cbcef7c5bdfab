"""Clock: the time as every artifact writes it."""

from __future__ import annotations

import datetime as dt


def now() -> str:
    """Return this moment in UTC, ISO 8601 with microseconds."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
