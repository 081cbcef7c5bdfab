"""What can be read of settings that are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.dedupe.settings.still_readable import LastSchedule, collection_schedule, gate_schedule

DAILY = LastSchedule("@daily")
FLOW = "flow: {connection: c, collection: p}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{FLOW}schedule: '0 4 * * 1'\nscan: {{treshold: 1}}\n", LastSchedule("0 4 * * 1")),
        ("flow: {connection: c\nschedule: '@weekly'\n", LastSchedule("@weekly")),
        ('---\n# mine\nflow: [\n"schedule": "@hourly"  # all day\n', LastSchedule("@hourly")),
        ("{flow: {connection: 1}, schedule: '@monthly'}", LastSchedule("@monthly")),
        (f"{FLOW}schedule: '@monthly'\nschedule_by: partition\nx: 1\n", LastSchedule("@monthly", "%Y-%m")),
        (f"{FLOW}schedule: '@weekly'\nschedule_by: partition\n", LastSchedule("@weekly")),
        (f"{FLOW}shedule: '@weekly'\n", DAILY),
        (f"{FLOW}schedule: '@weekly\nscan: 3\n", DAILY),
        (f"{FLOW}schedule: [1]\n", DAILY),
        ("- a list", DAILY),
        ("", DAILY),
        ("flow: [", LastSchedule(None)),
        (f"{FLOW}scan: {{treshold: 1}}\n", LastSchedule(None)),
    ],
)
def test_a_schedule_is_none_only_where_it_is_sure_that_there_is_none(
    tmp_path: Path, text: str, expected: LastSchedule
) -> None:
    path = tmp_path / "photos.yaml"
    path.write_text(text, encoding="utf-8")
    assert collection_schedule(path) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{FLOW}gate: {{incoming: /in, schedule: '@hourly', exakt: ask}}\n", LastSchedule("@hourly")),
        ("flow: [\ngate:\n  incoming: /in\n  schedule: '@hourly'\n", LastSchedule("@hourly")),
        (f"{FLOW}x: 1\ngate: {{asset: uploads}}\n", LastSchedule(None, asset="uploads")),
        (f"{FLOW}gate:\n  schedule: '@hourly\n", DAILY),
        (f"{FLOW}gate: {{incoming: /in, shedule: '@hourly'}}\n", DAILY),
        (f"{FLOW}x: 1\ngate: {{incoming: /in}}\n", LastSchedule(None)),
        (f"{FLOW}x: 1\n", None),
    ],
)
def test_a_gate_keeps_what_starts_it(tmp_path: Path, text: str, expected: LastSchedule | None) -> None:
    path = tmp_path / "photos.yaml"
    path.write_text(text, encoding="utf-8")
    assert gate_schedule(path) == expected


def test_a_file_that_cannot_be_read_runs_each_day(tmp_path: Path) -> None:
    assert collection_schedule(tmp_path / "gone.yaml") == DAILY
    (tmp_path / "latin.yaml").write_bytes(b"description: caf\xe9\nschedule: '@weekly'\nflow: 1\n")
    assert collection_schedule(tmp_path / "latin.yaml") == LastSchedule("@weekly")


def test_those_who_hear_of_failures_are_still_told(tmp_path: Path) -> None:
    path = tmp_path / "photos.yaml"
    path.write_text(f"{FLOW}x: 1\ngate: {{asset: a}}\ndag: {{failure_notifiers: [team.notify, 3]}}\n")
    assert collection_schedule(path).notifiers == ("team.notify",)
    assert gate_schedule(path) == LastSchedule(None, asset="a", notifiers=("team.notify",))
    assert collection_schedule(path).or_daily() == LastSchedule("@daily", notifiers=("team.notify",))
