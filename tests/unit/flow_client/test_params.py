"""Parameters: always explicit, lower-case booleans, one picture per search."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import hypothesis
import pytest
from hypothesis import strategies as st

from include.flow_client import FacetRange, Query, params

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_query_always_says_what_and_which_fields() -> None:
    assert Query().pairs() == [("q", "*:*"), ("fl", "id"), ("rows", "10")]


def test_filters_keep_their_order_and_are_repeated() -> None:
    pairs = Query(fl=["id", "image"], fq=["b:2", "a:1"], rows=0, start=3, sort="id asc").pairs()
    assert pairs == [
        ("q", "*:*"),
        ("fl", "id,image"),
        ("rows", "0"),
        ("fq", "b:2"),
        ("fq", "a:1"),
        ("start", "3"),
        ("sort", "id asc"),
    ]


def test_facets_and_statistics_name_their_fields() -> None:
    months = FacetRange("date_dt", "2026-04-01T00:00:00Z", "2026-10-01T00:00:00Z", "+1MONTH")
    pairs = Query(facet_fields=["category"], facet_ranges=[months], stats_fields=["date_dt"]).pairs()
    assert ("facet", "true") in pairs
    assert ("facet.limit", "-1") in pairs
    assert ("facet.field", "category") in pairs
    assert ("f.date_dt.facet.range.gap", "+1MONTH") in pairs
    assert ("stats.field", "date_dt") in pairs


def test_a_bare_text_is_not_taken_for_a_list_of_letters() -> None:
    with pytest.raises(ValueError, match="list"):
        Query(fq="category:a").pairs()
    with pytest.raises(ValueError, match="list"):
        Query(fl="id").pairs()


def test_search_settings_are_encoded_and_ask_for_id_and_score() -> None:
    text = params.search_settings(
        fq=("category:a b",),
        fl=("image",),
        threshold=0.95,
        approximate=True,
        smartfilter="medium",
        start=0,
        rows=100,
    )
    assert parse_qsl(text) == [
        ("q", "*:*"),
        ("fl", "image,id,score"),
        ("fq", "category:a b"),
        ("rank.threshold", "0.95"),
        ("rank.approximate", "true"),
        ("rank.smartfilter", "medium"),
        ("start", "0"),
        ("rows", "100"),
    ]


def test_a_search_takes_exactly_one_picture() -> None:
    assert params.rank_by("a&b=c", None, None, None) == ("rank.by.id", "a&b=c")
    assert params.rank_by(None, "http://x/y.jpg", None, None) == ("rank.by.url", "http://x/y.jpg")
    name, value = params.rank_by(None, None, None, {"v": [1]})
    assert (name, json.loads(value)) == ("rank.by.preprocessed", {"v": [1]})
    for given in [(None, None, None, None), ("1", "http://x", None, None)]:
        with pytest.raises(ValueError, match="one picture"):
            params.rank_by(*given)


def test_bytes_travel_as_a_data_uri_of_their_own_type() -> None:
    head, _, data = params.data_uri(PNG).partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == PNG
    assert params.data_uri(b"\xff\xd8\xff\xe0").startswith("data:image/jpeg;")


def test_an_analysis_takes_a_url_or_bytes() -> None:
    assert params.analyze("http://x", None, ["duplicate", "color"]) == [
        ("input.url", "http://x"),
        ("modules.apply", "duplicate,color"),
    ]
    for given in [(None, None), ("http://x", PNG)]:
        with pytest.raises(ValueError, match="either"):
            params.analyze(*given, [])


@pytest.mark.parametrize(
    ("sort", "whole"),
    [("id asc", "id asc"), ("date_dt desc", "date_dt desc,id asc"), ("a asc, id desc", "a asc, id desc")],
)
def test_a_cursor_sort_ends_in_the_unique_key(sort: str, whole: str) -> None:
    assert params.cursor_sort(sort) == whole


def test_flows_parameter_names_stand_in_one_file_only() -> None:
    package = Path(params.__file__).parent
    names = re.compile(
        r'"(rank\.|input\.|modules\.|facet\.|stats\.|cursorMark|logParamsList|commitWithin|softCommit|fq"|fl"|rows"|q")'
    )
    offenders = [path.name for path in package.glob("*.py") if names.search(path.read_text())]
    assert offenders == ["params.py"]


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@hypothesis.given(st.lists(st.tuples(TEXT, TEXT | st.binary().map(params.data_uri)), max_size=5))
def test_a_form_is_what_the_library_would_write(pairs: list[tuple[str, str]]) -> None:
    assert params.form(pairs) == urlencode(pairs)
