"""Runs of DAGs as a person starts and approves them: over the REST interface of a running Airflow."""

from __future__ import annotations

import json
import time
import urllib.request
from pathlib import Path
from typing import Any

SECONDS = 240
ANSWER_SECONDS = 300  # of one request: on a busy machine a backfill takes its time


class Airflow:
    """Airflow's REST interface, as its admin; ``home`` is its folder, ``patience`` in seconds."""

    def __init__(self, port: int, home: Path, patience: float = SECONDS) -> None:
        self.base = f"http://localhost:{port}"
        self.home = home
        self.patience = patience
        self.token = ""

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"{self.base}{path}", method=method, data=data)  # noqa: S310
        request.add_header("Content-Type", "application/json")
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310
            return json.loads(answer.read())

    def wait_for(self, question: Any) -> Any:
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            try:
                if found := question():
                    return found
            except OSError:
                pass
            time.sleep(1)
        raise AssertionError("Airflow did not get there in time")

    def log_in(self) -> str:
        file = self.home / "simple_auth_manager_passwords.json.generated"
        passwords = json.loads(file.read_text())
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
        return {task["task_id"]: task["state"] for task in self.tasks(dag_id, run_id)}

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return what Airflow tells of the tasks of a run, mapped ones one by one."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        found: list[dict[str, Any]] = self.ask("GET", path)["task_instances"]
        return found
