"""Which document stays without rules, and that rules and filters without effect are errors of the plan."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.dedupe.errors import PlanError
from include.dedupe.planning.plan import read_plan
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from tests.pipeline.acting_fixture import CAT, acting
from tests.support.acting import FIRST, Acting, Document

__all__ = ["acting"]
DELETE = {"policies": {"exact": {"do": "delete"}, "near": {"do": "delete"}}}
NO_MEASURES: Document = {"width_i": None, "height_i": None, "bytes_l": None}
EQUAL: Document = {"width_i": 10, "height_i": 10, "bytes_l": 100}
EARLY, LATE = ({"date_dt": f"{year}-01-01T00:00:00Z"} for year in (2001, 2020))


def keepers(acting: Acting, **settings: Any) -> dict[str, str]:
    """Return which rule chose which keeper."""
    acting.decide(acting.run(), acting.config(**{**DELETE, **settings}))
    report(acting.run(), FIRST, WebPictures(acting.server.base, ()))
    summary = json.loads(acting.run().storage.read("report/summary.json"))["decisions"]
    rules = {name: count for name, count in summary["keepers_by_rule"].items() if count}
    return rules | ({"id": summary["keepers_by_id"]} if summary["keepers_by_id"] else {})


@pytest.mark.parametrize(
    ("lowest", "other", "rule"),
    [
        (EQUAL, {**EQUAL, "width_i": 11}, "highest width_i x height_i"),
        (
            {**EQUAL, "width_i": 30, "height_i": 1},
            {**EQUAL, "width_i": 6, "height_i": 6},
            "highest width_i x height_i",
        ),
        (EQUAL, {**EQUAL, "bytes_l": 101}, "highest bytes_l"),
        ({**EQUAL, **LATE}, {**EQUAL, **EARLY}, "oldest date_dt"),
        ({**NO_MEASURES, **LATE}, {**NO_MEASURES, **EARLY}, "oldest date_dt"),
    ],
)
def test_without_rules_more_pixels_stay_then_more_bytes_then_the_oldest(
    acting: Acting, lowest: Document, other: Document, rule: str
) -> None:
    acting.fill({"a": (CAT, lowest), "b": (CAT, other)})
    assert keepers(acting) == {rule: 1}
    page = acting.run().storage.read("report/report.html").decode()
    assert f"keeper by rule: {rule}" in page


def test_mapped_fields_are_those_that_count(acting: Acting) -> None:
    acting.fill({"a": (CAT, {"size_i": 1, "day_dt": LATE["date_dt"]}), "b": (CAT, {"size_i": 2})})
    assert keepers(acting, fields={"pixels": "size_i", "date": "day_dt"}) == {"highest size_i": 1}


def test_where_documents_have_nothing_to_go_by_plan_and_report_say_so(acting: Acting) -> None:
    acting.fill({"a": (CAT, NO_MEASURES), "b": (CAT, NO_MEASURES)})
    assert keepers(acting) == {"id": 1}
    (note,) = read_plan(acting.run()).notes
    assert (
        "no document has a field for pixels (width_i and height_i), bytes (bytes_l), a date (date_dt)" in note
    )
    assert "is decided by the shortest id" in note
    assert note in acting.run().storage.read("report/report.html").decode()


def test_a_rule_that_chose_no_keeper_is_named(acting: Acting) -> None:
    acting.fill({"a": (CAT, EQUAL), "b": (CAT, EQUAL)})
    rules = [{"rule": "highest", "field": "width_i"}]
    assert keepers(acting, keeper={"rules": rules}) == {"id": 1}
    assert (
        "No keeper was chosen by: highest width_i."
        in acting.run().storage.read("report/report.html").decode()
    )


@pytest.mark.parametrize(
    ("field", "preferred", "other", "values"),
    [
        ("fav_b", True, False, ["true"]),
        ("fav_b", True, False, [True]),
        ("rank_i", 1, 2, ["1.0"]),
        ("rank_d", 1.0, 2.0, [1]),
        ("rank_d", 0.5, None, ["0.50"]),
        ("day_dt", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", ["2026-01-01"]),
        ("labels", ["x", "best"], ["x"], ["best"]),
        ("sku_s", "007", "7", ["007"]),
    ],
)
def test_a_preferred_value_counts_by_the_type_of_its_field(
    acting: Acting, field: str, preferred: Any, other: Any, values: list[Any]
) -> None:
    acting.fill({"a": (CAT, {} if other is None else {field: other}), "b": (CAT, {field: preferred})})
    rules = [{"rule": "prefer", "field": field, "values": values}]
    assert keepers(acting, keeper={"rules": rules}) == {f"prefer {field}": 1}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            {"keeper": {"rules": [{"rule": "prefer", "field": "fav_b", "values": ["yes"]}]}},
            r"prefer fav_b: no document has one of the values yes",
        ),
        (
            {"keeper": {"rules": [{"rule": "prefer", "field": "source_s", "values": ["agnecy"]}]}},
            r"Did you mean 'agency'\?",
        ),
        (
            {"keeper": {"rules": [{"rule": "prefer", "field": "rank_i", "values": ["7.5", "first"]}]}},
            r"prefer rank_i: no document has one of the values 7\.5, first.* The field holds '1'",
        ),
        (
            {"keeper": {"rules": [{"rule": "highest", "field": "source_s"}]}},
            r"highest source_s goes by numbers, but the field holds 'agency'",
        ),
        (
            {"keeper": {"rules": [{"rule": "oldest", "field": "source_s"}]}},
            r"oldest source_s goes by dates, but the field holds 'agency'",
        ),
        (
            {"keeper": {"protected": ["source_s:agnecy"]}},
            r"keeper\.protected: no document .* matches 'source_s:agnecy'.* Did you mean 'agency'\?",
        ),
        (
            {"keeper": {"protected": ["-sourc_s:agency"]}},
            r"keeper\.protected: no document .* the field sourc_s .*did you mean source_s\?",
        ),
        (
            {"partitions": {"by": "query", "queries": {"big": "rank_i:[5 TO *]"}}},
            r"partitions\.queries\.big: no document .* matches 'rank_i:\[5 TO \*\]'",
        ),
        (
            {"search_scope": ["-stauts_s:draft"]},
            r"search_scope: no document .* the field stauts_s .*did you mean status_s\?",
        ),
    ],
)
def test_what_would_have_no_effect_is_an_error_of_the_plan(
    acting: Acting, settings: dict[str, Any], told: str
) -> None:
    acting.fill(
        {"a": (CAT, {"fav_b": True, "rank_i": 1, "source_s": "agency", "status_s": "live"}), "b": (CAT, {})}
    )
    with pytest.raises(PlanError, match=told):
        acting.decide(acting.run(), acting.config(**{**DELETE, **settings}))


def test_a_category_that_no_document_has_is_named(acting: Acting) -> None:
    acting.fill({"a": (CAT, {"category": "fishes"}), "b": (CAT, {"category": "two words"})})
    config = acting.config(**DELETE, fields={"category": "category"})
    with pytest.raises(PlanError, match=r"the category 'fishs' \(did you mean 'fishes'\?\)"):
        acting.decide(acting.run(), config, ("two words", "fishs"))


def test_a_scope_without_documents_is_told_and_no_error(acting: Acting) -> None:
    acting.fill({"a": (CAT, {"category": "fishes"}), "b": (CAT, {})})
    acting.decide(acting.run(), acting.config(**DELETE, scope=["category:birds"]))
    assert read_plan(acting.run()).notes[-1] == "scope: no document matches 'category:birds'."


def test_a_password_in_the_address_of_a_storage_is_not_in_the_plan(acting: Acting) -> None:
    acting.fill({"a": (CAT, {}), "b": (CAT, {})})
    acting.decide(acting.run(), acting.config(**DELETE, storage="sftp://me:s3cr3t@host/runs"))
    assert b"s3cr3t" not in acting.run().storage.read("plan/plan.json")
    assert read_plan(acting.run()).config.storage == "sftp://host/runs"


class TestPathsAndFieldsThatAreThere:
    def test_a_reference_folder_comes_first_and_a_folder_is_no_beginning_of_a_name(
        self, acting: Acting
    ) -> None:
        bigger: Document = {**EQUAL, "width_i": 99}
        acting.fill({"inbox/a": (CAT, bigger), "masters/a": (CAT, EQUAL), "masters-old/a": (CAT, bigger)})
        rules = [{"rule": "path", "values": ["masters", "inbox/"]}, {"rule": "highest", "field": "width_i"}]
        assert keepers(acting, keeper={"rules": rules}) == {"path": 1}
        rows = acting.run().storage.read("report/decisions.csv").decode().splitlines()
        assert [row for row in rows if ",masters/a,masters/a,keep," in row]

    def test_a_field_may_hold_the_path(self, acting: Acting) -> None:
        acting.fill({"a": (CAT, {"path_s": "/in/a"}), "b": (CAT, {"path_s": "/masters/it's (1)/b"})})
        rules = [{"rule": "path", "field": "path_s", "values": ["/masters/it's (1)"]}]
        assert keepers(acting, keeper={"rules": rules}) == {"path path_s": 1}

    def test_a_document_that_has_the_field_comes_first(self, acting: Acting) -> None:
        acting.fill({"a": (CAT, EQUAL), "b": (CAT, {**EQUAL, "exif_date_dt": EARLY["date_dt"]})})
        rules = [{"rule": "has", "field": "exif_date_dt"}]
        assert keepers(acting, keeper={"rules": rules}) == {"has exif_date_dt": 1}

    @pytest.mark.parametrize(
        ("rule", "told"),
        [
            ({"rule": "path", "values": ["master"]}, "did you mean 'masters'?"),
            ({"rule": "path", "values": ["masters", "nowhere"]}, "in the folder 'nowhere'"),
            ({"rule": "has", "field": "exif_dt"}, "exif_dt"),
        ],
    )
    def test_what_no_document_has_fails_the_plan(
        self, acting: Acting, rule: dict[str, Any], told: str
    ) -> None:
        acting.fill({"inbox/a": (CAT, EQUAL), "masters/a": (CAT, EQUAL)})
        with pytest.raises(PlanError) as failed:
            keepers(acting, keeper={"rules": [rule]})
        assert told in str(failed.value)
