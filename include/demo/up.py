"""`make up`: the demo collection behind its server, and an Airflow to dedupe it, until Ctrl-C."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import requests

from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import COLLECTIONS_VARIABLE, collection_files
from include.dedupe.storage import Storage, default_storage
from include.demo.database import metadata_database
from include.demo.flow import CONNECTION_VARIABLE, index, serving
from include.demo.library import COLLECTIONS, add_own_settings, demo_library, folder_library, own_folder
from include.demo.processes import DemoError, free_port, only_one, running
from include.orchestration import home
from include.orchestration.run_once import HOME
from include.safe_text import complain

RUN = HOME.parent
SECONDS_BETWEEN_WORDS = 60.0
SECONDS_TO_PARSE = 60.0
USUAL_PORT = 8080
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make up", description=__doc__)
    parser.add_argument("--images", type=own_folder, help="a folder of your own pictures, instead")
    parser.add_argument("--port", type=int, help="port of Airflow's page")
    options = parser.parse_args(arguments)
    for number in STOPPING:  # a script may have it ignore Ctrl-C
        signal.signal(number, _interrupt)
    add_own_settings()
    try:
        list(collection_files())  # fails now, not in Airflow's log
        with only_one(RUN / "up.lock", "`make up`"):
            up(options.images, options.port)
    except (DemoError, ConfigError) as error:
        complain(error)
        return 2
    except KeyboardInterrupt:
        print("\nStopped.")
    return 0


def up(images: Path | None, port: int | None) -> None:
    """Start the server and Airflow, say where they are, and wait until one of them ends.

    Raises:
        DemoError: one of them does not start or ends by itself.
    """
    library = folder_library(RUN, images) if images else demo_library(RUN)
    index(library)
    airflow_log = RUN / "logs" / "airflow.log"
    with (
        serving(library, RUN / "logs" / "server.log") as flow,
        metadata_database(HOME / "postgres") as database,
    ):
        airflow_port = port_or_usual(port)
        environment = {**airflow_settings(airflow_port), **database, CONNECTION_VARIABLE: flow}
        command = [sys.executable, "-m", "airflow", "standalone"]
        print("Starting Airflow ...", flush=True)
        with running(command, environment, airflow_log) as airflow:
            address = f"http://localhost:{airflow_port}"
            _wait_until_healthy(airflow, address, airflow_log)
            password = _password()
            is_first = bool(images or _has_no_run()) and _trigger(address, password)
            _announce(address, flow, password, is_first=is_first)
            while airflow.poll() is None:
                time.sleep(1)
            raise DemoError(f"Airflow ended by itself; {airflow_log} says why.")


def port_or_usual(port: int | None) -> int:
    """Return ``port``, else Airflow's usual one, else any that is free."""
    if port is not None:
        return free_port(port)
    try:
        return free_port(USUAL_PORT)
    except DemoError:
        return free_port()


def airflow_settings(port: int) -> dict[str, str]:
    """Return the environment of an Airflow whose page is at ``port``."""
    return {
        **home.settings(HOME),
        # standalone starts the program `airflow` by its name
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
    }


def _wait_until_healthy(airflow: subprocess.Popen[str], address: str, log_file: Path) -> None:
    """Wait as long as Airflow starts; on a busy machine that takes minutes, and a line says so."""
    began = said = time.monotonic()
    while airflow.poll() is None:
        try:
            health = requests.get(f"{address}/api/v2/monitor/health", timeout=5).json()
            parts = ("metadatabase", "scheduler", "triggerer", "dag_processor")
            if all(health[part]["status"] == "healthy" for part in parts):
                return
        except (requests.RequestException, KeyError):
            pass
        if time.monotonic() - said > SECONDS_BETWEEN_WORDS:
            said = time.monotonic()
            print(
                f"Airflow still starts, after {said - began:.0f} s; {log_file} says what it does.", flush=True
            )
        time.sleep(1)
    raise DemoError(f"Airflow did not start; {log_file} says why.")


def _password() -> str:
    passwords = json.loads((HOME / "simple_auth_manager_passwords.json.generated").read_text())
    return str(passwords["admin"])


def _has_no_run() -> bool:
    return not Storage(f"{default_storage(str(HOME))}/demo").folders("runs")


def _trigger(address: str, password: str) -> bool:
    """Start a run over the whole demo, for its page to show; tell whether it was started."""
    deadline = time.monotonic() + SECONDS_TO_PARSE
    login = {"username": "admin", "password": password}
    run = {"logical_date": None, "conf": {"scope": "full"}}
    while time.monotonic() < deadline:
        token = requests.post(f"{address}/auth/token", json=login, timeout=30).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        path = f"{address}/api/v2/dags/dedupe_demo/dagRuns"
        if requests.post(path, json=run, headers=headers, timeout=30).ok:
            return True
        time.sleep(1)  # the DAG's file has not been read yet
    return False


def _announce(address: str, flow: str, password: str, *, is_first: bool) -> None:
    folder = COLLECTIONS.relative_to(home.PROJECT)
    find = f"{COLLECTIONS_VARIABLE}={folder} .venv/bin/python -m include.dedupe find demo"
    others = [path.stem for path in collection_files() if path.parent != COLLECTIONS]
    also = f"          Your own collections: {', '.join(others)}\n" if others else ""
    hint = "A first run is on its way." if is_first else "Trigger it with the parameter scope = full."
    print(
        f"""
Airflow   {address}/dags/dedupe_demo    user admin, password {password}
          {hint}
{also}Page      {address}/plugin/duplicates
          The clusters of the demo, with their pictures.
Flow      {flow}/api/cores/my-collection
          {find} --flow {flow} ID_OR_URL_OR_FILE

Ctrl-C stops both.""",
        flush=True,
    )


def _interrupt(_number: int, _frame: object) -> None:
    """End, once: a second Ctrl-C must not keep it from stopping what it has started."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
