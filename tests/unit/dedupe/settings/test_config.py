from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import (
    COLLECTIONS_VARIABLE,
    CollectionConfig,
    collection_files,
    find_collection,
    read_collection,
)

MINIMAL = "flow: {connection: flow_test, collection: pictures}\n"


def write(folder: Path, text: str, name: str = "pictures.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_minimal_file_gets_the_thresholds_of_flows_documentation(tmp_path: Path) -> None:
    scan = read_collection(write(tmp_path, MINIMAL)).scan
    assert (scan.threshold, scan.exact_threshold, scan.mode) == (0.7, 0.95, "balanced")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("scan: {treshold: 0.7}", "unknown field scan.treshold (did you mean threshold?)"),
        ("partition: {by: date}", "unknown field partition (did you mean partitions?)"),
        (
            "fields: {date: d}\npartitions: {by: date, stepp: day}",
            "unknown field partitions.stepp (did you mean step?)",
        ),
        ("nonsense: 1", "unknown field nonsense, known fields there: description, flow"),
        ("scan: {threshold: high}", "scan.threshold: Input should be a valid number"),
        ("scan: {threshold: 1.5}", "scan.threshold: Input should be less than or equal to 1 (given: 1.5)"),
        ("scan: {threshold: 0.9, exact_threshold: 0.8}", "exact_threshold 0.8 is below threshold 0.9"),
        ("scope: category:a", "scope: a list is expected (given: 'category:a')"),
        ("scan: 3", "scan: settings (mode, threshold"),
        ("partitions: {by: colour}", "'colour'"),
        ("partitions: {by: date}", "partitions by date needs fields.date"),
        ("schedule: '@daily'", "a schedule needs fields.date"),
        (
            "fields: {date: d}\nschedule: '@weekly'\nschedule_by: partition",
            "schedule_by: partition needs a schedule of @hourly, @daily, @monthly, @yearly",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_collection(write(tmp_path, MINIMAL + text))
    assert str(tmp_path / "pictures.yaml") in str(error.value)
    assert expected in str(error.value)


def test_all_mistakes_of_a_file_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"flow is missing; scan\.in_flight: .*; unknown field a"):
        read_collection(write(tmp_path, "a: 1\nscan: {in_flight: 0}"))


@pytest.mark.parametrize("text", ["", "- a", "just text", "flow: [1"])
def test_what_is_no_mapping_or_no_yaml_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"pictures\.yaml"):
        read_collection(write(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dry_run: true\ndry_run: false\n", "dry_run is there twice, in line 2 and in line 3"),
        (
            "guards: {max_delete_count: 1, max_delete_count: 9}\n",
            "max_delete_count is there twice, in line 2",
        ),
        (
            "policies:\n  exact:\n    do: report\n    after_days: 0\n    'do': delete\n",
            "do is there twice, in line 4 and in line 6",
        ),
        (
            "partitions: {by: product, of: [{by: field, field: a, field: b}, {by: date}]}",
            "field is there twice, in line 2",
        ),
        ("fields:\n\tdate: d\n", "'\\t'"),
        ("a: &x 1\nb: &x 2\n", "duplicate anchor"),
        ("---\nscan: {}\n", "but found another document"),
        ("scope: &x [*x]\n", "the anchor in line 2 contains itself"),
        ("1: a\n", "line 2: a name is expected"),
        ("[a, b]: c\n", "line 2: a name is expected"),
        ("scope: " + "[" * 5000, "nested too deeply"),
        ("scan: !!python/object:os.system {}\n", "could not determine a constructor"),
    ],
)
def test_yaml_that_can_be_misunderstood_is_refused_with_its_line(
    tmp_path: Path, text: str, expected: str
) -> None:
    with pytest.raises(ConfigError) as error:
        read_collection(write(tmp_path, MINIMAL + text))
    assert str(tmp_path / "pictures.yaml") in str(error.value)
    assert expected in str(error.value)


def test_aliases_that_repeat_each_other_without_bounds_are_refused(tmp_path: Path) -> None:
    bomb = "a: &a0 [x]\n" + "".join(f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    with pytest.raises(ConfigError, match="aliases stand for more than"):
        read_collection(write(tmp_path, MINIMAL + bomb))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("storage: on", lambda config: config.storage == "on"),
        ("scope: [no, 010, '1']", lambda config: config.scope == ("no", "010", "1")),
        ("storage: 2026-01-01", lambda config: config.storage == "2026-01-01"),
        ("storage: 1:30", lambda config: config.storage == "1:30"),
        ("dry_run: no", lambda config: config.dry_run is False),
        ("guards: {max_delete_count: 010}", lambda config: config.guards.max_delete_count == 10),
        ("guards: {max_delete_share: 1e-2}", lambda config: config.guards.max_delete_share == 0.01),
        ("start_date: 2026-02-01", lambda config: config.start_date.month == 2),
        ("scope: &x [a]\nsearch_scope: *x", lambda config: config.search_scope == ("a",)),
        (
            "partitions: {by: query, queries: {on: a, no: b}}",
            lambda one: set(one.partitions.queries) == {"on", "no"},
        ),
        ("storage: ~", lambda config: config.storage is None),
    ],
)
def test_what_is_typed_is_what_is_meant(
    tmp_path: Path, text: str, read: Callable[[CollectionConfig], bool]
) -> None:
    assert read(read_collection(write(tmp_path, MINIMAL + text)))


def test_a_collection_with_two_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path))
    for name in ("pictures.yaml", "pictures.yml"):
        write(tmp_path, MINIMAL, name)
    with pytest.raises(ConfigError, match="are both there; remove one"):
        find_collection("pictures")


def test_a_file_name_that_cannot_name_a_dag_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rename the file"):
        read_collection(write(tmp_path, MINIMAL, "My Pictures.yaml"))


def test_settings_come_from_the_folder_that_the_variable_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path))
    write(tmp_path, MINIMAL)
    write(tmp_path, "the reference is no collection", "reference.yaml")
    assert [path.name for path in collection_files()] == ["pictures.yaml"]
    assert find_collection("pictures").flow.collection == "pictures"
    with pytest.raises(ConfigError, match="known collections: pictures"):
        find_collection("photos")


def test_a_missing_folder_of_settings_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(ConfigError, match="there is no folder"):
        list(collection_files())


def test_several_folders_may_hold_collections_but_no_two_of_one_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, name in ((first, "one.yaml"), (second, "another.yml")):
        folder.mkdir()
        write(folder, MINIMAL, name)
    monkeypatch.setenv(COLLECTIONS_VARIABLE, f"{first}:{second}:{second}/../first")
    assert [path.stem for path in collection_files()] == ["another", "one"]
    assert find_collection("another").flow.collection == "pictures"
    write(second, MINIMAL, "one.yaml")
    with pytest.raises(ConfigError, match="are one collection; rename one of them"):
        list(collection_files())


def test_a_collection_has_not_the_name_of_another_dag(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="rename the file"):
        read_collection(write(tmp_path, MINIMAL, "restore.yaml"))


def test_settings_are_those_of_the_file_as_it_is_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path))
    path = tmp_path / "photos.yaml"
    path.write_text("flow: {connection: one, collection: p}")
    first = find_collection("photos")
    assert find_collection("photos") is first
    path.write_text("flow: {connection: two, collection: p}")
    os.utime(path, ns=(1, 1))
    assert find_collection("photos").flow.connection == "two"
    path.write_text("flow: {connection: two, collection: p, what: 1}")
    with pytest.raises(ConfigError, match="what"):
        find_collection("photos")
    (tmp_path / "photos.yml").write_text("flow: {connection: one, collection: p}")
    with pytest.raises(ConfigError, match="both there"):
        find_collection("photos")
