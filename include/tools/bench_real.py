"""Measures the whole way of real pictures: from a folder to clusters, beside well-known hashes.

    python -m include.tools.bench_real [--pictures DIR] [--most 1000] [--grow 1000 10000]

DIR is any folder of photographs; copies of some of them are planted (see `planted`). Without it, tiles of the
demo's photographs are measured. Everything begins with an empty data directory and a server that has just
started. PDQ (and pHash, where imagehash is installed, and fastdup, where it is) are measured on the same
files. `--grow` repeats the scan on so many pictures each; tiles of the photographs make up the number. The
last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
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
from include.tools.planted import photographs, plant, tiles
from include.tools.real_peers import peers

PHOTOS = Path(__file__).parents[1] / "demo" / "photos"
DEMO_TILES = 1000
COLLECTION = "bench"
IN_FLIGHT = 16
ROUNDS = 3
"""Each figure of a scan is the median of so many, each of a server that has just started."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """One scan: seconds, the server's CPU seconds, pairs of ids, candidates compared in full."""

    seconds: float
    cpu_s: float
    pairs: set[frozenset[str]]
    compared: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=Path, help="folder of photographs (default: tiles of the demo's)")
    parser.add_argument("--most", type=int, default=1000, help="photographs used, before copies are planted")
    parser.add_argument("--grow", type=int, nargs="+", default=[], help="sizes to repeat the scan at")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        photos = (
            photographs(given.pictures)
            if given.pictures
            else tiles(photographs(PHOTOS), DEMO_TILES, work / "tiles")
        )
        figures = whole(photos[: given.most], work / "real")
        for name, value in figures.items():
            print(f"{name:<24}{value:>12,.3f}")
        for peer in peers(work / "real" / "pictures", work / "real" / "truth.csv"):
            print(f"{peer.name:<24}{peer.seconds:>12,.3f} s  found {peer.found}, others {peer.others}")
            figures[f"total_vs_{peer.key}"] = round(figures["total_s"] / peer.seconds, 2)
        figures |= grown(photos, given.grow, work)
    print(json.dumps(figures))


def whole(photos: Sequence[Path], work: Path) -> dict[str, float]:
    """From a folder to pairs: seconds, CPU milliseconds a picture, and what was found of what was planted."""
    pictures = work / "pictures"
    truth = plant(photos, pictures)
    count = len(photographs(pictures))
    began, before = time.perf_counter(), _children_s()
    index(pictures, work / "data")
    index_s, index_cpu_s = time.perf_counter() - began, _children_s() - before
    rounds = [scanned(work / "data", work / f"runs{number}") for number in range(ROUNDS)]
    scan_s, scan_cpu_s = median(one.seconds for one in rounds), median(one.cpu_s for one in rounds)
    found = rounds[0].pairs
    return {
        "pictures": count,
        "index_per_s": round(count / index_s, 1),
        "index_cpu_ms": round(1000 * index_cpu_s / count, 2),
        "scans_per_s": round(count / scan_s, 1),
        "scan_cpu_ms": round(1000 * scan_cpu_s / count, 2),
        "compared": round(rounds[0].compared / count, 2),
        "total_s": round(index_s + scan_s, 2),
        "found": len(found & truth.keys()),
        "planted": len(truth),
        "others": len(found - truth.keys()),
    }


def grown(photos: Sequence[Path], sizes: Sequence[int], work: Path) -> dict[str, float]:
    """Scans of growing collections: time a document against the one before, and recall that is lost."""
    figures: dict[str, float] = {}
    before: Mapping[str, float] = {}
    for size in sizes:
        parts = photos[:size] if size <= len(photos) else tiles(photos, size, work / f"tiles{size}")
        here = whole(parts, work / f"grown{size}")
        recall = here["found"] / here["planted"]
        rate, compared = here["scans_per_s"], here["compared"]
        print(f"{size:>9,}: {rate:,.0f} scans/s, {compared} compared, recall {recall:.4f}")
        if before:
            figures[f"growth_{size}"] = round(before["scans_per_s"] / here["scans_per_s"], 2)
            figures[f"recall_loss_{size}"] = round(before["found"] / before["planted"] - recall, 4)
        before = here
    return figures


def index(pictures: Path, data: Path) -> None:
    """Index a folder with the server's own command, in processes of their own."""
    command = [sys.executable, "-m", "include.flow_server", "sync", str(pictures), "--data", str(data)]
    subprocess.run([*command, "--collection", COLLECTION], check=True, stderr=subprocess.DEVNULL)  # noqa: S603


def scanned(data: Path, runs: Path) -> Scanned:
    """Scan once with a fresh server."""
    with _server(data) as (process, base):
        before = _cpu_s(process)
        began = time.perf_counter()
        found = uvloop.run(_pairs(FlowAddress.parse(base, COLLECTION), RunDir(str(runs), COLLECTION, "run")))
        seconds = time.perf_counter() - began
        return Scanned(seconds, _cpu_s(process) - before, found, _compared(base))


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


def _cpu_s(process: psutil.Process) -> float:
    """CPU seconds of a process and those that it has started."""
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _compared(base: str) -> float:
    lines = requests.get(f"{base}/metrics", timeout=30).text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("flow_compared_total{"))


if __name__ == "__main__":
    main()
