from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from include.dedupe.errors import ArtifactError
from include.dedupe.planning.own_folder import claim_folder, require_own_folder
from include.dedupe.planning.plan import PLAN_FILE, read_plan
from include.dedupe.rundir import Attempt, RunDir
from tests.support.plans import PLAN

PLANNED = dt.datetime(2026, 4, 1, 12, tzinfo=dt.UTC)
BEFORE, AFTER = PLANNED - dt.timedelta(minutes=1), PLANNED + dt.timedelta(days=1)
FIRST = Attempt(0, 1)


def claim(run: RunDir, attempt: Attempt, started: dt.datetime | None) -> None:
    claim_folder(run, attempt, started, "plan", lambda: read_plan(run).created_at)


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    """A run whose folder holds a plan."""
    made = RunDir(str(tmp_path), "pictures", "manual__1")
    stage = made.stage("plan", FIRST)
    stage.write_file(PLAN_FILE, json.dumps(PLAN.to_json()).encode())
    stage.finish({})
    return made


def test_a_folder_without_a_plan_is_anybodys(tmp_path: Path) -> None:
    claim(RunDir(str(tmp_path), "pictures", "manual__1"), FIRST, AFTER)


@pytest.mark.parametrize("started", [BEFORE, PLANNED.replace(microsecond=900_000), None])
def test_a_retry_finds_the_plan_of_its_own_run(run: RunDir, started: dt.datetime | None) -> None:
    claim(run, Attempt(0, 2), started)
    require_own_folder(run)


def test_a_cleared_run_starts_later_than_its_first_plan(run: RunDir) -> None:
    claim(run, Attempt(1, 2), AFTER)
    require_own_folder(run)


def test_another_run_of_the_same_id_is_refused_in_all_its_tasks(run: RunDir) -> None:
    with pytest.raises(ArtifactError, match="holds what an earlier run of the same id found"):
        claim(run, FIRST, AFTER)
    with pytest.raises(ArtifactError, match="move that folder away"):
        require_own_folder(run)
