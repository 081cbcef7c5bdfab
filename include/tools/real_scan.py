"""One real run, measured: a folder is indexed, a server that has just started is scanned, pairs come out."""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
import requests
import uvloop

from include.dedupe.clustering.cluster import cluster
from include.dedupe.clustering.merge import merge
from include.dedupe.connect import open_flow
from include.dedupe.planning.plan import plan
from include.dedupe.planning.scope import Scope
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.scan import scan
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.tables import PAIRS
from include.flow_client import FlowAddress

COLLECTION = "bench"
IN_FLIGHT = 16
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Indexed:
    """One sync of a folder: seconds, and CPU seconds of all its processes."""

    seconds: float
    cpu_s: float


@dataclass(frozen=True, slots=True)
class Scanned:
    """One scan: seconds, the server's CPU seconds and bytes of memory, pairs of ids, candidates compared."""

    seconds: float
    cpu_s: float
    memory: int
    pairs: set[frozenset[str]]
    compared: float


def index(pictures: Path, data: Path) -> Indexed:
    """Index a folder with the server's own command, in processes of their own; its report goes to stderr."""
    command = [sys.executable, "-m", "include.flow_server", "sync", str(pictures), "--data", str(data)]
    began, before = time.perf_counter(), _children_s()
    subprocess.run(  # noqa: S603
        [*command, "--collection", COLLECTION], check=True, stdout=sys.stderr, stderr=subprocess.DEVNULL
    )
    return Indexed(time.perf_counter() - began, _children_s() - before)


def scanned(data: Path, work: Path) -> Scanned:
    """Scan ROUNDS times, each time with a fresh server on a copy of `data`; times are medians."""
    rounds = []
    for number in range(ROUNDS):
        copy = work / f"round{number}"
        shutil.copytree(data, copy / "data")
        rounds.append(_scanned_once(copy / "data", copy / "runs"))
        shutil.rmtree(copy)
    first = rounds[0]
    return Scanned(
        median(one.seconds for one in rounds),
        median(one.cpu_s for one in rounds),
        max(one.memory for one in rounds),
        first.pairs,
        first.compared,
    )


def _scanned_once(data: Path, runs: Path) -> Scanned:
    with _server(data) as (process, base):
        before = _cpu_s(process)
        began = time.perf_counter()
        found = uvloop.run(_pairs(FlowAddress.parse(base, COLLECTION), RunDir(str(runs), COLLECTION, "run")))
        seconds = time.perf_counter() - began
        memory = sum(each.memory_info().rss for each in _with_children(process))
        return Scanned(seconds, _cpu_s(process) - before, memory, found, _compared(base))


async def _pairs(address: FlowAddress, run: RunDir) -> set[frozenset[str]]:
    flow_settings = {"connection": "flow_bench", "collection": COLLECTION}
    config = CollectionConfig.model_validate({"flow": flow_settings})
    async with open_flow(address, IN_FLIGHT) as flow:
        await plan(flow, run, Attempt(), config, Scope())
        await scan(flow, run, Attempt(), "p00")
        await merge(flow, run, Attempt())
    cluster(run, Attempt())
    pairs = run.read_table("pairs", "pairs", PAIRS)
    return {frozenset(pair) for pair in zip(pairs["id_a"], pairs["id_b"], strict=True)}


@contextmanager
def _server(data: Path) -> Iterator[tuple[psutil.Process, str]]:
    command = [sys.executable, "-m", "include.flow_server", "--data", str(data), "--collection", COLLECTION]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            told = process.stdout.readline() if process.stdout else ""
            port = int(told.partition("127.0.0.1:")[2].partition("/")[0])
            yield psutil.Process(process.pid), f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _cpu_s(process: psutil.Process) -> float:
    """CPU seconds of a process and those that it has started."""
    times = [each.cpu_times() for each in _with_children(process)]
    return sum(each.user + each.system for each in times)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _compared(base: str) -> float:
    lines = requests.get(f"{base}/metrics", timeout=30).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("flow_compared_total{"))
