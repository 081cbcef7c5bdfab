"""What the settings say of a DAG and its tasks, as Airflow takes it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import Context

from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.dag_settings import ALL_OTHERS
from include.orchestration.approval import notifier
from include.orchestration.tasks import RETRY_POLICY


def dag_arguments(config: CollectionConfig, tags: set[str]) -> dict[str, Any]:
    """Return tags, failure callbacks and the arguments of all tasks.

    Raises:
        ConfigError: a notifier cannot be used.
    """
    settings = config.dag
    told = [notifier(name, "dag.failure_notifiers") for name in settings.failure_notifiers]
    return {
        "tags": tags | set(settings.tags),
        "on_failure_callback": told or None,
        "default_args": {
            "owner": settings.owner,
            **({"queue": settings.queue} if settings.queue else {}),
            "retries": config.retries,
            "retry_delay": timedelta(seconds=30),
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": timedelta(minutes=30),
            "retry_policy": RETRY_POLICY,
        },
    }


def those_usable(names: Sequence[str]) -> list[Callable[[Context], None]] | None:
    """Return the notifiers that can be used, of settings that are wrong in any case; None for none."""
    found: list[Callable[[Context], None]] = []
    for name in names:
        with contextlib.suppress(ConfigError):
            found.append(notifier(name))
    return found or None


def time_limit(config: CollectionConfig, task: str) -> timedelta | None:
    """Return how long a task may take; None for as long as it needs."""
    hours = config.dag.execution_timeout_hours
    found = hours.get(task, hours.get(ALL_OTHERS))
    return timedelta(hours=found) if found else None
