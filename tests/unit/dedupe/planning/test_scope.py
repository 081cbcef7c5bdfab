from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from include.dedupe.connect import QueryFilters
from include.dedupe.errors import ConfigError, ScopeError
from include.dedupe.planning.scope import Scope, chosen, resolve_scope, scope_filters, settings_of_run
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.dry_run import is_dry

APRIL = (dt.datetime(2026, 4, 1, tzinfo=dt.UTC), dt.datetime(2026, 5, 1, tzinfo=dt.UTC))
NOW = (dt.datetime(2026, 4, 1, 12, tzinfo=dt.UTC),) * 2


def config(**settings: Any) -> CollectionConfig:
    return CollectionConfig.model_validate({"flow": {"connection": "c", "collection": "p"}, **settings})


@pytest.mark.parametrize(
    ("said", "by_hand", "scope"),
    [
        ({}, True, "full"),
        ({"threshold": 0.8}, True, "full"),
        ({"scope": None}, True, "full"),
        ({"from": "2026-04-01"}, True, None),
        ({}, False, None),
        ({"scope": "full"}, False, "full"),
    ],
)
def test_the_preselected_scope_counts_for_who_starts_a_run_by_hand(
    said: dict[str, Any], by_hand: bool, scope: str | None
) -> None:
    params = {"from": None, **said, "scope": "full"}
    assert chosen(params, said, by_hand=by_hand)["scope"] == scope


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("as configured", True), (None, True), ("yes", True), ("no", False)],
)
def test_a_run_is_dry_as_it_was_told(asked: object, expected: bool) -> None:
    assert is_dry(asked, configured=True) is expected


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("maybe", r'dry_run: "maybe" is none of as configured, yes, no\.$'),
        (False, r'dry_run: false is none of as configured, yes, no; write "no"\.$'),
        (True, r'dry_run: true is none of as configured, yes, no; write "yes"\.$'),
        (["no"], r'dry_run: \["no"\] is none of'),
    ],
)
def test_a_run_that_was_told_something_else_is_refused(asked: object, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        is_dry(asked, configured=True)


def test_a_scheduled_run_scans_its_interval() -> None:
    assert resolve_scope({}, APRIL, by_hand=False) == Scope(*APRIL)


def test_parameters_come_before_the_interval() -> None:
    assert resolve_scope({"scope": "full"}, APRIL, by_hand=False) == Scope()


def test_a_run_by_hand_must_say_what_it_scans() -> None:
    with pytest.raises(ScopeError, match="parameter scope = full, range or known"):
        resolve_scope({"scope": None}, APRIL, by_hand=True)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"scope": "range"}, "needs from, to or categories"),
        ({"scope": "full", "from": "2026-04-01"}, "leave out from, to and categories"),
        ({"from": "2026-04-01"}, "from need the parameter scope"),
        ({"scope": "range", "from": "April"}, "'April' is no date"),
        ({"scope": "range", "from": "2026-05-01", "to": "2026-04-01"}, "is empty"),
        ({"scope": "known", "categories": ["a"]}, "scope: known knows no range"),
        ({"scope": "known", "limit": 5}, "known scans nothing"),
        ({"scope": "full", "limit": 5, "sample": 5}, "contradict each other"),
        ({"scope": "full", "limit": 0}, "limit: 0 is no number of documents"),
        ({"sample": 5}, "sample need the parameter scope"),
        ({"scope": "some"}, "none of full, range, known"),
    ],
)
def test_contradictions_are_refused(params: dict[str, Any], message: str) -> None:
    with pytest.raises(ScopeError, match=message):
        resolve_scope(params, APRIL, by_hand=True)


@pytest.mark.parametrize(
    ("key", "start", "end"),
    [
        ("2026-04-01", (2026, 4, 1), (2026, 4, 2)),
        ("2026-12", (2026, 12, 1), (2027, 1, 1)),
        ("2024", (2024, 1, 1), (2025, 1, 1)),
        ("2026-04-30T23", (2026, 4, 30, 23), (2026, 5, 1)),
    ],
)
def test_a_partition_key_names_a_period_and_comes_before_the_interval(
    key: str, start: tuple[int, int, int], end: tuple[int, int, int]
) -> None:
    expected = Scope(dt.datetime(*start, tzinfo=dt.UTC), dt.datetime(*end, tzinfo=dt.UTC))
    assert resolve_scope({}, (None, None), by_hand=False, partition_key=key) == expected
    assert resolve_scope({}, APRIL, by_hand=True, partition_key=key) == expected


def test_parameters_come_before_the_partition_key() -> None:
    asked = {"scope": "full"}
    assert resolve_scope(asked, APRIL, by_hand=True, partition_key="2026-04-01") == Scope()


@pytest.mark.parametrize("key", ["", "animals", "2026-13", "2026-W14", "2026-04-01T00:00:00"])
def test_a_key_that_names_no_period_is_refused(key: str) -> None:
    with pytest.raises(ScopeError, match="names no period; write an hour, day, month or year"):
        resolve_scope({}, APRIL, by_hand=False, partition_key=key)


def test_a_run_by_its_key_looks_back_too() -> None:
    scope = resolve_scope(
        {}, (None, None), by_hand=False, partition_key="2026-04-04", lookback=dt.timedelta(days=3)
    )
    assert scope == Scope(dt.datetime(2026, 4, 1, tzinfo=dt.UTC), dt.datetime(2026, 4, 5, tzinfo=dt.UTC))


def test_an_interval_of_no_width_is_refused() -> None:
    with pytest.raises(ScopeError, match="is empty"):
        resolve_scope({}, NOW, by_hand=False)


def test_a_run_without_interval_is_refused() -> None:
    with pytest.raises(ScopeError, match="no data interval"):
        resolve_scope({}, (None, None), by_hand=False)


def test_dates_without_a_zone_are_utc_and_others_are_kept() -> None:
    scope = resolve_scope(
        {"scope": "range", "from": "2026-04-01", "to": "2026-04-02T00:00:00+02:00"},
        (None, None),
        by_hand=True,
    )
    assert scope.start == dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
    assert scope.end == dt.datetime(2026, 4, 1, 22, tzinfo=dt.UTC)


def test_a_scope_becomes_filters_beside_those_of_the_settings() -> None:
    settings = config(scope=["-status:draft"], fields={"date": "taken_dt", "category": "kind"})
    scope = Scope(*APRIL, categories=("tape measures", "fish:big"))
    assert scope_filters(scope, settings, QueryFilters()) == (
        "-status:draft",
        "taken_dt:[2026-04-01T00:00:00Z TO 2026-05-01T00:00:00Z}",
        r"(kind:tape\ measures OR kind:fish\:big)",
    )


@pytest.mark.parametrize("scope", [Scope(*APRIL), Scope(categories=("a",))])
def test_a_scope_needs_the_field_that_it_goes_by(scope: Scope) -> None:
    with pytest.raises(ScopeError, match=r"fields\.(date|category)"):
        scope_filters(scope, config(), QueryFilters())


def test_a_scope_survives_its_plan_and_reads_well() -> None:
    scope = Scope(*APRIL, categories=("fishes",))
    assert Scope.from_json(scope.to_json()) == scope
    assert scope.label == "documents from 2026-04-01 to before 2026-05-01; categories fishes"
    assert Scope().label == "all documents"


def test_a_scheduled_run_looks_back_for_documents_that_came_late() -> None:
    scope = resolve_scope({}, APRIL, by_hand=False, lookback=dt.timedelta(days=3))
    assert (scope.start, scope.end) == (dt.datetime(2026, 3, 29, tzinfo=dt.UTC), APRIL[1])
    by_range = {"scope": "range", "from": "2026-04-01", "to": "2026-04-02"}
    asked = resolve_scope(by_range, APRIL, by_hand=True, lookback=dt.timedelta(days=3))
    assert asked.start == APRIL[0]


def test_parameters_of_a_run_change_threshold_and_mode_and_a_part_only_reports() -> None:
    settings = config(dry_run=False)
    assert settings_of_run(settings, {"threshold": None}) == settings
    changed = settings_of_run(settings, {"threshold": 0.8, "mode": "speed"})
    assert (changed.scan.threshold, changed.scan.mode, changed.dry_run) == (0.8, "speed", False)
    assert settings_of_run(settings, {"sample": 10}).dry_run
    with pytest.raises(ScopeError, match="only reports"):
        settings_of_run(settings, {"limit": 10, "dry_run": "no"})
    with pytest.raises(ScopeError, match=r"exact_threshold 0.95 is below threshold 0.99"):
        settings_of_run(settings, {"threshold": 0.99})


@pytest.mark.parametrize(
    ("scope", "label"),
    [
        (Scope(known=True), "known pairs only"),
        (Scope(sample=5), "a sample of 5 of all documents"),
        (Scope(categories=("a",), limit=5), "the first 5 of categories a"),
    ],
)
def test_a_part_of_a_scope_survives_its_plan_and_reads_well(scope: Scope, label: str) -> None:
    assert Scope.from_json(scope.to_json()) == scope
    assert scope.label == label
