"""A real scheduler: a question nobody answers in time, one that a newer run closes, one that is approved."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from include.demo.database import metadata_database
from include.demo.processes import free_port, running
from include.demo.up import airflow_settings
from include.orchestration.run_once import HOME
from tests.support.acting import Acting
from tests.support.acting_dag import DOCUMENTS, SETTINGS
from tests.support.airflow_api import Airflow
from tests.support.notifier import FILE_VARIABLE

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
IMPATIENT = "approval: {timeout_hours: 0.001}\n"
CALM = "approval: {notifiers: [tests.support.notifier.Told]}\n"
WATCHFUL = CALM.replace("{", "{recheck_minutes: 0.1, ")


def test_no_answer_is_a_no_and_an_approval_is_carried_out(
    acting: Acting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told.txt"
    monkeypatch.setenv(FILE_VARIABLE, str(told))
    collections = tmp_path / "collections"
    (collections / "pictures.yaml").write_text(SETTINGS + WATCHFUL)
    (collections / "impatient.yaml").write_text(SETTINGS + IMPATIENT)
    port = free_port()
    airflow = Airflow(port, HOME)
    command = [sys.executable, "-m", "airflow", "standalone"]
    with (
        # a scheduler's many processes can damage an SQLite that another process keeps open
        metadata_database(HOME / "postgres") as database,
        running(command, {**airflow_settings(port), **database}, tmp_path / "airflow.log"),
    ):
        airflow.wait_for(airflow.log_in)
        run_id = airflow.start("dedupe_impatient")
        states = airflow.end("dedupe_impatient", run_id)
        assert (states["approve"], states["apply"], states["record"]) == ("success", "skipped", "success")
        assert set(acting.documents()) == set(DOCUMENTS)
        older = airflow.start("dedupe_pictures")
        airflow.wait_for(lambda: airflow.questions(older))
        run_id = airflow.start("dedupe_pictures")
        airflow.wait_for(lambda: airflow.questions(run_id))
        (collections / "pictures.yaml").write_text(SETTINGS + CALM)
        states = airflow.end("dedupe_pictures", older)
        assert (states["approve"], states["apply"], states["record"]) == ("success", "skipped", "success")
        (question,) = airflow.wait_for(lambda: airflow.questions(run_id))
        assert not airflow.questions(older)
        assert "`cat copy`" in question["body"]
        airflow.approve_when_asked("dedupe_pictures", run_id)
        states = airflow.end("dedupe_pictures", run_id)
    assert set(states.values()) == {"success"}
    subject = "Duplicates in pictures: carry out the decisions?"
    assert list(dict.fromkeys(told.read_text().splitlines())) == [
        f"{one}\t{subject}" for one in (older, run_id)
    ]
    assert set(acting.documents()) == {"cat", "moose"}
