"""Measures the embedded server: analysis, duplicate search, pages of /select, memory; by collection size.

    python -m include.tools.bench_server --sizes 1500 10000 100000 1000000 --write

Collections are synthetic: random hashes and embeddings (no duplicates but the planted ones) over a thousand
real thumbnails. The server runs as a process of its own and is asked over HTTP, as a client would. The last
line is one JSON object with all figures; `--write` puts them into the server's README.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from include.detector.imaging import Descriptor, analyze
from include.detector.imaging.embedding import DIMENSIONS, LEVELS
from include.flow_server.analysis import new_pool
from include.flow_server.store.protocol import Add
from include.flow_server.store.sqlite import SqliteStore
from include.safe_text import run_until_unread
from include.tools.server_figures import CLIENTS, Measured, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PHOTOS = Path(__file__).parents[1] / "demo" / "photos"
_BATCH = 5000
_THUMBNAILS = 1000
_DUPLICATE_EVERY = 50
SCAN_PAGE = 100  # documents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_500, 10_000, 100_000])
    parser.add_argument("--photos", type=Path, default=PHOTOS, help="photographs, for the speed of analysis")
    parser.add_argument("--requests", type=int, default=200, help="requests for each figure")
    parser.add_argument("--write", action="store_true", help="put the figures into the server's README")
    given = parser.parse_args()
    measured = Measured(_analysis(given.photos), {})
    _report("analysis", measured.analysis)
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as directory:
            data = Path(directory)
            built = _build(data / "bench" / "documents.sqlite", size)
            measured.sizes[size] = built | _served(data, size, given.requests)
        _report(f"{size:,} documents", measured.sizes[size])
    if given.write:
        write(measured)
    print(measured.json())


def _analysis(photos: Path) -> dict[str, Any]:
    pictures = [path.read_bytes() for path in sorted(photos.iterdir()) if path.suffix in (".jpg", ".png")]
    workers = os.cpu_count() or 1
    with new_pool(workers) as pool:
        list(pool.map(analyze, pictures[: workers * 2]))
        began = time.perf_counter()
        list(pool.map(analyze, pictures * 4, chunksize=4))
    seconds = time.perf_counter() - began
    sides = [max(Image.open(io.BytesIO(data)).size) for data in pictures]
    return {"pictures_per_s": len(pictures) * 4 / seconds, "processes": workers, "median_side": median(sides)}


def _descriptors(size: int) -> Iterator[Descriptor]:
    """Random pictures; each fiftieth is a twin of the one before it."""
    random = np.random.default_rng(size)
    with new_pool(os.cpu_count() or 1) as pool:
        blobs = [_blob(random) for _ in range(min(size, _THUMBNAILS))]
        templates = list(pool.map(analyze, blobs, chunksize=20))
    last = templates[0]
    for number in range(size):
        if number % _DUPLICATE_EVERY:
            hashed = random.bytes(len(last.pdq))
            last = replace(
                templates[number % len(templates)],
                pdq=hashed,
                pdq_content=hashed,
                embedding=_random_embedding(random, len(last.embedding)),
            )
        yield replace(last, content_hash=f"{number:064x}")


def _random_embedding(random: np.random.Generator, size: int) -> bytes:
    vectors = random.standard_normal((size // DIMENSIONS, DIMENSIONS))
    vectors *= LEVELS / np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.round().clip(-127, 127).astype(np.int8).tobytes()


def _blob(random: np.random.Generator) -> bytes:
    small = random.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    large = cv2.resize(small, (320, 240), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".png", large)[1].tobytes()


def _build(path: Path, size: int) -> dict[str, Any]:
    store = SqliteStore(path)
    batch: list[Add] = []
    descriptors = _descriptors(size)
    first = next(descriptors)
    began = time.perf_counter()
    for number, descriptor in enumerate(tqdm(chain([first], descriptors), total=size, leave=False)):
        fields = {
            "filename_s": f"picture-{number}.jpg",
            "category_s": f"category-{number % 100}",
            "date_dt": f"20{number % 20 + 10}-{number % 12 + 1:02d}-{number % 28 + 1:02d}T00:00:00Z",
            "bytes_l": number * 17 % 5_000_000,
        }
        batch.append(Add(f"folder-{number % 1000}/picture-{number}.jpg", fields, descriptor.to_bytes()))
        if len(batch) == _BATCH:
            store.update(batch)
            store.commit()
            batch = []
    store.update(batch)
    store.commit()
    store.close()
    seconds = time.perf_counter() - began
    return {"built_per_s": size / seconds, "disk_mb": path.stat().st_size / 1e6}


def _served(data: Path, size: int, requests: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "include.flow_server", "--data", str(data), "--collection", "bench"]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            ready = process.stdout.readline() if process.stdout else ""
            port = int(ready.partition("127.0.0.1:")[2].partition("/")[0])
            figures = {"start_s": time.perf_counter() - began}
            return figures | _figures(port, size, requests) | {"memory_mb": _memory(process.pid)}
        finally:
            process.terminate()


def _figures(port: int, size: int, requests: int) -> dict[str, Any]:
    ask = _client(port)
    ids = [f"folder-{n % 1000}/picture-{n}.jpg" for n in range(0, size, max(1, size // requests))][:requests]
    figures: dict[str, Any] = {}
    modes = {"exact": {}, "approximate": {"rank.approximate": "true", "rank.smartfilter": "medium"}}
    for name, mode in modes.items():
        search = [{"rank.by.id": one, "fl": "id,score", "rows": 50, **mode} for one in ids]
        ask("duplicate", search[0])
        figures[f"{name}_ms"] = median(_times(ask, search)) * 1000
        figures[f"{name}_clients_per_s"] = _at_once(port, search)
    began = time.perf_counter()
    joined = ask("duplicates", {"rows": 200, "rank.approximate": "true", "rank.smartfilter": "medium"})
    figures["join_per_s"] = len(joined["response"]["docs"]) / (time.perf_counter() - began)
    return figures | _beside_a_scan(port, ids) | _pages(ask)


def _beside_a_scan(port: int, ids: list[str]) -> dict[str, Any]:
    """How long searches wait while another client scans: half of them, and the slowest; and a page of it."""
    pages: list[float] = []
    over = threading.Event()

    def scan() -> None:
        ask, mark = _client(port), "*"
        while not (pages and over.is_set()):
            began = time.perf_counter()
            following = ask("duplicates", {"rows": SCAN_PAGE, "cursorMark": mark})["nextCursorMark"]
            pages.append(time.perf_counter() - began)
            mark = "*" if following == mark else following

    with ThreadPoolExecutor(1) as pool:
        scanning = pool.submit(scan)
        times = _times(_client(port), [{"rank.by.id": one, "fl": "id,score", "rows": 50} for one in ids])
        over.set()
        scanning.result()
    return {
        "beside_scan_ms": median(times) * 1000,
        "beside_scan_most_ms": max(times) * 1000,
        "scan_page_ms": median(pages) * 1000,
    }


def _at_once(port: int, searches: list[dict[str, Any]]) -> float:
    """Requests a second of several clients, each with a connection of its own."""

    def run(share: list[dict[str, Any]]) -> None:
        ask = _client(port)
        for parameters in share:
            ask("duplicate", parameters)

    began = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(run, [searches[place::CLIENTS] for place in range(CLIENTS)]))
    return len(searches) / (time.perf_counter() - began)


def _pages(ask: Callable[[str, dict[str, Any]], Any]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for name, scope in {
        "": {},
        "filtered_": {"fq": "category_s:category-7"},
        "by_date_": {"sort": "date_dt asc,id asc"},
    }.items():
        page = {"rows": 1000, "fl": "id", "sort": "id asc", "cursorMark": "*", **scope}
        times = []
        while True:
            began = time.perf_counter()
            answer = ask("select", page)
            times.append((time.perf_counter() - began) * 1000)
            if answer["nextCursorMark"] == page["cursorMark"] or len(times) > 3000:
                break
            page["cursorMark"] = answer["nextCursorMark"]
        tenth = max(1, len(times) // 10)
        figures[f"{name}page_first_ms"] = times[0]
        figures[f"{name}page_early_ms"] = median(times[1 : tenth + 1] or times)
        figures[f"{name}page_late_ms"] = median(times[-tenth - 1 : -1] or times)
    began = time.perf_counter()
    ask("select", {"rows": 0, "facet": "true", "facet.field": "category_s"})
    figures["facet_ms"] = (time.perf_counter() - began) * 1000
    began = time.perf_counter()
    ask(
        "select",
        {
            "rows": 0,
            "fq": "date_dt:[2015-01-01T00:00:00Z TO 2016-01-01T00:00:00Z}",
            "q": "category_s:category-1*",
        },
    )
    figures["range_and_wildcard_ms"] = (time.perf_counter() - began) * 1000
    return figures


def _client(port: int) -> Callable[[str, dict[str, Any]], Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(handler: str, parameters: dict[str, Any]) -> Any:
        connection.request("GET", f"/solr/bench/{handler}?{urlencode(parameters, quote_via=quote)}")
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(body.decode())
        return json.loads(body)

    return ask


def _times(ask: Callable[[str, dict[str, Any]], Any], searches: list[dict[str, Any]]) -> list[float]:
    """Seconds that each search takes, one after another."""
    times = []
    for parameters in searches:
        began = time.perf_counter()
        ask("duplicate", parameters)
        times.append(time.perf_counter() - began)
    return times


def _memory(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    return 0.0


def _report(name: str, figures: dict[str, Any]) -> None:
    print(name)
    for figure, value in figures.items():
        print(f"  {figure:28} {value:12,.1f}", flush=True)


if __name__ == "__main__":
    run_until_unread(main)
