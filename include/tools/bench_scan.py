"""Measures the scan: our client beside the seed's, memory, and whole scans of the embedded server.

    python -m include.tools.bench_scan [--sizes 1565 10000 100000] [--seconds 20]

The seed's client is that of Flow's documentation: `requests.get` without a session, four threads, and a
second request for each document with hits. It and ours ask the same server, which takes no time. Memory is
that of processes of their own that scan collections of different size. The last line is one JSON object.
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
from dataclasses import replace
from pathlib import Path

import numpy as np
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
from include.detector.imaging import Descriptor, analyze
from include.flow_client import FlowAddress, FlowClient
from include.flow_server.store.protocol import Add
from include.flow_server.store.sqlite import SqliteStore

SIZES = (1_565, 10_000, 100_000)
MEMORY_SIZES = (20_000, 200_000)
THREADS, IN_FLIGHT = 4, 16
DUPLICATE_EVERY = 50
ROUNDS = 3
"""The clients take turns, and the best of each counts: a busy machine slows none of them alone."""
BATCH = 5_000
PHOTOS = Path(__file__).parents[1] / "demo" / "photos"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seconds", type=float, default=20.0, help="at most, for each figure")
    given = parser.parse_args()
    figures: dict[str, float] = {}
    with _server("include.tools.instant_server") as base:
        address, each_s = FlowAddress.parse(base, "n1000000"), given.seconds / 12
        rounds = [
            (_seed(base, each_s), uvloop.run(_per_id(base, each_s)), uvloop.run(_pages(address, each_s)))
            for _ in range(ROUNDS)
        ]
        seed, per_id, pages = (max(rates) for rates in zip(*rounds, strict=True))
        print(f"instant server: seed {seed:,.0f}, per id {per_id:,.0f}, by pages {pages:,.0f} scans/s")
        figures |= {"per_id_vs_seed": round(per_id / seed, 1), "pages_vs_seed": round(pages / seed, 1)}
        peaks = [_peak_mb(base, size) for size in MEMORY_SIZES]
        told = ", ".join(
            f"{size:,} documents {peak:.0f} MB" for size, peak in zip(MEMORY_SIZES, peaks, strict=True)
        )
        print(f"memory of a scan task: {told}")
    for size in given.sizes:
        rate, again = _embedded(size, given.seconds)
        told = f", {again:,.0f} the second time" if again else ""
        print(f"embedded server, {size:,} documents: {rate:,.0f} scans/s{told}")
        figures[f"scans_per_s_{size // 1000}k" if size % 1000 == 0 else f"scans_per_s_{size}"] = round(
            rate, 1
        )
    print(json.dumps({**figures, "peak_mb": round(max(peaks), 1)}))


@contextmanager
def _server(module: str, *arguments: str) -> Iterator[str]:
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            told = process.stdout.readline() if process.stdout else ""
            port = told.partition("127.0.0.1:")[2].partition("/")[0] or told
            yield f"http://127.0.0.1:{int(port)}"
        finally:
            process.terminate()


def _seed(base: str, seconds: float) -> float:
    """Scans a second of the client that Flow's documentation shows."""
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
    """Scans a second of our client, document by document."""
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


def _embedded(size: int, seconds: float) -> tuple[float, float | None]:
    """Scans a second of an embedded server that has just started, in the mode `balanced` means for the size.

    Beside it those of a second scan, where the first one was whole: the server remembers what it compared.
    """
    with tempfile.TemporaryDirectory() as folder:
        _fill(Path(folder) / "bench" / "documents.sqlite", size)
        with _server("include.flow_server", "--data", folder, "--collection", "bench") as base:
            return uvloop.run(_whole_or_part(FlowAddress.parse(base, "bench"), size, seconds))


async def _whole_or_part(address: FlowAddress, size: int, seconds: float) -> tuple[float, float | None]:
    """Scan the collection twice if it is small, else for some seconds."""
    if size > 5_000:
        return await _pages(address, seconds), None
    async with open_flow(address, IN_FLIGHT) as flow:
        rates = []
        for number in range(2):
            with tempfile.TemporaryDirectory() as folder:
                at = RunDir(folder, "bench", f"run{number}")
                await plan(flow, at, Attempt(), _config(address), Scope())
                began = time.perf_counter()
                stats = await scan(flow, at, Attempt(), "p00")
                rates.append(stats.scanned / (time.perf_counter() - began))
        return rates[0], rates[1]


def _fill(path: Path, size: int) -> None:
    """Write documents with random descriptors, every fiftieth the twin of the one before it."""
    store = SqliteStore(path)
    batch: list[Add] = []
    for number, descriptor in enumerate(_descriptors(size)):
        batch.append(Add(f"d{number:09}", {"image": f"http://images/{number}.jpg"}, descriptor.to_bytes()))
        if len(batch) == BATCH:
            store.update(batch)
            batch = []
    store.update(batch)
    store.commit()
    store.close()


def _descriptors(size: int) -> Iterator[Descriptor]:
    random = np.random.default_rng(size)
    photos = sorted(PHOTOS.glob("*.jpg"))[:20]
    templates = [analyze(photo.read_bytes()) for photo in photos]
    last = templates[0]
    for number in range(size):
        if number % DUPLICATE_EVERY != 1:
            hashed = random.bytes(len(last.pdq))
            embedding = random.normal(0, 8, len(last.embedding)).clip(-127, 127).astype(np.int8)
            template = templates[number % len(templates)]
            last = replace(template, pdq=hashed, pdq_content=hashed, embedding=embedding.tobytes())
        yield replace(last, content_hash=f"{number:064x}")


if __name__ == "__main__":
    main()
