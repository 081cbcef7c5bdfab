"""A backfill by a real scheduler: one run for each day, and together what they found."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from tests.support.airflow_api import Airflow
from tests.support.embedded_server import EmbeddedServer

SECONDS_TO_RUN = 600
API = "/api/v2"
SETTINGS = """
flow: {connection: flow_demo, collection: my-collection}
fields: {date: date_dt, category: category}
schedule: '@daily'
start_date: 2026-05-01
"""
BY_KEY = f"{SETTINGS}schedule_by: partition\n"
DAYS = {"2026-05-01": 1, "2026-05-02": 1, "2026-05-03": 0}
"""Documents of each day: on the first, one of three copies of a picture; on the second, one without any."""


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
        api = Airflow(port, airflow, SECONDS_TO_RUN)
        api.log_in()
        api.wait_for(lambda: "dedupe_daily" in json.dumps(api.ask("GET", f"{API}/dags?limit=50")))
        api.ask("PATCH", f"{API}/dags/dedupe_daily", {"is_paused": False})
        days = list(DAYS)
        body = {
            "dag_id": "dedupe_daily",
            "from_date": f"{days[0]}T00:00:00Z",
            "to_date": f"{days[-1]}T00:00:00Z",
        }
        api.ask("POST", f"{API}/backfills", {**body, "max_active_runs": 3, "run_backwards": True})
        runs = api.wait_for(lambda: ended_backfill(api, len(DAYS)))
        assert {run["state"] for run in runs} == {"success"}
        run_by_hand(api, "dedupe_daily", {"logical_date": None, "conf": {"scope": "known"}})
        api.ask("PATCH", f"{API}/dags/dedupe_keyed", {"is_paused": False})
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


def run_by_hand(api: Airflow, dag_id: str, body: dict[str, Any]) -> None:
    run_id = api.ask("POST", f"{API}/dags/{dag_id}/dagRuns", body)["dag_run_id"]
    path = f"{API}/dags/{dag_id}/dagRuns/{run_id}"
    api.wait_for(lambda: api.ask("GET", path)["state"] not in ("queued", "running"))
    assert api.ask("GET", path)["state"] == "success"


def ended_backfill(api: Airflow, count: int) -> list[dict[str, Any]]:
    runs = api.ask("GET", f"{API}/dags/dedupe_daily/dagRuns?run_type=backfill&limit=50")["dag_runs"]
    running = [run for run in runs if run["state"] in ("queued", "running")]
    return runs if len(runs) == count and not running else []
