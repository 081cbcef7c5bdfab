"""Which document stays: each rule by itself, and what stands above all rules."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from pydantic import ValidationError

from tests.support.deciding import Case, config


def two(
    documents: dict[str, dict[str, Any]], rules: list[dict[str, Any]], score: float = 1.0
) -> pd.DataFrame:
    sections = {"policies": {"exact": {"do": "delete"}}, "keeper": {"rules": rules}}
    return Case([("d1", "d2", score)], config(**sections), documents).decide()


@pytest.mark.parametrize(
    ("rule", "one", "other"),
    [
        ({"rule": "prefer", "field": "source_s", "values": ["agency"]}, {}, {"source_s": "agency"}),
        ({"rule": "highest", "field": "pixels"}, {"pixels_i": 9}, {"pixels_i": 10}),
        ({"rule": "lowest", "field": "rank_s"}, {"rank_s": "10"}, {"rank_s": "9"}),
        ({"rule": "oldest"}, {"date_dt": "2026-02-01T00:00:00Z"}, {"date_dt": "2026-01-01T00:00:00.5Z"}),
        ({"rule": "newest", "field": "seen_dt"}, {}, {"seen_dt": "2026-01-01T00:00:00Z"}),
        ({"rule": "most_complete"}, {"a": 1}, {"a": 1, "b": 2}),
        ({"rule": "most_complete", "fields": ["b"]}, {"a": 1, "c": 1}, {"b": [2]}),
        ({"rule": "has", "field": "camera_s"}, {"a": 1}, {"camera_s": "X1"}),
    ],
)
def test_each_keeper_rule_chooses_and_says_so(
    rule: dict[str, Any], one: dict[str, Any], other: dict[str, Any]
) -> None:
    rows = two({"d1": one, "d2": other}, [rule])
    assert set(rows["keeper_id"]) == {"d2"}
    assert set(rows["rule"]) == {f"{rule['rule']} {rule['field']}" if "field" in rule else rule["rule"]}


@pytest.mark.parametrize("field", ["pixels", "bytes"])
def test_a_rule_by_a_measure_that_no_field_is_mapped_to_is_an_error(field: str) -> None:
    rules = [{"rule": "highest", "field": field}]
    with pytest.raises(ValidationError, match=rf"goes by {field}; map it in fields\.{field}"):
        config(keeper={"rules": rules}, fields={})


def test_a_later_rule_decides_where_an_earlier_one_ties_and_last_the_id() -> None:
    rules = [{"rule": "highest", "field": "pixels"}, {"rule": "newest"}]
    dates = {"d1": {"pixels_i": 5, "date_dt": "2026-01-01T00:00:00Z"}}
    rows = two({**dates, "d2": {"pixels_i": 5, "date_dt": "2026-01-02T00:00:00Z"}}, rules)
    assert (set(rows["keeper_id"]), set(rows["rule"])) == ({"d2"}, {"newest"})
    rows = two({**dates, "d2": dates["d1"]}, rules)
    assert (set(rows["keeper_id"]), set(rows["rule"])) == ({"d1"}, {"id"})


@pytest.mark.parametrize(
    "copy", ["042 (Copy).jpg", "042 (1).jpg", "042 copy.jpg", "042-Kopie.jpg", "Copy of 042.jpg"]
)
@pytest.mark.parametrize("score", [1.0, 0.8])
def test_where_no_rule_tells_them_apart_the_copy_by_its_name_goes(copy: str, score: float) -> None:
    pairs = [(*sorted(("042.jpg", copy)), score)]
    case = Case(pairs, config(policies={"exact": {"do": "delete"}}), {"042.jpg": {}, copy: {}})
    rows = case.decide()
    assert (set(rows["keeper_id"]), set(rows["rule"])) == ({"042.jpg"}, {"id"})


def test_what_cannot_be_read_is_no_keeper_whatever_the_rules_prefer() -> None:
    rules = [{"rule": "highest", "field": "pixels"}]
    rows = two({"d1": {"pixels_i": 9, "unreadable_s": "cut"}, "d2": {"pixels_i": 5}}, rules)
    assert (set(rows["keeper_id"]), set(rows["rule"])) == ({"d2"}, {"readable"})


def test_where_no_picture_can_be_read_a_person_decides() -> None:
    rows = two({"d1": {"unreadable_s": "cut"}, "d2": {"unreadable_s": "empty"}}, [])
    said = dict(zip(rows["id"], zip(rows["decision"], rows["reason"], strict=True), strict=True))
    assert said == {"d1": ("keep", "keeper"), "d2": ("review", "its keeper's picture cannot be read")}
