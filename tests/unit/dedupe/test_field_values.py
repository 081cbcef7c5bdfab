"""Values compare by what they are in Flow."""

from __future__ import annotations

import math
from typing import Any

import pytest

from include.dedupe.field_values import is_value, moments, numbers, places


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (True, "true"),
        (False, "False"),
        (1, "1"),
        (1, "1.0"),
        (1.0, "1"),
        (0.1, "0.10"),
        (9007199254740993, "9007199254740993"),
        (-2, "-2.0"),
        (1e21, "1e21"),
        ("agency", "agency"),
        ("01", "01"),
        ("2026-01-01T00:00:00Z", "2026-01-01"),
        ("2026-01-01T12:00:00Z", "2026-01-01T13:00:00+01:00"),
        ("+10000-01-01T00:00:00Z", "+10000-01-01"),
    ],
)
def test_a_value_is_found_however_it_is_written(value: Any, wanted: str) -> None:
    assert is_value(value, wanted)


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (True, "1"),
        (True, "false"),
        (1, "true"),
        (1, "one"),
        (9007199254740993, "9007199254740992"),
        ("01", "1"),
        ("1", "1.0"),
        ("Agency", "agency"),
        ("2026-01-01T00:00:00Z", "2026-01-02"),
    ],
)
def test_what_is_something_else_is_not_found(value: Any, wanted: str) -> None:
    assert not is_value(value, wanted)


def test_several_values_count_as_the_best_and_none_as_the_worst() -> None:
    values = [["b", "a"], "b", ["c"], [], None, ""]
    assert places(values, ("a", "b")) == [0.0, 1.0, *[math.inf] * 4]
    assert places([True, 1, "1", 1.0], ("true",)) == [0.0, *[math.inf] * 3]
    assert numbers([[1, 3], "2", True, [], "x"], highest=True)[:3].tolist() == [3.0, 2.0, 1.0]
    assert numbers([[1, 3]], highest=False).tolist() == [1.0]
    dates = [
        "2026-01-01T00:00:00Z",
        ["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"],
        "+10000-01-01T00:00:00Z",
    ]
    first, of_two, last = moments(dates, latest=True)
    assert first < of_two < last
    assert moments(dates, latest=False)[1] == first
    assert all(math.isnan(one) for one in moments([None, [], "soon"], latest=True))
