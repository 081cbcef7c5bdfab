"""An auth manager whose user `only_NAME` has the right on the DAG of the collection NAME, and on no other."""

from __future__ import annotations

from typing import Any

from airflow.api_fastapi.auth.managers.simple.simple_auth_manager import SimpleAuthManager

PREFIX = "only_"


class OneCollection(SimpleAuthManager):
    def is_authorized_dag(
        self, *, method: Any, user: Any, access_entity: Any = None, details: Any = None
    ) -> bool:
        if user.username.startswith(PREFIX):
            own = f"dedupe_{user.username.removeprefix(PREFIX)}"
            return details is not None and details.id in (None, own)
        return super().is_authorized_dag(
            method=method, user=user, access_entity=access_entity, details=details
        )
