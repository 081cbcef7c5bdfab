"""Registers the review page with Airflow.

Every component of Airflow imports this file: it imports nothing else, and builds the page when it is opened.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from importlib import import_module
from pathlib import Path
from pkgutil import extend_path
from typing import Any

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/duplicates"
log = logging.getLogger(__name__)
Message = MutableMapping[str, Any]


class LazyApp:
    """An ASGI application that is made when its first request comes."""

    def __init__(self) -> None:
        self._app: Any = None
        self._making = threading.Lock()

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        app = self._app or await asyncio.to_thread(self._make)  # takes seconds; others are served meanwhile
        await app(scope, receive, send)

    def _make(self) -> Any:
        with self._making:
            if self._app is None:
                try:
                    _find_include()
                    self._app = import_module("flow_dedupe.app").create_app()
                except Exception:
                    log.exception("The review page cannot be built.")  # who asked for it gets a bare 500
                    raise
            return self._app


def _find_include() -> None:
    """Let include/ beside the plugins folder be found, also where another include/ was found first."""
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    include = import_module("include")
    include.__path__ = extend_path(include.__path__, "include")


def _view(name: str, destination: str, path: str) -> dict[str, str]:
    """Describe a page in a frame of Airflow's; its address is relative to wherever Airflow's pages are."""
    return {
        "name": "Duplicates",
        "href": f"{PREFIX.lstrip('/')}/{path}",
        "destination": destination,
        "url_route": name,
    }


APPS = [{"app": LazyApp(), "url_prefix": PREFIX, "name": "Duplicates"}]
VIEWS = [
    {**_view("duplicates", "nav", ""), "category": "browse"},
    _view("duplicates-of-dag", "dag", "{DAG_ID}/"),
    _view("duplicates-of-run", "dag_run", "{DAG_ID}/runs/{RUN_ID}/"),
]


class FlowDedupePlugin(AirflowPlugin):
    name = "flow_dedupe"
    fastapi_apps = APPS
    external_views = VIEWS
