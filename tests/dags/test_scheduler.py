"""A backfill by a real scheduler: one run for each day, and together what they found."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from tests.support.embedded_server import EmbeddedServer

SECONDS_TO_RUN = 600
SETTINGS = """
flow: {connection: flow_demo, collection: my-collection}
fields: {date: date_dt, category: category}
schedule: '@daily'
start_date: 2026-05-01
"""
BY_KEY = f"{SETTINGS}schedule_by: partition\n"
DAYS = {"2026-05-01": 1, "2026-05-02": 1, "2026-05-03": 0}
"""Documents of each day: on the first, one of three copies of a picture; on the second, one without any."""


class Api:
    """Airflow's REST API."""

    def __init__(self, address: str, password: str) -> None:
        self.address = f"{address}/api/v2"
        login = {"username": "admin", "password": password}
        token = requests.post(f"{address}/auth/token", json=login, timeout=30).json()["access_token"]
        self.headers = {"Authorization": f"Bearer {token}"}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, self.address + path, json=body, headers=self.headers, timeout=300)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None


@pytest.mark.airflow
@pytest.mark.timeout(2400)
def test_a_backfill_of_three_days_scans_each_day_once_and_knows_all_pairs(
    airflow: Path, flow_server: EmbeddedServer, tmp_path: Path
) -> None:
    from include.demo import up  # noqa: PLC0415 - it reads where Airflow is when it is imported
    from include.demo.database import metadata_database  # noqa: PLC0415
    from include.demo.processes import free_port, running  # noqa: PLC0415

    (tmp_path / "collections").mkdir()
    (tmp_path / "collections" / "daily.yaml").write_text(SETTINGS)
    (tmp_path / "collections" / "keyed.yaml").write_text(BY_KEY)
    port = free_port()
    environment = {
        **up.airflow_settings(port),
        "AIRFLOW_CONN_FLOW_DEMO": flow_server.base,
        COLLECTIONS_VARIABLE: str(tmp_path / "collections"),
        STORAGE_VARIABLE: str(tmp_path / "storage"),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    }
    log = tmp_path / "airflow.log"
    command = [sys.executable, "-m", "airflow", "standalone"]
    with (
        metadata_database(airflow / "postgres") as database,
        running(command, {**environment, **database}, log) as process,
    ):
        up._wait_until_healthy(process, f"http://localhost:{port}", log)
        passwords = json.loads((airflow / "simple_auth_manager_passwords.json.generated").read_text())
        api = Api(f"http://localhost:{port}", passwords["admin"])
        wait_for(lambda: "dedupe_daily" in json.dumps(api.call("GET", "/dags?limit=50")))
        api.call("PATCH", "/dags/dedupe_daily", {"is_paused": False})
        days = list(DAYS)
        body = {
            "dag_id": "dedupe_daily",
            "from_date": f"{days[0]}T00:00:00Z",
            "to_date": f"{days[-1]}T00:00:00Z",
        }
        api.call("POST", "/backfills", {**body, "max_active_runs": 3, "run_backwards": True})
        runs = wait_for(lambda: ended_backfill(api, len(DAYS)))
        assert {run["state"] for run in runs} == {"success"}
        run_by_hand(api, "dedupe_daily", {"logical_date": None, "conf": {"scope": "known"}})
        api.call("PATCH", "/dags/dedupe_keyed", {"is_paused": False})
        run_by_hand(api, "dedupe_keyed", {"logical_date": None, "partition_key": days[0]})
    folders = sorted((tmp_path / "storage" / "daily" / "runs").glob("backfill*"))
    summaries = [json.loads((folder / "report" / "summary.json").read_text()) for folder in folders]
    scopes = [
        f"documents from {day} to before {following}"
        for day, following in zip(DAYS, [*days[1:], "2026-05-04"], strict=True)
    ]
    assert {each["scope"]["documents"]: each["coverage"]["scanned"] for each in summaries} == dict(
        zip(scopes, DAYS.values(), strict=True)
    )
    (last,) = (tmp_path / "storage" / "daily" / "runs").glob("manual*")
    together = json.loads((last / "report" / "summary.json").read_text())
    assert together["coverage"]["scanned"] == 0
    assert together["clusters"]["documents"] == 3
    (keyed,) = (tmp_path / "storage" / "keyed" / "runs").glob("manual*")
    summary = json.loads((keyed / "report" / "summary.json").read_text())
    assert (summary["scope"]["documents"], summary["coverage"]["scanned"]) == (scopes[0], 1)


def run_by_hand(api: Api, dag_id: str, body: dict[str, Any]) -> None:
    run_id = api.call("POST", f"/dags/{dag_id}/dagRuns", body)["dag_run_id"]
    path = f"/dags/{dag_id}/dagRuns/{run_id}"
    wait_for(lambda: api.call("GET", path)["state"] not in ("queued", "running"))
    assert api.call("GET", path)["state"] == "success"


def ended_backfill(api: Api, count: int) -> list[dict[str, Any]]:
    runs = api.call("GET", "/dags/dedupe_daily/dagRuns?run_type=backfill&limit=50")["dag_runs"]
    running = [run for run in runs if run["state"] in ("queued", "running")]
    return runs if len(runs) == count and not running else []


def wait_for(ask: Any) -> Any:
    deadline = time.monotonic() + SECONDS_TO_RUN
    while not (answer := ask()):
        assert time.monotonic() < deadline
        time.sleep(2)
    return answer
