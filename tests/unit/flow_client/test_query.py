"""Filters: a value stays a value, whatever it holds."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.flow_client import query

TEXT = st.text(alphabet=st.one_of(st.sampled_from('\\+-!():^[]"{}~*?|&/ \tANDORT,;u0'), st.characters()))


def unescaped(text: str) -> str:
    """Take one backslash away from in front of each escaped character, as the Lucene parser does."""
    if text == '""':
        return ""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


@given(TEXT)
@example("\\u005c")
def test_escaped_text_reads_back_as_it_was(text: str) -> None:
    assert unescaped(query.escape(text)) == text


@given(TEXT)
def test_no_bare_sign_of_the_syntax_survives_escaping(text: str) -> None:
    escaped = query.escape(text)
    if text:
        assert not re.search(r'[+\-!():^\[\]"{}~*?|&/\s]', re.sub(r"\\.", "", escaped, flags=re.DOTALL))
    assert escaped not in {"AND", "OR", "NOT", "TO", ""}


@given(TEXT)
def test_a_term_holds_its_value_unchanged(value: str) -> None:
    assert query.term("id", value) == "{!term f=id}" + value


@given(st.lists(TEXT, min_size=1))
def test_terms_split_back_into_the_same_values(values: list[str]) -> None:
    text = query.terms("id", values)
    local = re.fullmatch(r'\{!terms f=id(?: separator="(.)")?\}(.*)', text, re.DOTALL)
    if local:
        assert [part.strip() for part in local[2].split(local[1] or ",")] == values
    else:
        assert text == f"id:({' OR '.join(map(query.escape, values))})"


def test_ids_with_commas_and_spaces_go_into_one_terms_query() -> None:
    assert query.terms("id", ["a, b.jpg", "c d.jpg"]) == '{!terms f=id separator="|"}a, b.jpg|c d.jpg'


def test_terms_of_nothing_and_terms_of_a_bare_text_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        query.terms("id", [])
    with pytest.raises(ValueError, match="list"):
        query.terms("id", "115")


def test_ranges_are_half_open_so_that_neighbours_are_disjoint() -> None:
    april, may = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
    assert query.between("date_dt", april, may) == "date_dt:[2026-04-01T00:00:00Z TO 2026-05-01T00:00:00Z}"
    assert query.between("price", None, 10, include_high=True) == "price:[* TO 10]"
    assert query.between("price", -1.5, None, include_low=False) == "price:{-1.5 TO *}"


def test_dates_are_sent_in_utc_and_need_a_time_zone() -> None:
    local = datetime(2026, 4, 1, 2, 30, 0, 5000, tzinfo=timezone(timedelta(hours=2)))
    assert query.match("date_dt", local) == r"date_dt:2026\-04\-01T00\:30\:00.005000Z"
    assert query.term("date_dt", date(2026, 4, 1)) == "{!term f=date_dt}2026-04-01T00:00:00Z"
    with pytest.raises(ValueError, match="time zone"):
        query.term("date_dt", datetime(2026, 4, 1))  # noqa: DTZ001


@given(TEXT, TEXT)
def test_range_bounds_of_strings_read_back_as_they_were(low: str, high: str) -> None:
    text = query.between("id", low, high, include_high=True)
    bound = r'("(?:[^"\\]|\\.)*"|[^\s\]}]+)'
    found = re.fullmatch(rf"id:\[{bound} TO {bound}\]", text, re.DOTALL)
    assert found is not None
    for part, value in zip(found.groups(), (low, high), strict=True):
        assert part != "*"
        bare = part[1:-1] if part.startswith('"') else part
        assert unescaped(bare) == value


def test_a_quoted_bound_never_ends_in_an_escaped_quote() -> None:
    assert query.between("id", "a \\", None) == r'id:["a \u005c" TO *}'


def test_negation_holds_inside_an_expression() -> None:
    assert query.negate(query.match("category", "c 3")) == r"(*:* -category:c\ 3)"
    assert query.negate(query.exists("date_dt")) == "(*:* -date_dt:[* TO *])"
    with pytest.raises(ValueError, match="stand alone"):
        query.negate(query.term("category", "c3"))


@pytest.mark.parametrize("name", ["", "a b", "id}", "id:x", "1st", "-id", "id\n"])
def test_a_field_name_that_could_carry_syntax_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no field name"):
        query.match(name, "x")


def test_booleans_are_lower_case() -> None:
    assert query.match("color_isolated", True) == "color_isolated:true"
