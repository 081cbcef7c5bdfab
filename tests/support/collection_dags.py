"""The DAGs that the settings of collections make, and what their runs leave."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from include.orchestration import home

DEMO = home.PROJECT / "include" / "demo" / "collections" / "demo.yaml"


def load_dags() -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - after the settings are in place

    bag = DagBag(dag_folder=str(home.PROJECT / "dags"))
    assert bag.import_errors == {}
    return dict(bag.dags)


def run(dag: Any, **params: Any) -> Any:
    for task in dag.tasks:
        task.retries = 0
    return dag.test(run_conf=params, logical_date=dt.datetime.now(dt.UTC))


def states(dag_run: Any) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for ti in dag_run.get_task_instances():
        found.setdefault(ti.task_id, set()).add(str(ti.state))
    return found


def report_folder(tmp_path: Path) -> Path:
    (folder,) = (tmp_path / "storage" / "demo" / "runs").iterdir()
    return folder / "report"
