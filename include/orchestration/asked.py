"""What commands ask the Airflow beside them: its connections, and whether it takes a schedule.

The engine knows no Airflow: it looks for this module by name, where there is an Airflow.
"""

from __future__ import annotations

from typing import Any

from include.dedupe.errors import ConfigError


def connection_fields(name: str) -> dict[str, Any] | None:
    """Return host, login and the like of a connection, as a task would get it; None where there is none.

    Raises:
        ConfigError: Airflow's database or secrets cannot be read.
    """
    from airflow.configuration import AIRFLOW_HOME  # noqa: PLC0415 - only where the environment has none
    from airflow.models.connection import Connection  # noqa: PLC0415
    from airflow.sdk.exceptions import AirflowNotFoundException  # noqa: PLC0415

    try:
        found = Connection.get_connection_from_secrets(name)
    except AirflowNotFoundException:
        return None
    except Exception as error:
        told = str(getattr(error, "orig", error)) or type(error).__name__
        raise ConfigError(
            f"The Airflow in {AIRFLOW_HOME} cannot be asked for its connection {name!r}: {told}. Is that the "
            f"right AIRFLOW_HOME, and its database migrated? Or set AIRFLOW_CONN_{name.upper()}."
        ) from error
    fields = {part: getattr(found, part) for part in ("host", "port", "schema", "login", "password")}
    return {**fields, "extra": found.extra_dejson}


def schedule_problem(cron: str) -> str:
    """Return why Airflow takes no such schedule; empty if it does."""
    from airflow.timetables.interval import CronDataIntervalTimetable  # noqa: PLC0415

    try:
        CronDataIntervalTimetable(cron, timezone="UTC").validate()
    except Exception as error:  # noqa: BLE001 - whatever Airflow says of it
        return str(error) or type(error).__name__
    return ""
