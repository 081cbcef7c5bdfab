"""Measures the review page's calls on a run with many clusters: seconds, of them busy, and peak of memory.

    python -m include.tools.bench_review [CLUSTERS]

The index is built in one process; each call after that has a process of its own, as when Airflow's API server
has just started, and says what it added to the memory that the process had before.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from include.dedupe.reviewing.approving import effect
from include.dedupe.reviewing.cluster import read_cluster
from include.dedupe.reviewing.clusters import list_clusters
from include.dedupe.reviewing.filtering import Filters
from include.dedupe.reviewing.judging import Selection, count_selection, judge, judge_many
from include.dedupe.reviewing.overview import summarise_run
from include.dedupe.reviewing.state import open_state
from include.dedupe.rundir import RunDir
from include.tools.bench_cluster import make_edges
from include.tools.made_run import make_run

EDGES_OF_A_CLUSTER = 7.9
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


def _measured(call: str, run: RunDir) -> tuple[float, float, float, float]:
    """Return seconds, seconds of work of the processor, MB before and the peak of MB."""
    before = _peak_mb()
    began, worked = time.perf_counter(), time.process_time()
    CALLS[call](run)
    return time.perf_counter() - began, time.process_time() - worked, before, _peak_mb()


def _peak_mb() -> float:
    """Return the peak of this process alone; that of ``getrusage`` is its parent's, too."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-review", description=__doc__)
    parser.add_argument("clusters", nargs="?", type=int, default=100_000)
    clusters: int = parser.parse_args().clusters
    with tempfile.TemporaryDirectory() as folder:
        run = RunDir(folder, "made", "bench")
        with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            edges = make_edges(int(clusters * EDGES_OF_A_CLUSTER))
            pool.apply(make_run, (run, edges))
            for call in CALLS:
                seconds, busy, before, peak = pool.apply(_measured, (call, run))
                print(
                    f"{call:32} {seconds:6.2f} s, busy {busy:5.2f} s   {peak - before:5.0f} MB more, "
                    f"peak {peak:4.0f} MB",
                    flush=True,
                )


if __name__ == "__main__":
    main()
