"""An Airflow of the project's own, inside the checkout: for the demo, for single runs, for tests.

Import this before Airflow: Airflow reads its settings when it is imported.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def use(home: Path) -> None:
    """Let this process, and those it starts, use the Airflow in ``home``."""
    os.environ.update(settings(home))


def settings(home: Path) -> dict[str, str]:
    """Return the environment of an Airflow in ``home`` with the DAGs of this project."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__PARALLELISM": "4",
        # on a busy machine Airflow would give up reading a DAG after half a minute, and show none
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "300",
        "AIRFLOW__DAG_PROCESSOR__DAG_FILE_PROCESSOR_TIMEOUT": "330",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH", "")])),
    }


def migrate(home: Path) -> None:
    """Create the metadata database, once for each version of Airflow."""
    done = home / f"migrated-{version('apache-airflow')}"
    if done.exists():
        return
    home.mkdir(parents=True, exist_ok=True)
    from airflow.utils.db import initdb  # noqa: PLC0415 - after the settings are in place

    initdb()
    done.touch()
