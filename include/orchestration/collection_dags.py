"""What the DAGs of all collections have in common: how they try again, and what becomes of a wrong file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, task

from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import CollectionConfig
from include.orchestration import acting, tasks


def open_dag(
    dag_id: str, config: CollectionConfig, *, doc: str, tags: set[str], schedule: Any, **settings: Any
) -> DAG:
    """Return a DAG of a collection without tasks; the settings are those of Airflow, such as ``params``."""
    return DAG(
        dag_id=dag_id,
        doc_md=doc,
        start_date=datetime.combine(config.start_date, datetime.min.time(), tzinfo=UTC),
        schedule=schedule,
        catchup=False,
        tags=tags,
        auto_register=False,  # one that Airflow refuses must not take the others with it
        default_args={
            "retries": config.retries,
            "retry_delay": timedelta(seconds=30),
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": timedelta(minutes=30),
            "retry_policy": tasks.RETRY_POLICY,
        },
        **settings,
    )


def patient(config: CollectionConfig) -> Mapping[str, Any]:
    """Return the settings of a task that writes: it waits for others that write to the collection."""
    return {"multiple_outputs": False, "retries": max(config.retries, acting.TRIES_FOR_THE_LEASE)}


def made_or_broken(dag_id: str, tags: set[str], what: str, make: Callable[[], DAG]) -> DAG:
    """Return the DAG that is made, or one that says what is wrong, so that it takes down no other DAG.

    Args:
        dag_id: the name of either.
        tags: those of the second, besides ``broken``.
        what: file and part of it that Airflow may refuse.
        make: makes the DAG; a ``ConfigError`` says what is wrong by itself.
    """
    try:
        dag = make()
        dag.validate()  # type: ignore[no-untyped-call]
        return dag
    except ConfigError as error:
        return _broken(dag_id, tags, error)
    except Exception as error:  # noqa: BLE001 - whatever Airflow refuses, such as a schedule it cannot read
        return _broken(dag_id, tags, ConfigError(f"{what}: Airflow refuses it: {error}"))


def _broken(dag_id: str, tags: set[str], error: Exception) -> DAG:
    with DAG(
        dag_id=re.sub("[^A-Za-z0-9_-]", "_", dag_id),
        description=str(error),
        doc_md=f"**This collection's settings are wrong.** {error}",
        schedule=None,
        tags=tags | {"broken"},
    ) as dag:
        task(tasks.settings_error)(str(error))
    return dag
