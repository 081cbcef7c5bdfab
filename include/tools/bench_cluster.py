"""Measures merge, cluster and decide at scale, beside networkx on the same edges in the same run.

    python -m include.tools.bench_cluster [--pairs 100000000 [--decide]]

With ``--pairs`` it measures merge and cluster alone, from the files of 64 partitions to clusters, each in a
process of its own, and compares nothing; with ``--decide`` deciding, too, from the run's tables to decisions,
their hash and their file.

The edges are those of a collection in which each duplicate was found from both sides: clusters of two to
eight documents, most of them small. Each measurement runs in a process of its own, so that its peak of memory
is its own. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa

from include.dedupe.ahead import made_ahead, read_ahead
from include.dedupe.clustering.cluster import to_clusters
from include.dedupe.clustering.coding import CodedPairs, to_pairs
from include.dedupe.clustering.components import find_clusters
from include.dedupe.clustering.earlier import Earlier
from include.dedupe.clustering.known_rows import Gathering
from include.dedupe.clustering.known_state import State
from include.dedupe.clustering.spilling import join_on_disk, number_pairs
from include.dedupe.deciding.decide import decide_again
from include.dedupe.deciding.documents import decide_documents
from include.dedupe.parquet import rows_of_parquet, tables_to_parquet, to_parquet
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.tables import CLUSTERS, EDGES, FACTS, KNOWN_PAIRS, PAIRS
from include.dedupe.verdicts import Standing
from include.safe_text import run_until_unread
from include.tools.large_edges import write_edges
from include.tools.large_run import large_run, write_run

EXACT = 0.95
PARTITIONS = 64
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SETTINGS = {
    "flow": {"connection": "flow_bench", "collection": "bench"},
    "fields": {"pixels": "pixels_i"},
    "keeper": {"rules": [{"rule": "highest", "field": "pixels"}, {"rule": "most_complete"}]},
    "policies": {"exact": {"do": "delete"}, "near": {"do": "tag"}},
}


def make_edges(count: int, seed: int = 7) -> pd.DataFrame:
    """Return about ``count`` directed edges (columns of EDGES), as scans of partitions write them."""
    rng = np.random.default_rng(seed)
    sizes = rng.choice([2, 3, 4, 5, 8], p=[0.5, 0.25, 0.12, 0.08, 0.05], size=count // 4)
    sizes = sizes[np.cumsum(sizes * (sizes - 1)) <= count]
    starts = np.r_[0, np.cumsum(sizes)[:-1]]
    sides: list[tuple[np.ndarray, np.ndarray]] = []
    for size in np.unique(sizes):
        base = starts[sizes == size][:, None]
        one, other = np.nonzero(~np.eye(size, dtype=bool))
        sides.append(((base + one).ravel(), (base + other).ravel()))
    query = np.concatenate([side[0] for side in sides])
    match = np.concatenate([side[1] for side in sides])
    partition = rng.integers(0, PARTITIONS, size=int(sizes.sum()))
    order = np.lexsort((match, query, partition[query]))
    names = pd.Series([f"image-{number:08}" for number in range(int(sizes.sum()))])
    scores = rng.choice([0.8, 0.94, 0.97, 1.0], size=len(query))
    columns = (names.to_numpy()[query[order]], names.to_numpy()[match[order]], scores)
    return pd.DataFrame(dict(zip(EDGES.names, columns, strict=True)))


def merge_and_cluster(edges: pd.DataFrame) -> int:
    found = to_clusters(to_pairs(edges), EXACT)
    return int(found.members["cluster_id"].nunique())


def networkx_clusters(edges: pd.DataFrame) -> int:
    """Make with networkx what ``merge_and_cluster`` makes: best scores, members, weakest pairs, bridges."""
    graph: nx.Graph[str] = nx.Graph()
    for query, match, score in edges.itertuples(index=False, name=None):
        known = graph.get_edge_data(query, match)
        if known is None or known["weight"] < score:
            graph.add_edge(query, match, weight=score)
    bridges = {frozenset(pair) for pair in nx.bridges(graph)}
    rows = []
    for name, members in enumerate(nx.connected_components(graph)):
        pairs: list[tuple[str, str, float]] = list(graph.edges(members, data="weight"))
        scores = [score for _, _, score in pairs]
        chained = len(pairs) < len(members) * (len(members) - 1) // 2
        cut = sum(frozenset((a, b)) in bridges for a, b, _ in pairs) if chained else 0
        rows += [(name, one, len(members), min(scores), max(scores), chained, cut) for one in sorted(members)]
    return len({row[0] for row in rows})


def decide(edges: pd.DataFrame) -> int:
    pairs = to_pairs(edges)
    clusters = to_clusters(pairs, EXACT).members
    rng = np.random.default_rng(3)
    pixels = rng.integers(1, 9, size=len(clusters))
    facts = pd.DataFrame(
        {
            "id": clusters["id"],
            "is_protected": False,
            "filled": rng.integers(1, 9, size=len(clusters)),
            "fields": [f'{{"pixels_i":{one}}}' for one in pixels],
            "fingerprint": "0" * 32,
        }
    )[FACTS.names]
    config = CollectionConfig.model_validate(SETTINGS)
    began = time.perf_counter()
    decide_documents(clusters, pairs, facts, config=config, standing=Standing(), now=NOW)
    return round((time.perf_counter() - began) * 1000)


def measure(work: Callable[[pd.DataFrame], int], edges: int) -> tuple[float, float, int]:
    """Return seconds, peak of memory in GB (the edges included) and the result of the work."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        found: tuple[float, float, int] = pool.apply(_measured, (work, edges))
    return found


def _measured(work: Callable[[pd.DataFrame], int], count: int) -> tuple[float, float, int]:
    edges = make_edges(count)
    began = time.perf_counter()
    result = work(edges)
    seconds = time.perf_counter() - began
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, result


def merge_parts(files: list[Path], out: Path) -> int:
    """Make the pairs of the edges in files, keep them for later runs, and write those that hold in parts.

    As the merge of a run does, but that Flow is not asked how the documents are: they are as they were.
    """
    out.mkdir()
    edges = (rows_of_parquet(file.read_bytes(), EDGES, file.name) for file in files)
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "edges").mkdir()
        gathering = Gathering(Path(name) / "ids")
        found = list(join_on_disk(edges, Path(name) / "edges"))
        prints = 1 + np.arange(len(found[0].ids), dtype=np.uint64)
        gathering.add_found(found, prints, EXACT)
        del found
        rows = gathering.finish()
        kept = tables_to_parquet((part.to_table("bench") for part in rows.united()), KNOWN_PAIRS)
        out.with_name("known").write_bytes(kept)
        del kept
        all_of_them = np.ones(len(prints), bool)
        state = State(prints, all_of_them, all_of_them, all_of_them, [])
        holds = np.concatenate([state.holds(part) & state.counts(part) for part in rows.spans()])
        _write_all((part.pairs.to_table() for part in rows.united(holds)), PAIRS, out)
    return int(np.count_nonzero(holds))


def cluster_parts(pairs: Path, out: Path) -> int:
    """Make the clusters of the pairs in files, as the cluster stage of a run does, and write them."""
    out.mkdir()
    files = sorted(pairs.iterdir())
    parts = (rows_of_parquet(file.read_bytes(), PAIRS, file.name) for file in files)
    with tempfile.TemporaryDirectory() as folder:
        coded, _ = number_pairs(made_ahead(CodedPairs.of_pairs, read_ahead(parts)), Path(folder))
        found = find_clusters(coded, EXACT, Earlier.of(None, coded.ids))
        _write_all(found.pieces(), CLUSTERS, out)
    return len(found.naming.names)


def _write_all(pieces: Iterable[pa.Table], schema: pa.Schema, folder: Path) -> None:
    """Write pieces as a stage of a run does."""
    for number, data in enumerate(made_ahead(lambda rows: to_parquet(rows, schema), pieces)):
        (folder / f"{number:05}").write_bytes(data)


def decide_large(storage: Path) -> int:
    """Decide in the run that lies there, and return how many documents are decided of."""
    return sum(decide_again(large_run(storage)).counts.values())


def measure_large(pairs: int, *, is_decided: bool = False) -> dict[str, Any]:
    """Print and return seconds and the peak of memory (GB) of each stage; of deciding if asked to."""
    found: dict[str, Any] = {"pairs": pairs}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = _alone(write_edges, folder, pairs).result
        merged, clustered = folder / "merge", folder / "cluster"
        found |= _told("merge", merge_parts, files, merged)
        found |= _told("cluster", cluster_parts, merged, clustered)
        if is_decided:
            _alone(write_run, folder / "run", merged, clustered)
            found |= _told("decide", decide_large, folder / "run")
    return found


def _told(step: str, work: Callable[..., int], *arguments: Any) -> dict[str, Any]:
    took = _alone(work, *arguments)
    times = f"{took.seconds:.0f} s, {took.cpu_seconds:.0f} CPU s"
    print(f"{step:8} {times}, {took.peak_gb:.2f} GB, {took.result:,}", flush=True)
    return {
        f"{step}_seconds": round(took.seconds, 1),
        f"{step}_cpu_seconds": round(took.cpu_seconds, 1),
        f"{step}_peak_gb": round(took.peak_gb, 2),
    }


@dataclass(frozen=True, slots=True)
class _Took:
    """What work that a process did alone took, and what it returned."""

    seconds: float
    cpu_seconds: float
    peak_gb: float
    result: Any


def _alone(work: Callable[..., Any], *arguments: Any) -> _Took:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_timed, (work, *arguments))


def _timed(work: Callable[..., Any], *arguments: Any) -> _Took:
    began, cpu_began = time.perf_counter(), time.process_time()
    result = work(*arguments)
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return _Took(time.perf_counter() - began, time.process_time() - cpu_began, peak_gb, result)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, help="measure so many pairs, and nothing else")
    parser.add_argument("--decide", action="store_true", help="with --pairs: decide, too")
    asked = parser.parse_args()
    if asked.pairs:
        print(json.dumps(measure_large(asked.pairs, is_decided=asked.decide)))
        return
    result: dict[str, Any] = {}
    seconds, peak, clusters = measure(merge_and_cluster, 10_000_000)
    result |= {"seconds_10m": round(seconds, 2), "peak_gb_10m": round(peak, 2)}
    print(f"merge and cluster, 10 M edges: {seconds:.2f} s, {peak:.2f} GB, {clusters:,} clusters")
    ours, peak, clusters = measure(merge_and_cluster, 1_000_000)
    print(f"merge and cluster,  1 M edges: {ours:.2f} s, {peak:.2f} GB, {clusters:,} clusters")
    theirs, peak, same = measure(networkx_clusters, 1_000_000)
    print(f"networkx,           1 M edges: {theirs:.2f} s, {peak:.2f} GB, {same:,} clusters")
    if same != clusters:
        raise SystemExit(f"networkx finds {same} clusters, we find {clusters}")
    result["vs_networkx_1m"] = round(theirs / ours, 1)
    _, peak, milliseconds = measure(decide, 8_000_000)
    result["decide_seconds_1m"] = milliseconds / 1000
    print(f"decide, about 1 M clusters:    {milliseconds / 1000:.2f} s, {peak:.2f} GB")
    print(json.dumps(result))


if __name__ == "__main__":
    run_until_unread(main)
