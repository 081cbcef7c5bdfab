"""Runs that wait at their question."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from include.demo.processes import running
from tests.plugin.site import Site

SECONDS = 240


class Asked:
    """A run that waits at its question."""

    def __init__(self, site: Site, dag_id: str, process: Any, log: Path) -> None:
        self.site, self.dag_id, self.process, self.log = site, dag_id, process, log

    def ask(self, session: requests.Session, path: str) -> Any:
        return session.get(f"{self.site.base}{path}", timeout=30).json()

    def question(self, session: requests.Session) -> dict[str, Any]:
        path = f"/api/v2/dags/{self.dag_id}/dagRuns/~/hitlDetails?response_received=false"
        found: dict[str, Any] = self.wait_for(lambda: self.ask(session, path).get("hitl_details"))[0]
        return found

    def wait_for(self, look: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + SECONDS
        while not (found := look()):
            assert time.monotonic() < deadline, self.log.read_text()
            assert self.process.poll() in (None, 0), self.log.read_text()
            time.sleep(0.5)
        return found

    def is_over(self) -> bool:
        return self.process.poll() is not None


@contextmanager
def asking(site: Site, dag_id: str, conf: Mapping[str, Any], log: Path) -> Iterator[Asked]:
    """Start a run of a DAG; it is ended with what is done meanwhile."""
    command = [sys.executable, "-m", "tests.plugin.ask", dag_id, json.dumps(conf)]
    with running(command, site.environment, log) as process:
        yield Asked(site, dag_id, process, log)
