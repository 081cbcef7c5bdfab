from __future__ import annotations

from pathlib import Path

import pytest

from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import (
    COLLECTIONS_VARIABLE,
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
        ("scan: {treshold: 0.7}", "unknown field scan.treshold, did you mean threshold?"),
        ("partition: {by: date}", "unknown field partition, did you mean partitions?"),
        (
            "fields: {date: d}\npartitions: {by: date, stepp: day}",
            "unknown field partitions.stepp, did you mean step?",
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
