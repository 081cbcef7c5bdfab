"""Measures the client's side of a scan beside the seed's client: what it costs to ask, and memory.

    python -m include.tools.bench_scan [--seconds 20]

The seed's client is that of Flow's documentation: `requests.get` without a session, four threads, and a
second request for each document with hits. It and ours ask the same server, which takes no time and has no
pictures: these are no rates of scans, which `bench_real` measures. Memory is that of processes of their own
that scan collections of different size. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import requests
import uvloop

from include.dedupe.connect import open_flow
from include.dedupe.planning.plan import plan
from include.dedupe.planning.scope import Scope
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.join import Joiner
from include.dedupe.scanning.outage import Outage
from include.dedupe.scanning.scan import scan
from include.dedupe.settings.config import CollectionConfig
from include.flow_client import FlowAddress, FlowClient
from include.safe_text import run_until_unread

MEMORY_SIZES = (20_000, 200_000)
THREADS, IN_FLIGHT = 4, 16
ROUNDS = 3
"""The clients take turns, and the best of each counts: a busy machine slows none of them alone."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="of all clients together")
    given = parser.parse_args()
    with _instant_server() as base:
        address, each_s = FlowAddress.parse(base, "n1000000"), given.seconds / (3 * ROUNDS)
        rounds = [
            (_seed(base, each_s), uvloop.run(_per_id(base, each_s)), uvloop.run(_pages(address, each_s)))
            for _ in range(ROUNDS)
        ]
        seed, per_id, pages = (max(rates) for rates in zip(*rounds, strict=True))
        print(f"documents asked for a second: seed {seed:,.0f}, per id {per_id:,.0f}, by pages {pages:,.0f}")
        peaks = [_peak_mb(base, size) for size in MEMORY_SIZES]
        told = ", ".join(
            f"{size:,} documents {peak:.0f} MB" for size, peak in zip(MEMORY_SIZES, peaks, strict=True)
        )
        print(f"memory of a scan task: {told}")
    ratios = {"per_id_vs_seed": round(per_id / seed, 1), "pages_vs_seed": round(pages / seed, 1)}
    print(json.dumps({**ratios, "peak_mb": round(max(peaks), 1)}))


@contextmanager
def _instant_server() -> Iterator[str]:
    command = [sys.executable, "-m", "include.tools.instant_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            port = process.stdout.readline() if process.stdout else ""
            yield f"http://127.0.0.1:{int(port)}"
        finally:
            process.terminate()


def _seed(base: str, seconds: float) -> float:
    """Documents a second of the client that Flow's documentation shows."""
    url, end = f"{base}/api/cores/n5000", time.perf_counter() + seconds

    def detect(name: str) -> None:
        query = f"rank.by.id={name}&fq=-id:{name}&fl=id,score,image&rows=50&rank.threshold=0.7"
        answer = requests.get(
            f"{url}/duplicate?{query}&rank.approximate=False&rank.smartfilter=off", timeout=30
        )
        if [hit for hit in answer.json()["response"]["docs"] if hit["score"] >= 0.7]:
            requests.get(f"{url}/select?q=id:{name}&fl=image", timeout=30).json()

    def work(first: int) -> int:
        number = first
        while time.perf_counter() < end:
            detect(f"d{number}")
            number += THREADS
        return (number - first) // THREADS

    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(work, range(THREADS))) / (time.perf_counter() - began)


async def _per_id(base: str, seconds: float) -> float:
    """Documents a second of our client, document by document."""
    done, end = 0, time.perf_counter() + seconds

    async def work(client: FlowClient) -> None:
        nonlocal done
        while time.perf_counter() < end:
            done += 1
            await client.all_duplicates_of(f"d{done}", fl=("id", "score", "image"), threshold=0.7)

    async with FlowClient(FlowAddress.parse(base, "n5000"), connections=IN_FLIGHT) as client:
        began = time.perf_counter()
        await asyncio.gather(*(work(client) for _ in range(IN_FLIGHT)))
        return done / (time.perf_counter() - began)


async def _pages(address: FlowAddress, seconds: float) -> float:
    """Documents a second of our scan by pages; the pages that only find the right size do not count."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_flow(address, IN_FLIGHT) as flow:
            config = _config(address)
            made = await plan(flow, RunDir(folder, "bench", "pages"), Attempt(), config, Scope())
            joiner = Joiner(flow, made, Outage(flow, 0), lambda _, __: None)
            rates: list[float] = []
            began, done = time.perf_counter(), 0
            async for page in joiner.pages((), None):
                done += len(page.found.listed)
                if len(rates) < 3:
                    rates.append(0.0)
                    began, done = time.perf_counter(), 0
                elif time.perf_counter() - began > seconds:
                    break
            return done / (time.perf_counter() - began)


def _config(address: FlowAddress) -> CollectionConfig:
    flow = {"connection": "flow_bench", "collection": address.collection}
    return CollectionConfig.model_validate({"flow": flow})


def _peak_mb(base: str, size: int) -> float:
    """The most memory that the scan of a partition of ``size`` documents takes, in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_scan_whole, (base, size))


def _scan_whole(base: str, size: int) -> float:
    async def run() -> None:
        address = FlowAddress.parse(base, f"n{size}")
        with tempfile.TemporaryDirectory() as folder:
            at = RunDir(folder, "bench", "memory")
            async with open_flow(address, IN_FLIGHT) as flow:
                await plan(flow, at, Attempt(), _config(address), Scope())
                stats = await scan(flow, at, Attempt(), "p00")
                assert stats.scanned == size, stats  # noqa: S101

    uvloop.run(run())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    run_until_unread(main)
