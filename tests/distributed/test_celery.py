"""Airflow on Postgres, Redis and two Celery workers, runs on an S3 store, and a worker killed in the middle.

A run of the same Airflow with LocalExecutor, on a local disk, tells what has to come out.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import psutil
import pytest

from include.dedupe.deciding.decisions import read_decisions
from include.dedupe.planning.plan import read_plan
from include.dedupe.rundir import RunDir
from include.dedupe.scanning.scan import stage_name
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from include.dedupe.tables import ACTIONS, CLUSTERS, EDGES, FACTS, PAIRS
from include.demo.database import metadata_database
from include.demo.processes import free_port, running
from include.orchestration import home
from tests.support.acting import Acting
from tests.support.acting_dag import SETTINGS
from tests.support.airflow_api import Airflow
from tests.support.embedded_server import EmbeddedServer
from tests.support.object_store import ObjectStore, object_store, served
from tests.support.small_collection import ORIGINALS, flow_server, server

__all__ = ["flow_server", "object_store", "served", "server"]
MISSING = [] if find_spec("celery") else ["celery"]
MISSING += [] if shutil.which("redis-server") else ["redis-server"]
pytestmark = [
    pytest.mark.elsewhere,
    pytest.mark.skipif(
        bool(MISSING),
        reason=f"takes minutes, so it has a target of its own, make test-distributed; "
        f"missing here: {', '.join(MISSING)}",
    ),
    pytest.mark.timeout(2400),
]
DAG = "dedupe_pictures"
CATEGORIES = ("a", "b", "c", "d")
DOCUMENTS = {
    f"{category} {number}": (picture, {"category_s": category})
    for category in CATEGORIES
    for number, picture in enumerate(ORIGINALS)
}
"""Each picture once in each category: each scan finds something in all others."""
SCANNED = re.compile(r"Executing workload in Celery.*task_id='scan'.*?map_index=(\d+)")
SECONDS_OF_A_SCAN = 8.0
TABLES = (
    ("pairs", "pairs", PAIRS),
    ("facts", "facts", FACTS),
    ("clusters", "clusters", CLUSTERS),
)
ASKED = re.compile(r"Received executor event with state success .*task_id='approve'")
"""An answer before the scheduler knows that the question stands is lost."""


class Stack:
    """What all of Airflow shares, and its programs, each with a log in ``folder``."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.settings = dict(settings)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    @contextmanager
    def program(self, name: str, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
        """Run a program of Airflow."""
        command = [sys.executable, "-m", "airflow", *arguments]
        environment = {**self.settings, **settings}
        with running(command, environment, self.folder / f"{name}.log") as process:
            yield process

    @contextmanager
    def scheduler(self, executor: str, storage: str) -> Iterator[None]:
        """Run tasks by an executor, on this machine with ``storage``; the log has the executor's name."""
        own = {"AIRFLOW__CORE__EXECUTOR": executor, STORAGE_VARIABLE: storage}
        with self.program(executor, "scheduler", **own):
            yield

    @contextmanager
    def worker(self, name: str) -> Iterator[subprocess.Popen[str]]:
        own = {"AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port())}
        named = ("--celery-hostname", f"{name}@%h", "--pid", str(self.folder / f"{name}.pid"))
        with self.program(name, "celery", "worker", "--concurrency", "1", *named, **own) as process:
            yield process

    def scanned_by(self, worker: str) -> list[int]:
        """Return the places of the partitions whose scans a worker has begun, in order."""
        return [int(place) for place in SCANNED.findall(self.log(worker))]


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """Yield the address of a Redis of the test's own."""
    port = free_port()
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"]
    with running([*command, "--dir", str(folder)], {}, folder / "redis.log"):
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def stack(folder: Path, port: int, own: Mapping[str, str]) -> Iterator[Stack]:
    """Yield an Airflow without scheduler and workers; ``own``: more of its environment."""
    folder.mkdir()
    with ExitStack() as parts:
        database = parts.enter_context(metadata_database(folder / "postgres"))
        redis = parts.enter_context(broker(folder))
        settings = {
            **home.settings(folder),
            **database,
            **own,
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
            "AIRFLOW__API__PORT": str(port),
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
            "AIRFLOW__API__SECRET_KEY": "one for all",
            "AIRFLOW__API_AUTH__JWT_SECRET": "one for all" * 6,
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
            "AIRFLOW__CELERY__BROKER_URL": f"{redis}/0",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"{redis}/1",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "20",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
        }
        made = Stack(folder, settings)
        with made.program("migrated", "db", "migrate") as migrating:
            assert migrating.wait(300) == 0, made.log("migrated")
        for name in ("api-server", "dag-processor"):
            parts.enter_context(made.program(name, name))
        yield made


def kill(process: subprocess.Popen[str]) -> None:
    """Kill a program and all that it has started, at once."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        os.kill(member.pid, signal.SIGKILL)
    psutil.wait_procs(family, timeout=10)


def found_in(run: RunDir) -> dict[str, pd.DataFrame]:
    """Return the artifacts of a run, without what has to differ: its own name and times."""
    edges = (stage_name(partition.name) for partition in read_plan(run).partitions)
    wanted = [*TABLES, *((name, "edges", EDGES) for name in edges)]
    found = {f"{stage}/{name}": run.read_table(stage, name, schema) for stage, name, schema in wanted}
    decided = read_decisions(run, run.result("decide").result["hash"])
    done = run.read_table("apply", "actions", ACTIONS).drop(columns="at")
    return {**found, "decisions": decided, "actions": done}


def test_a_run_on_celery_that_lost_a_worker_is_the_run_of_one_machine(
    flow_server: EmbeddedServer, object_store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "collections").mkdir()
    (tmp_path / "collections" / "pictures.yaml").write_text(
        f"{SETTINGS}partitions: {{by: field, field: category_s}}\n"
    )
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path / "collections"))
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_DEMO", flow_server.base)
    acting = Acting(flow_server, tmp_path / "storage")
    acting.fill(DOCUMENTS)
    port = free_port()
    storage = f"{object_store.address}/flow"
    with stack(tmp_path / "airflow", port, {STORAGE_VARIABLE: storage}) as parts:
        airflow = Airflow(port, parts.folder, patience=900)
        airflow.wait_for(airflow.log_in)
        with parts.scheduler("LocalExecutor", str(acting.storage)):
            expected = RunDir(str(acting.storage), "pictures", airflow.start(DAG))
            approved(airflow, parts, "LocalExecutor", expected.run_id)
        kept = set(acting.documents())
        acting.fill(DOCUMENTS)
        scheduler = parts.scheduler("CeleryExecutor", storage)
        with scheduler, parts.worker("one") as one, parts.worker("two"):
            flow_server.fault("slow", handler="duplicates", seconds=SECONDS_OF_A_SCAN)
            run_id = airflow.start(DAG)
            (killed,) = airflow.wait_for(lambda: scanning(airflow, parts, run_id))
            kill(one)
            flow_server.clear_faults()
            approved(airflow, parts, "CeleryExecutor", run_id)
            scans = [task for task in airflow.tasks(DAG, run_id) if task["task_id"] == "scan"]
    assert killed in parts.scanned_by("two")
    assert {task["try_number"] > 1 for task in scans if task["map_index"] == killed} == {True}
    assert set(acting.documents()) == kept
    assert len(kept) < len(DOCUMENTS)
    found = found_in(RunDir(storage, "pictures", run_id))
    for name, table in found_in(expected).items():
        assert len(table), name
        pd.testing.assert_frame_equal(found[name], table, obj=name)


def approved(airflow: Airflow, parts: Stack, executor: str, run_id: str) -> None:
    """Approve a run as soon as the scheduler's log says that it asks, and see it through to success."""
    airflow.wait_for(lambda: ASKED.search(parts.log(executor)))
    airflow.approve_when_asked(DAG, run_id)
    assert set(airflow.end(DAG, run_id).values()) == {"success"}


def scanning(airflow: Airflow, parts: Stack, run_id: str) -> tuple[int] | None:
    """Return the place of the partition that worker one scans right now, once both workers have scanned."""
    mine, others = parts.scanned_by("one"), parts.scanned_by("two")
    if not mine or not others:
        return None
    states = {
        task["map_index"]: task["state"] for task in airflow.tasks(DAG, run_id) if task["task_id"] == "scan"
    }
    return (mine[-1],) if states[mine[-1]] == "running" else None
