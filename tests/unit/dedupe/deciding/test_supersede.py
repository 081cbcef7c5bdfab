"""Which of two runs is the newer one is told by the storage they share, and by no clock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from include.dedupe.deciding.supersede import is_registered, newer_run, register_decisions
from include.dedupe.planning.plan import Plan
from include.dedupe.rundir import RunDir
from include.dedupe.sequence import next_number
from tests.support.plans import PLAN


def planned(storage: Path, run_id: str, created_at: str, *, counted: bool = True) -> tuple[RunDir, Plan]:
    run = RunDir(str(storage), "pictures", run_id)
    sequence = next_number(run.lasting) if counted else 0
    return run, replace(PLAN, run_id=run_id, created_at=created_at, sequence=sequence)


@pytest.mark.parametrize("hour", [10, 12, 14])
def test_what_was_planned_later_is_newer_whatever_the_clocks_say(tmp_path: Path, hour: int) -> None:
    older = planned(tmp_path, "one", PLAN.created_at)
    newer = planned(tmp_path, "two", f"2026-04-01T{hour}:00:00+00:00")
    for run, plan in (newer, older):  # the older one may decide last
        register_decisions(run, plan, "0")
    assert (newer_run(*older), newer_run(*newer)) == ("two", "")
    assert is_registered(*older)


def test_a_run_from_before_runs_were_counted_is_older(tmp_path: Path) -> None:
    times = ("2999-01-01T00:00:00+00:00", "2999-01-02T00:00:00+00:00")
    first, second = (planned(tmp_path, f"run-{at[:10]}", at, counted=False) for at in times)
    third = planned(tmp_path, "now", PLAN.created_at)
    for one in (third, second, first):
        register_decisions(*one, "0")
    assert [newer_run(*one) for one in (first, second, third)] == ["now", "now", ""]


def test_a_run_that_is_decided_again_after_its_plan_was_made_anew_is_the_newest(tmp_path: Path) -> None:
    first, second = (planned(tmp_path, name, PLAN.created_at) for name in ("one", "two"))
    for one in (first, second):
        register_decisions(*one, "0")
    again = planned(tmp_path, "one", PLAN.created_at)
    register_decisions(*again, "1")
    assert (newer_run(*second), newer_run(*again)) == ("one", "")
