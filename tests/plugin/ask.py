"""Runs a collection's DAG once, for real, and waits at its question until somebody answers over REST."""

from __future__ import annotations

import sys

from airflow.dag_processing.dagbag import DagBag

from include.orchestration import home


def main(collection: str) -> int:
    bag = DagBag(dag_folder=str(home.PROJECT / "dags"))
    dag = bag.dags[f"dedupe_{collection}"]
    for task in dag.tasks:
        task.retries = 0
    run = dag.test(run_conf={"scope": "full", "dry_run": "no"})
    return 0 if run.state == "success" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
