"""The DAG of a calibration: how it is wired, and a whole run against the live server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.acting import Acting
from tests.support.acting_dag import load_dag, run, states

pytestmark = pytest.mark.airflow

SETTINGS = """
flow: {connection: flow_demo, collection: plain}
calibrate: {sample: 9, recall: 0.5, kinds: [scale, gamma]}
"""


def load(acting: Acting, settings: str = "") -> Any:
    return load_dag(acting, settings, "calibrate_pictures", SETTINGS)


def calibrations(acting: Acting) -> Path:
    return acting.storage / "pictures" / "calibrations"


def test_the_steps_follow_in_order_and_nothing_is_scheduled(acting: Acting) -> None:
    dag = load(acting)
    assert sorted(dag.task_dict) == ["ask", "pick", "report"]
    assert dag.get_task("pick").downstream_task_ids == {"ask"}
    assert dag.get_task("ask").downstream_task_ids == {"report"}
    assert type(dag.timetable).__name__ == "NullTimetable"


def test_a_run_only_reads_and_tells_what_it_proposes(acting: Acting) -> None:
    before = acting.documents()
    acting.server.clear_counts()
    dag_run = run(load(acting), sample=3, seed=7)
    assert dag_run.state == "success", states(dag_run)
    (folder,) = calibrations(acting).iterdir()
    told = json.loads((folder / "report" / "calibration.json").read_text())
    assert told["settings"]["seed"] == 7
    assert told["documents"]["asked"] == 3
    assert {kind["name"] for kind in told["kinds"]} == {"scale", "gamma"}
    assert json.loads((acting.storage / "pictures" / "calibration.json").read_text())["run"] == told["run"]
    assert acting.server.counts()["update"] == 0
    assert acting.documents() == before
    (event,) = _events("calibrate_pictures")
    assert event["asked"] == 3
    assert event["report"].endswith("calibration.html")


def test_an_unknown_parameter_ends_a_run_at_once(acting: Acting) -> None:
    dag_run = run(load(acting), samples=3)
    assert (dag_run.state, states(dag_run)["pick"]) == ("failed", "failed")
    assert not calibrations(acting).exists()


def _events(name: str) -> list[dict[str, Any]]:
    from airflow.models.asset import AssetEvent, AssetModel  # noqa: PLC0415 - after the settings are in place
    from airflow.utils.session import create_session  # noqa: PLC0415

    with create_session() as session:
        query = session.query(AssetEvent).join(AssetModel, AssetModel.id == AssetEvent.asset_id)
        return [event.extra for event in query.filter(AssetModel.name == name)]
