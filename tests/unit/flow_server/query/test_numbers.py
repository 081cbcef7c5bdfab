"""Numbers in facets are written as Java writes them."""

from __future__ import annotations

import pytest

from include.flow_server.query.ranges import shown_number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((1e9, "1.0E9"), (9999999.0, "9999999.0"), (1e7, "1.0E7"), (0.001, "0.001"), (9.99e-4, "9.99E-4")),
        *(
            (123456789.125, "1.23456789125E8"),
            (-2.5e20, "-2.5E20"),
            (0.0, "0.0"),
            (5, "5"),
            (10**9, "1000000000"),
        ),
    ],
)
def test_an_exponent_begins_where_java_begins_it(value: float, text: str) -> None:
    assert shown_number(value) == text
