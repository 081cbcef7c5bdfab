"""Dates of all years, as Solr writes them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.moments import FIRST, LAST, later, microseconds, nearest_moment


@given(st.datetimes(timezones=st.just(dt.UTC)))
def test_what_python_can_hold_is_counted_as_python_counts_it(moment: dt.datetime) -> None:
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    counted = microseconds(moment.isoformat().replace("+00:00", "Z"))
    assert counted == (moment - epoch) // dt.timedelta(microseconds=1)
    assert nearest_moment(moment.isoformat()) == moment.replace(microsecond=0)


def test_the_years_around_the_ends_follow_each_other() -> None:
    texts = [
        "-0044-03-15T00:00:00Z",
        "-0001-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "1970-01-01",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999Z",
        "+10000-01-01T00:00:00Z",
        "+292278994-08-17T07:12:55.807Z",
    ]
    counted = [microseconds(text) for text in texts]
    assert None not in counted
    assert counted == sorted(counted)  # type: ignore[type-var]
    day = 86_400 * 10**6
    assert microseconds("+10000-01-01T00:00:00Z") == microseconds("9999-12-31T00:00:00Z") + day  # type: ignore[operator]


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "2026-02-30T00:00:00Z", "115", "2026-01-01T25"])
def test_what_is_no_date_is_none(text: str) -> None:
    assert microseconds(text) is None
    assert nearest_moment(text) is None


def test_what_lies_behind_the_calendar_is_its_end() -> None:
    assert nearest_moment("+10000-01-01T00:00:00Z") == LAST
    assert nearest_moment("-0044-03-15T00:00:00Z") == FIRST
    assert later(LAST, dt.timedelta(seconds=1)) == LAST
    assert later(FIRST, dt.timedelta(days=-1)) == FIRST
