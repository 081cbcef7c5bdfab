"""The question answered over Airflow's own REST interface while a run waits for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.acting import Acting
from tests.support.acting_dag import load_dag, record, run, states

pytestmark = pytest.mark.airflow
SECONDS = 120


@contextmanager
def answering(option: str, answers: list[Any]) -> Iterator[None]:
    """Answer the next question over REST, twice: the second answer must be refused."""

    def work() -> None:
        from airflow.api_fastapi.app import create_app  # noqa: PLC0415 - after the settings are in place
        from starlette.testclient import TestClient  # noqa: PLC0415

        with TestClient(create_app(apps="core"), base_url="http://testserver") as client:
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline and not answers:
                time.sleep(0.5)
                found = client.get(
                    "/api/v2/dags/~/dagRuns/~/hitlDetails", params={"response_received": "false"}
                )
                for question in found.json().get("hitl_details", []):
                    ti = question["task_instance"]
                    url = (
                        f"/api/v2/dags/{ti['dag_id']}/dagRuns/{ti['dag_run_id']}"
                        f"/taskInstances/{ti['task_id']}/{ti['map_index']}/hitlDetails"
                    )
                    for _ in range(2):
                        reply = client.patch(url, json={"chosen_options": [option], "params_input": {}})
                        answers.append(reply.status_code)
                    answers.append(question["body"])

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    thread.join(SECONDS)


@pytest.mark.parametrize(("option", "left"), [("Approve", {"cat", "moose"}), ("Reject", None)])
def test_a_run_waits_for_the_answer_and_takes_one_only(
    acting: Acting, monkeypatch: pytest.MonkeyPatch, option: str, left: set[str] | None
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
    before = set(acting.documents())
    answers: list[Any] = []
    with answering(option, answers):
        dag_run = run(load_dag(acting), scope="full", dry_run="no")
    assert answers[:2] == [200, 409]
    assert "`cat copy`" in answers[2]
    assert set(acting.documents()) == (left or before)
    assert record(acting, dag_run)["answer"]["chosen_options"] == [option]
    assert states(dag_run)["apply"] == ("success" if left else "skipped")
