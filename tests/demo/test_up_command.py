"""`make up`: server and Airflow start together, work, and end together."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.demo.processes import free_port
from include.orchestration import home

SECONDS_TO_START = 240
SECONDS_TO_RUN = 240


@pytest.fixture
def run() -> Iterator[Path]:
    """A folder that the database's own user may enter, unlike those of pytest where root runs it."""
    with tempfile.TemporaryDirectory(prefix="flow-dedupe-up-") as folder:
        yield Path(folder)


@contextmanager
def up(run: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start it, and yield it with what it announced."""
    log = run / "up.log"
    (run / "others").mkdir()
    (run / "others" / "mine.yaml").write_text("flow: {connection: flow_mine, collection: mine}\n")
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "include.demo.up", "--port", str(port)],
            cwd=home.PROJECT,
            env={
                **os.environ,
                "AIRFLOW_HOME": str(run / "airflow"),
                COLLECTIONS_VARIABLE: str(run / "others"),
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while "Ctrl-C stops both" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)
        yield process, log.read_text()
    finally:
        members = family_of(process)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            kill(members)
            raise


def family_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The process and all that it has started, each in a session of its own."""
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def databases(run: Path) -> list[psutil.Process]:
    """The Postgres servers whose data lies in this folder."""
    named = [each for each in psutil.process_iter(["name", "cmdline"]) if each.info["name"] == "postgres"]
    return [each for each in named if any(str(run) in word for word in each.info["cmdline"] or ())]


def kill(members: list[psutil.Process]) -> None:
    for member in members:
        with suppress(psutil.NoSuchProcess):
            member.kill()


def ask(address: str, method: str, token: str | None = None, body: dict[str, Any] | None = None) -> Any:
    request = urllib.request.Request(  # noqa: S310
        address, method=method, data=json.dumps(body).encode() if body is not None else None
    )
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.loads(answer.read())


@pytest.mark.airflow
@pytest.mark.timeout(900)
def test_a_real_scheduler_dedupes_the_demo_and_nothing_keeps_running(run: Path) -> None:
    port = free_port()
    api = f"http://localhost:{port}"
    with up(run, port) as (process, announced):
        family = family_of(process)
        password = announced.partition("password ")[2].split()[0]
        login = {"username": "admin", "password": password}
        token = ask(f"{api}/auth/token", "POST", body=login)["access_token"]
        runs = f"{api}/api/v2/dags/dedupe_demo/dagRuns"
        conf = {"scope": "range", "categories": ["tools"]}
        run_id = ask(runs, "POST", token, {"logical_date": None, "conf": conf})["dag_run_id"]
        deadline = time.monotonic() + SECONDS_TO_RUN
        while (state := ask(f"{runs}/{run_id}", "GET", token)["state"]) in ("queued", "running"):
            assert time.monotonic() < deadline, state
            time.sleep(2)
        assert state == "success"
        assert "Your own collections: mine" in announced
        shown = {one["name"]: one for one in ask(f"{api}/duplicates/data/collections", "GET", token)}
        assert "mine" in shown
        assert run_id in [run["run_id"] for run in shown["demo"]["newest"]]
        assert databases(run)
        family += family_of(process)
    assert databases(run) == []
    left = [member for member in family if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]
    kill(left)
    assert left == []
    assert process.returncode == 0
