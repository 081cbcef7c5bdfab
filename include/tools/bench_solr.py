"""Measures SolrCloud as the store: indexing, searches and scans of gateways, and raw Solr beside them.

    python -m include.tools.bench_solr --solr-url http://host:8983/solr --sizes 1000 10000 --pictures DIR

Each size gets a collection of its own, `bench_<size>`, of pictures with planted copies; it must not be there,
and stays. With `--analysed N` what is more than N pictures is mixed of these (see `mixed_descriptors`). Raw
Solr is asked the very questions for candidates that a gateway asks, by as many clients, in turns with the
gateways; shares are of what it does in the same turn, and by CPU time of what it needs. The last line is one
JSON object with all figures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from include.detector.comparing.orientation import orientations
from include.flow_server.index import SearchOptions
from include.flow_server.index.sieve import BESIDE, EFFORTS
from include.flow_server.store.protocol import Add
from include.flow_server.store.solr.client import SolrClient
from include.flow_server.store.solr.cores import SolrCollection
from include.flow_server.store.solr.question import SolrScope, question
from include.flow_server.store.solr.setup import add_solr, init_solr, solr_login
from include.flow_server.store.solr.store import SolrStore
from include.safe_text import run_until_unread
from include.tools.bench_server import PHOTOS
from include.tools.gateway_process import Gateway, gateway
from include.tools.planted import photographs
from include.tools.planted_descriptors import Described, described

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CLIENTS = 4
WARMING, ROUNDS = 2, 5  # a Solr that has just started takes twice as long for what it compiles meanwhile
SECONDS = 600.0
MODES = {"exact": SearchOptions(), "approximate": SearchOptions(approximate=True)}
_BATCH = 100
_LIMIT = EFFORTS[SearchOptions().smartfilter].failures + BESIDE
_ROWS = _LIMIT + 16


class Timed(NamedTuple):
    """Searches a second of several clients, and what one takes of Solr and gateways."""

    per_s: float
    cpu_ms: float


@dataclass(frozen=True, slots=True)
class Bench:
    """A collection of one size: the client of its SolrCloud, its name, its documents, what is asked."""

    client: SolrClient
    name: str
    documents: Described
    asked: Sequence[str]
    scanned: int

    def figures(self, gateways: Sequence[Gateway]) -> dict[str, float]:
        """Rates of searches with their shares of what raw Solr does, recall, and times of a scan."""
        found: dict[str, float] = {}
        for mode, options in MODES.items():
            found |= self._rates(mode, options, gateways)
        exact, approximate = (self._pairs(gateways[0], options) for options in MODES.values())
        found["recall"] = len(exact & approximate) / max(1, len(exact))
        for mode, options in MODES.items():
            rate = gateways[0].scan_rate(self.scanned, approximate=options.approximate)
            found[f"{mode}_scan_s"] = len(self.documents.pictures) / rate
        return found

    def index(self) -> float:
        """Documents a second, in batches, with a commit at the end."""
        store = SolrStore(self.client, self.name)
        pictures = list(self.documents.pictures.items())
        began = time.perf_counter()
        for start in range(0, len(pictures), _BATCH):
            batch = enumerate(pictures[start : start + _BATCH], start)
            adds = [Add(name, {"n_i": number}, one.to_bytes()) for number, (name, one) in batch]
            store.update(adds, versions=False)
        store.commit()
        return len(pictures) / (time.perf_counter() - began)

    def bytes_each(self) -> float:
        """What a document takes on the disk of one replica."""
        size, count = "INDEX.sizeInBytes", "SEARCHER.searcher.numDocs"
        asked = {"group": "core", "prefix": f"{size},{count}"}
        cores = self.client.ask("/admin/metrics", asked)["metrics"]
        own = [core for name, core in cores.items() if f".{self.name}." in name]
        return sum(float(one[size]) for one in own) / max(1.0, sum(float(one[count]) for one in own))

    def _rates(self, mode: str, options: SearchOptions, gateways: Sequence[Gateway]) -> dict[str, float]:
        solr = SolrCollection(self.client, self.name)
        scope, shown = SolrScope(solr, (), None), orientations(mirror=True, turn=True)
        ask = partial(question, limit=_LIMIT, scope=scope, shown=shown, approximate=options.approximate)
        questions = [ask(self.documents.pictures[name]) for name in self.asked]
        askers: dict[str, tuple[Callable[[Any], object], Sequence[Any]]] = {
            "raw": (lambda one: solr.select(rows=_ROWS, **one), questions)
        }
        for count in range(1, len(gateways) + 1):
            hits = partial(_in_turns, gateways[:count], approximate=options.approximate)
            askers[f"{count}_gateways"] = (hits, list(enumerate(self.asked)))
        rounds = [
            {name: _timed(*asker, lambda: self._cpu_s(gateways)) for name, asker in askers.items()}
            for _ in range(WARMING + ROUNDS)
        ][WARMING:]
        found: dict[str, float] = {}
        for name in askers:
            found[f"{mode}_{name}_per_s"] = median(one[name].per_s for one in rounds)
            found[f"{mode}_{name}_cpu_ms"] = median(one[name].cpu_ms for one in rounds)
            if name != "raw":
                found[f"{mode}_{name}_share"] = median(one[name].per_s / one["raw"].per_s for one in rounds)
                shares = (one["raw"].cpu_ms / one[name].cpu_ms for one in rounds)
                found[f"{mode}_{name}_cpu_share"] = median(shares)
        return found

    def _cpu_s(self, gateways: Sequence[Gateway]) -> float:
        """CPU seconds so far of the first node of Solr and of the gateways."""
        kind = {"group": "jvm", "prefix": "os.processCpuTime"}
        solr = self.client.ask("/admin/metrics", kind)["metrics"]["solr.jvm"]["os.processCpuTime"]
        return float(solr) / 1e9 + sum(one.cpu_s() for one in gateways)

    def _pairs(self, one: Gateway, options: SearchOptions) -> set[tuple[str, str]]:
        """What is found of planted pictures, themselves left out."""
        asked = self.documents.planted[: len(self.asked)]
        with ThreadPoolExecutor(CLIENTS) as clients:
            found = clients.map(partial(one.hits, approximate=options.approximate), asked)
            return {(name, hit) for name, hits in zip(asked, found, strict=True) for hit in hits - {name}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_solr(parser, required=True)
    parser.add_argument("--pictures", type=Path, help="folder of photographs (default: tiles of the demo's)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--analysed", type=int, help="most pictures that are analysed (default: all)")
    parser.add_argument("--requests", type=int, default=100, help="searches for each figure")
    parser.add_argument("--scan", type=int, default=500, help="documents that are scanned to time a scan")
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--replicas", type=int, default=1)
    given = parser.parse_args()
    photos = photographs(given.pictures or PHOTOS)
    if not photos:
        parser.error(f"there is no picture in {given.pictures}")
    client = SolrClient(given.solr_url, solr_login(), patience=SECONDS)
    figures: dict[int, dict[str, float]] = {}
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as work:
            documents = described(photos, min(size, given.analysed or size), Path(work))
        if given.analysed:
            documents.fill(size)
        figures[size] = _measured(client, documents, size, given)
        for title, value in figures[size].items():
            print(f"{size:>9,} {title:<32} {value:12.3f}", flush=True)
    print(json.dumps({"solr": figures}))


def _measured(
    client: SolrClient, documents: Described, size: int, given: argparse.Namespace
) -> dict[str, float]:
    name = f"bench_{size}"
    if not init_solr(client, name, given.shards, given.replicas):
        raise SystemExit(f"the collection {name} is there already: delete it, or choose other --sizes")
    names = list(documents.pictures)
    asked = names[:: max(1, len(names) // given.requests)][: given.requests]
    bench = Bench(client, name, documents, asked, min(given.scan, len(names)))
    figures = {"documents": float(len(names)), "indexed_per_s": bench.index()}
    with ExitStack() as running:
        gateways = [running.enter_context(gateway(given.solr_url, name)) for _ in range(2)]
        return figures | {"bytes_each": bench.bytes_each()} | bench.figures(gateways)


def _in_turns(gateways: Sequence[Gateway], numbered: tuple[int, str], *, approximate: bool) -> set[str]:
    number, name = numbered
    return gateways[number % len(gateways)].hits(name, approximate=approximate)


def _timed(ask: Callable[[Any], object], questions: Sequence[Any], cpu_s: Callable[[], float]) -> Timed:
    """After a few that warm up."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(ask, questions[: 2 * CLIENTS]))
        before, began = cpu_s(), time.perf_counter()
        list(clients.map(ask, questions))
        seconds = time.perf_counter() - began
    return Timed(len(questions) / seconds, (cpu_s() - before) / len(questions) * 1000)


if __name__ == "__main__":
    run_until_unread(main)
