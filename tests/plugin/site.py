"""An Airflow with the review page, and runs for it to show."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests
import yaml

from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig
from tests.support.acting import FIRST, Acting, Document
from tests.support.embedded_server import EmbeddedServer

Result = TypeVar("Result")
SECONDS_TO_START = 180
PASSWORD = "known to the tests"
RUN_ID = "manual__2026-11-28T10:00:00+00:00"
OWN = {"X-Flow-Dedupe": "page"}
CAT, COFFEE, MOOSE, ROCKET = "animals/cat.jpg", "things/coffee.jpg", "animals/moose.jpg", "things/rocket.jpg"
GONE = "things/gone.jpg"
"""A picture whose file is there when it is indexed, and gone when it is to be shown."""
CHINA, CHINA_THREE = "places/china.jpg", "places/china%20three.jpg"
HOSTILE = '<img src=x onerror="alert(1)">'
DOCUMENTS: dict[str, tuple[str, Document]] = {
    "cat": (CAT, {"title_s": "a cat", "category": "animals", "width_i": 900}),
    "cat copy": (CAT, {"title_s": HOSTILE, "category": "animals", "width_i": 300}),
    "cat/../third & last": (CAT, {"category": "animals", "width_i": 200}),
    "coffee": (COFFEE, {"category": "things", "width_i": 500}),
    HOSTILE: (COFFEE, {"category": "things", "width_i": 400}),
    "china": (CHINA, {"category": "places", "width_i": 800}),
    "china three": (CHINA_THREE, {"category": "places", "width_i": 700}),
    "rocket": (ROCKET, {"category": "things"}),
    "rocket gone": (GONE, {"category": "things"}),
    "moose": (MOOSE, {}),
}
SETTINGS: dict[str, Any] = {
    "keeper": {"rules": [{"rule": "highest", "field": "width_i"}]},
    "policies": {"exact": {"do": "delete"}, "near": {"do": "tag"}},
    "guards": {"max_delete_share": 1.0},
}


@dataclass
class Site:
    """Where Airflow is, and the folder of its collections and runs."""

    base: str
    folder: Path
    flow: EmbeddedServer
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    tokens: dict[str, str] = field(default_factory=dict)
    log_name: str = "api-server.log"

    @property
    def storage(self) -> Path:
        return self.folder / "storage"

    @property
    def pages(self) -> str:
        return f"{self.base}/duplicates"

    @property
    def log(self) -> Path:
        return self.folder / self.log_name

    def wait(self) -> None:
        """Wait until the server answers: it starts while the first runs are made."""
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._is_up():
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.3)

    def _is_up(self) -> bool:
        try:
            return requests.get(f"{self.base}/api/v2/monitor/health", timeout=5).ok
        except requests.RequestException:
            return False

    def token(self, user: str) -> str:
        if user not in self.tokens:
            self.wait()
            login = {"username": user, "password": PASSWORD}
            answer = requests.post(f"{self.base}/auth/token", json=login, timeout=30)
            self.tokens[user] = answer.json()["access_token"]
        return self.tokens[user]

    def in_airflow(self, *arguments: str) -> str:
        """Run Python with Airflow's settings and return what it prints."""
        done = subprocess.run(
            [sys.executable, *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def collection(self, name: str, **settings: Any) -> CollectionConfig:
        """Write the settings of a collection and return them."""
        flow = {"connection": "flow_test", "write_connection": "flow_test", "collection": name}
        document = {"flow": flow, **SETTINGS, **settings}
        (self.folder / "collections" / f"{name}.yaml").write_text(yaml.safe_dump(document))
        return CollectionConfig.model_validate(document)

    def acting(self, name: str) -> Acting:
        return Acting(self.flow, self.storage, name)

    def decided(
        self, name: str, documents: dict[str, tuple[str, Document]], run_id: str = RUN_ID, **settings: Any
    ) -> RunDir:
        """Fill a collection and return a run of it that has found its duplicates and decided."""
        return aside(lambda: self._decided(name, documents, run_id, settings))

    def _decided(
        self, name: str, documents: dict[str, tuple[str, Document]], run_id: str, settings: dict[str, Any]
    ) -> RunDir:
        config = self.collection(name, **settings)
        acting = self.acting(name)
        pictures = self.flow.images
        assert pictures is not None
        shutil.copy(pictures / ROCKET, pictures / GONE)
        acting.fill(documents)
        (pictures / GONE).unlink()
        run = RunDir(str(self.storage), name, run_id)
        acting.decide(run, config)
        report(run, FIRST, WebPictures(self.flow.base, ()))
        return run

    def run_page(self, name: str, run_id: str = RUN_ID) -> str:
        return f"{self.pages}/dedupe_{name}/runs/{run_id.replace('+', '%2B')}/"

    def run_data(self, name: str, part: str, run_id: str = RUN_ID) -> str:
        return f"{self.pages}/data/dedupe_{name}/runs/{run_id.replace('+', '%2B')}/{part}"


def aside(work: Callable[[], Result]) -> Result:
    """Do something in a thread of its own: the browser's loop runs in the one of the tests."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()
