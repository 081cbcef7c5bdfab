"""What the DAGs of all collections have in common: their settings, and what becomes of a wrong file."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Context, task

from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.dag_settings import ALL_OTHERS
from include.dedupe.settings.still_readable import LastSchedule
from include.orchestration.approval import notifier
from include.orchestration.later import later
from include.orchestration.retrying import TRIES_FOR_THE_LEASE, WhatMayPass


def open_dag(
    dag_id: str, config: CollectionConfig, *, doc: str, tags: set[str], schedule: Any, **settings: Any
) -> DAG:
    """Return a DAG of a collection without tasks; ``settings`` are those of Airflow, such as ``params``.

    Raises:
        ConfigError: a notifier cannot be used.
    """
    own = config.dag
    told: list[Callable[[Context], None]] = []
    told += [notifier(name, "dag.failure_notifiers") for name in own.failure_notifiers]
    for name in config.alerts.notifiers:
        notifier(name, "alerts.notifiers")
    return DAG(
        dag_id=dag_id,
        doc_md=doc,
        start_date=datetime.combine(config.start_date, datetime.min.time(), tzinfo=UTC),
        schedule=schedule,
        catchup=False,
        tags=tags | set(own.tags),
        on_failure_callback=told or None,
        auto_register=False,  # one that Airflow refuses must not take the others with it
        default_args={
            "owner": own.owner,
            **({"queue": own.queue} if own.queue else {}),
            "retries": config.retries,
            "retry_delay": timedelta(seconds=30),
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": timedelta(minutes=30),
            "retry_policy": WhatMayPass(),
        },
        **settings,
    )


def step(config: CollectionConfig, function: str, *parts: str, **settings: Any) -> Any:
    """Return the task of a function, which takes as long as the settings allow.

    Args:
        config: the collection's settings.
        function: module and function, as ``later`` takes them.
        parts: the names of what the function takes besides the collection.
        settings: those of Airflow's task.
    """
    limit = time_limit(config, function.rpartition(".")[2])
    made = later(function, "collection", *parts)
    return task(multiple_outputs=False, execution_timeout=limit, **settings)(made)


def step_of_partition(config: CollectionConfig, function: str) -> Any:
    """Return the task of a function that is mapped over partitions: it asks Flow, and has their label."""
    label = "{{ label | default('?') }}"
    return step(config, function, "partition", pool=config.pool, map_index_template=label)


def time_limit(config: CollectionConfig, name: str) -> timedelta | None:
    """Return how long a task may take; None for as long as it needs."""
    hours = config.dag.execution_timeout_hours
    found = hours.get(name, hours.get(ALL_OTHERS))
    return timedelta(hours=found) if found else None


def patient(config: CollectionConfig) -> Mapping[str, Any]:
    """Return the settings of a task that writes: it waits for others that write to the collection."""
    return {"retries": max(config.retries, TRIES_FOR_THE_LEASE)}


def made_or_broken(
    what: str,
    make: Callable[[], DAG],
    broken: Callable[[ConfigError, LastSchedule], DAG],
    last: LastSchedule,
) -> DAG:
    """Return the DAG that is made, or one that says what is wrong, so that it takes down no other DAG.

    Args:
        what: file and part of it that Airflow may refuse.
        make: makes the DAG; a ``ConfigError`` says what is wrong by itself.
        broken: makes the other one, as ``broken_dag`` does.
        last: when that one is to run; daily, if the schedule is what Airflow refuses.
    """
    try:
        dag = make()
        dag.validate()  # type: ignore[no-untyped-call]
        return dag
    except ConfigError as error:
        wrong = error
    except Exception as error:  # noqa: BLE001 - whatever Airflow refuses, such as a schedule it cannot read
        wrong = ConfigError(f"{what}: Airflow refuses it: {error}")
    try:
        return broken(wrong, last)
    except Exception:  # noqa: BLE001 - the schedule is what Airflow refuses
        return broken(wrong, last.or_daily())


def broken_dag(
    dag_id: str, error: ConfigError, *, tags: set[str], schedule: Any, told: Sequence[str], **settings: Any
) -> DAG:
    """Return a DAG that fails with the reason whenever it should have run; ``told``: notifiers."""
    with DAG(
        dag_id=re.sub("[^A-Za-z0-9_-]", "_", dag_id),
        description=str(error),
        doc_md=f"**This collection's settings are wrong.** {error}",
        schedule=schedule,
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        catchup=False,
        on_failure_callback=_those_usable(told),
        tags=tags | {"broken"},
        auto_register=False,
        **settings,
    ) as dag:
        task(settings_error)(str(error))
    dag.validate()  # type: ignore[no-untyped-call]
    return dag


def settings_error(message: str) -> None:
    """Fail with what is wrong in a collection's settings."""
    raise ConfigError(message)


def _those_usable(names: Sequence[str]) -> list[Callable[[Context], None]] | None:
    """Return the notifiers that can be used, of settings that are wrong in any case; None for none."""
    found: list[Callable[[Context], None]] = []
    for name in names:
        with contextlib.suppress(ConfigError):
            found.append(notifier(name))
    return found or None
