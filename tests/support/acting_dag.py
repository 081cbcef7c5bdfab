"""The DAG of a collection with policies, and what its runs leave."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from include.orchestration import home
from tests.support.acting import Acting

SETTINGS = """
flow: {connection: flow_demo, write_connection: flow_demo, collection: plain}
policies: {exact: {do: delete}}
guards: {max_delete_share: 1.0}
"""
DOCUMENTS = {
    "cat": ("animals/cat.jpg", {"title_s": "a cat"}),
    "cat copy": ("animals/cat.jpg", {}),
    "moose": ("animals/moose.jpg", {}),
}


def load_dag(acting: Acting, settings: str = "", name: str = "dedupe_pictures", base: str = SETTINGS) -> Any:
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - after the settings are in place

    (acting.storage.parent / "collections" / "pictures.yaml").write_text(base + settings)
    bag = DagBag(dag_folder=str(home.PROJECT / "dags"))
    assert bag.import_errors == {}
    return bag.dags[name]


def run(dag: Any, **params: Any) -> Any:
    for task in dag.tasks:
        task.retries = 0
    return dag.test(run_conf=params, logical_date=dt.datetime.now(dt.UTC))


def states(dag_run: Any) -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances()}


def record(acting: Acting, dag_run: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(acting.run(dag_run.run_id).storage.read("record/record.json"))
    return found
