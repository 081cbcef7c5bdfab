"""Airflow's connections, as the engine takes them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from airflow.models.connection import Connection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.dedupe.errors import ConfigError


def connection_fields(name: str) -> dict[str, Any]:
    """Return host, login and the like of a connection.

    Raises:
        ConfigError: Airflow has no such connection.
    """
    try:
        found = Connection.get_connection_from_secrets(name)
    except AirflowNotFoundException as error:
        raise ConfigError(
            f"Airflow has no connection {name!r}, which the collection's settings name."
        ) from error
    fields = {part: getattr(found, part) for part in ("host", "port", "schema", "login", "password")}
    return {**fields, "extra": found.extra_dejson}


def connection_headers(name: str) -> Mapping[str, str]:
    """Return the HTTP headers of a connection: its token or login, and ``headers`` of its extra."""
    fields = connection_fields(name)
    headers = {str(key): str(value) for key, value in (fields["extra"].get("headers") or {}).items()}
    if token := fields["extra"].get("token"):
        return {"Authorization": f"Bearer {token}", **headers}
    if fields["login"]:
        login = f"{fields['login']}:{fields['password'] or ''}".encode()
        return {"Authorization": f"Basic {base64.b64encode(login).decode()}", **headers}
    return headers
