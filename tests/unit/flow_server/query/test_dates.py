"""Date math and the date format of Solr."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.flow_server.errors import BadRequestError
from include.flow_server.query.dates import format_date, parse_date, parse_lenient, to_milliseconds

NOW = datetime(2024, 3, 31, 13, 45, 59, 123_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("NOW", "2024-03-31T13:45:59.123Z"),
        ("NOW/DAY", "2024-03-31T00:00:00Z"),
        ("NOW-1MONTH", "2024-02-29T13:45:59.123Z"),
        ("NOW-1YEAR/YEAR", "2023-01-01T00:00:00Z"),
        ("NOW/HOUR+30MINUTES", "2024-03-31T13:30:00Z"),
        ("NOW-7DAYS/DAY", "2024-03-24T00:00:00Z"),
        ("2024-01-31T00:00:00Z+1MONTH", "2024-02-29T00:00:00Z"),
        ("2023-12-31T23:59:59.9999Z", "2023-12-31T23:59:59.999Z"),
        ("1969-12-31T23:59:59.500Z", "1969-12-31T23:59:59.500Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("2024-02-28T00:00:00Z+24HOURS", "2024-02-29T00:00:00Z"),
        ("NOW/MINUTE+1SECOND-1MILLI", "2024-03-31T13:45:00.999Z"),
    ],
)
def test_date_math_means_what_solr_means(text: str, meaning: str) -> None:
    assert format_date(parse_date(text, NOW)) == meaning


@pytest.mark.parametrize(
    "text",
    [
        "2024", "2024-01", "2024-01-01", "now", "", "NOW-", "NOW/", "NOW-DAY", "NOW+1FORTNIGHT",
        "2024-13-01T00:00:00Z",
        "2024-02-30T00:00:00Z", "2024-01-01T00:00:00", "NOW+999999YEARS", "NOW-5000YEARS", "NOW/DAY x",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="Invalid Date"):
        parse_date(text, NOW)


def test_a_document_may_give_a_bare_day() -> None:
    assert format_date(parse_lenient("2024-02-29", NOW)) == "2024-02-29T00:00:00Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_written_date_reads_back(moment: datetime) -> None:
    milliseconds = to_milliseconds(moment)
    assert parse_date(format_date(milliseconds), NOW) == milliseconds
