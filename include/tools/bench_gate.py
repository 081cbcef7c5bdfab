"""Measures what a service waits for while the gate looks at one picture, on the demo collection.

Each picture is asked about one after the other: by a Python call, and over HTTP of an Airflow with the page.
The share of the analysis alone is measured in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Sequence

import requests

from include.dedupe.gate import open_gate
from include.demo.flow import CONNECTION_VARIABLE, index, serving
from include.demo.library import demo_library, use_own_settings
from include.demo.make_collection import PHOTOS
from include.demo.processes import free_port, running
from include.demo.up import airflow_settings
from include.orchestration import home
from include.orchestration.run_once import HOME
from include.safe_text import run_until_unread

SECONDS_TO_START = 300.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100, help="how many are asked about")
    options = parser.parse_args()
    use_own_settings()
    library = demo_library(HOME.parent)
    index(library)
    pictures = [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))[: options.pictures]]
    with serving(library, HOME.parent / "logs" / "bench-gate.log") as address:
        os.environ[CONNECTION_VARIABLE] = address
        measured = asyncio.run(_by_calls(pictures))
        measured["over HTTP"] = _over_http(pictures, address)
    for name, seconds in measured.items():
        ordered = sorted(seconds)
        print(
            f"{name:14}  median {statistics.median(ordered) * 1000:6.1f} ms  "
            f"95 % below {ordered[int(len(ordered) * 0.95)] * 1000:6.1f} ms"
        )
    alone = statistics.median(measured["analysis alone"])
    for name in ("one check", "over HTTP"):
        print(f"{name} takes {statistics.median(measured[name]) / alone:.2f} times as long as the analysis")


async def _by_calls(pictures: Sequence[bytes]) -> dict[str, list[float]]:
    async with open_gate("demo") as gate:
        await gate.check(pictures[0])
        analyses = [await _seconds(gate.writer.analyze(data=picture)) for picture in pictures]
        checks = [await _seconds(gate.check(picture)) for picture in pictures]
    return {"analysis alone": analyses, "one check": checks}


def _over_http(pictures: Sequence[bytes], flow: str) -> list[float]:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    environment = {
        **airflow_settings(port),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        CONNECTION_VARIABLE: flow,
    }
    home.use(HOME)
    home.migrate(HOME)
    command = [sys.executable, "-m", "airflow", "api-server", "--apps", "core"]
    log_file = HOME.parent / "logs" / "bench-gate-airflow.log"
    seconds = []
    with running(command, environment, log_file), requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {_token(base)}"
        for picture in (pictures[0], *pictures):
            began = time.perf_counter()
            session.post(f"{base}/duplicates/gate/gate_demo", picture, timeout=60).raise_for_status()
            seconds.append(time.perf_counter() - began)
    return seconds[1:]


def _token(base: str) -> str:
    """Return a token as soon as Airflow gives one."""
    deadline = time.monotonic() + SECONDS_TO_START
    while True:
        try:
            return str(requests.get(f"{base}/auth/token", timeout=10).json()["access_token"])
        except (requests.RequestException, KeyError):
            if time.monotonic() > deadline:
                raise
            time.sleep(1)


async def _seconds(call: Awaitable[object]) -> float:
    began = time.perf_counter()
    await call
    return time.perf_counter() - began


if __name__ == "__main__":
    run_until_unread(main)
