"""Airflow connections: from the environment, else from the Airflow beside us, if there is one."""

from __future__ import annotations

import json
import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ASKED = "include.orchestration.asked"
"""The module that asks Airflow. The engine does not import it, for it works without an Airflow, too."""


def variable_of(connection: str) -> str:
    """Return the environment variable that holds a connection."""
    return f"AIRFLOW_CONN_{connection.upper()}"


def has_airflow() -> bool:
    return find_spec("airflow") is not None


def connection_fields(name: str) -> dict[str, Any] | None:
    """Return host, login, password and extra of a connection, of any type; None where there is none.

    Raises:
        ConfigError: Airflow's database or secrets cannot be read.
        ValueError: the environment variable holds no connection.
    """
    text = os.environ.get(variable_of(name), "").strip()
    if text.startswith("{"):
        found: dict[str, Any] = json.loads(text)
        extra = found.get("extra") or {}
        return {**found, "extra": json.loads(extra) if isinstance(extra, str) else extra}
    if text:
        return _of_address(text)
    told: dict[str, Any] | None = import_module(ASKED).connection_fields(name) if has_airflow() else None
    return told


def _of_address(text: str) -> dict[str, Any]:
    parts = urlsplit(text)
    extra = dict(parse_qsl(parts.query))
    whole = extra.pop("__extra__", None)
    return {
        "host": parts.hostname,
        "port": parts.port,
        "login": unquote(parts.username or "") or None,
        "password": unquote(parts.password or "") or None,
        "extra": {**extra, **(json.loads(whole) if whole else {})},
    }
