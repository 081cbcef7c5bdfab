"""A real scheduler: a question nobody answers in time, one that a newer run closes, one that is approved."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from include.demo.database import metadata_database
from include.demo.processes import free_port, running
from include.demo.up import airflow_settings
from include.orchestration.run_once import HOME
from tests.support.acting import Acting
from tests.support.acting_dag import DOCUMENTS, SETTINGS
from tests.support.notifier import FILE_VARIABLE

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]
SECONDS = 240
IMPATIENT = "approval: {timeout_hours: 0.001}\n"
CALM = "approval: {notifiers: [tests.support.notifier.Told]}\n"
WATCHFUL = CALM.replace("{", "{recheck_minutes: 0.1, ")


class Airflow:
    """Airflow's REST interface, as its admin."""

    def __init__(self, port: int) -> None:
        self.base = f"http://localhost:{port}"
        self.token = ""

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.base}{path}", method=method, data=data)  # noqa: S310
        request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.loads(answer.read())

    def wait_for(self, question: Any) -> Any:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            try:
                if found := question():
                    return found
            except OSError:
                pass
            time.sleep(1)
        raise AssertionError("Airflow did not get there in time")

    def log_in(self) -> str:
        passwords = json.loads((HOME / "simple_auth_manager_passwords.json.generated").read_text())
        login = {"username": "admin", "password": passwords["admin"]}
        self.token = self.ask("POST", "/auth/token", login)["access_token"]
        return self.token

    def start(self, dag_id: str) -> str:
        path = f"/api/v2/dags/{dag_id}/dagRuns"
        conf = {"scope": "full", "dry_run": "no"}
        made: dict[str, str] = self.wait_for(
            lambda: self.ask("POST", path, {"logical_date": None, "conf": conf})
        )
        return made["dag_run_id"]

    def questions(self, run_id: str) -> list[dict[str, Any]]:
        """Return the questions of a run that wait for an answer."""
        path = "/api/v2/dags/~/dagRuns/~/hitlDetails?response_received=false"
        waiting = self.ask("GET", path)["hitl_details"]
        return [one for one in waiting if one["task_instance"]["dag_run_id"] == run_id]

    def approve_when_asked(self, dag_id: str, run_id: str) -> None:
        """Approve until the run is through: an answer in the second of a look is lost and asked for again."""
        run = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"
        answer = {"chosen_options": ["Approve"], "params_input": {}}

        def through() -> bool:
            if self.questions(run_id):
                self.ask("PATCH", f"{run}/taskInstances/approve/-1/hitlDetails", answer)
            return self.ask("GET", run)["state"] in ("success", "failed")

        self.wait_for(through)

    def end(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return the states of the tasks once the run has ended."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"
        self.wait_for(lambda: self.ask("GET", path)["state"] in ("success", "failed"))
        tasks = self.ask("GET", f"{path}/taskInstances")["task_instances"]
        return {task["task_id"]: task["state"] for task in tasks}


def test_no_answer_is_a_no_and_an_approval_is_carried_out(
    acting: Acting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told.txt"
    monkeypatch.setenv(FILE_VARIABLE, str(told))
    collections = tmp_path / "collections"
    (collections / "pictures.yaml").write_text(SETTINGS + WATCHFUL)
    (collections / "impatient.yaml").write_text(SETTINGS + IMPATIENT)
    port = free_port()
    airflow = Airflow(port)
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
