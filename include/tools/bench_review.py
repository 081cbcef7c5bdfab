"""Measures the review page's calls on a run with many clusters: seconds, of them busy, and peak of memory.

    python -m include.tools.bench_review [CLUSTERS]

The index is built in one process; each call after that has a process of its own, as when Airflow's API server
has just started, and says what it added to the memory that the process had before. Calls that only read are
made a second time, as people do after that. ``make bench-review-s3`` keeps the run in an S3 store in memory
that waits before each answer, and counts the requests.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import fsspec
import requests
import tenacity

from include.dedupe.reviewing.approving import effect
from include.dedupe.reviewing.cluster import read_cluster
from include.dedupe.reviewing.clusters import list_clusters
from include.dedupe.reviewing.filtering import Filters
from include.dedupe.reviewing.judging import Selection, count_selection, judge, judge_many
from include.dedupe.reviewing.overview import summarise_run
from include.dedupe.reviewing.state import open_state
from include.dedupe.rundir import RunDir
from include.demo.processes import free_port, running
from include.safe_text import run_until_unread
from include.tools.bench_cluster import make_edges
from include.tools.made_run import make_run

EDGES_OF_A_CLUSTER = 7.9
SECONDS_TO_START = 60
Call = Callable[[RunDir], object]


def _judge_one(run: RunDir) -> object:
    first = list_clusters(run, Filters(), limit=1).rows[0]
    return judge(run, "reject", first.name, "bench")


def _judge_near(run: RunDir) -> object:
    chosen = Selection(filters=Filters(duplicates=frozenset({"near"})))
    return judge_many(run, "reject", chosen, "bench", state=count_selection(run, chosen).state)


CALLS: dict[str, Call] = {
    "build the index": open_state,
    "first page by size": lambda run: list_clusters(run, Filters()),
    "first page by weakest link": lambda run: list_clusters(run, Filters(), "weakest"),
    "first page by bytes": lambda run: list_clusters(run, Filters(), "bytes"),
    "filter by text": lambda run: list_clusters(run, Filters(text="image-00012")),
    "filter by a field's value": lambda run: list_clusters(run, Filters(fields={"category_s": "animals"})),
    "one cluster": lambda run: read_cluster(run, list_clusters(run, Filters(), limit=1).rows[0].name),
    "reject one cluster": _judge_one,
    "first page after the verdict": lambda run: list_clusters(run, Filters()),
    "effect of the verdict": effect,
    "reject all near clusters": _judge_near,
    "first page after that": lambda run: list_clusters(run, Filters()),
    "run in the list of runs": summarise_run,
}


WRITING = ("build the index", "reject one cluster", "reject all near clusters")


def _measured(call: str, run: RunDir, store: str) -> list[str]:
    """Return what to tell of each time that the call was made."""
    run.storage.exists("nothing")  # the first request of a process makes the client
    _asked(store)
    told = []
    for name in [call] if call in WRITING else [call, "  again"]:
        before = _peak_mb()
        began, worked = time.perf_counter(), time.process_time()
        CALLS[call](run)
        seconds, busy, peak = time.perf_counter() - began, time.process_time() - worked, _peak_mb()
        asked = f"   {_asked(store):3} requests" if store else ""
        told.append(
            f"{name:32} {seconds:6.2f} s, busy {busy:5.2f} s   {peak - before:5.0f} MB more, "
            f"peak {peak:4.0f} MB{asked}"
        )
    return told


def _asked(store: str) -> int:
    """Return how many requests came to the store since this was asked last."""
    return int(requests.get(f"{store}/requests", timeout=60).text) if store else 0


@contextmanager
def _slow_store(milliseconds: int, log: Path) -> Iterator[str]:
    """Run a store that this process and those that it starts find, and yield its address."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    login = {"AWS_ACCESS_KEY_ID": "made", "AWS_SECRET_ACCESS_KEY": "made", "AWS_DEFAULT_REGION": "us-east-1"}
    os.environ.update(login, AWS_ENDPOINT_URL_S3=address)
    command = [sys.executable, "-m", "include.tools.slow_store", str(port), str(milliseconds)]
    with running(command, {}, log):
        for attempt in tenacity.Retrying(
            stop=tenacity.stop_after_delay(SECONDS_TO_START), wait=tenacity.wait_fixed(0.2), reraise=True
        ):
            with attempt:
                _asked(address)
        fsspec.filesystem("s3").mkdir("made")
        yield address


def _peak_mb() -> float:
    """Return the peak of this process alone; that of ``getrusage`` is its parent's, too."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-review", description=__doc__)
    parser.add_argument("clusters", nargs="?", type=int, default=100_000)
    parser.add_argument("--store", type=int, metavar="MILLISECONDS", help=argparse.SUPPRESS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        store, place = "", folder
        if given.store is not None:
            store, place = stack.enter_context(_slow_store(given.store, Path(folder) / "log")), "s3://made"
        pool = stack.enter_context(multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1))
        run = RunDir(place, "made", "bench")
        pool.apply(make_run, (run, make_edges(int(given.clusters * EDGES_OF_A_CLUSTER))))
        for call in CALLS:
            print(*pool.apply(_measured, (call, run, store)), sep="\n", flush=True)


if __name__ == "__main__":
    run_until_unread(main)
