"""Cluster: the connected components of the pairs.

Components chain: when A resembles B and B resembles C, all three share a cluster although A and C may have
little in common. Therefore a cluster carries the score of its weakest pair.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from include.dedupe.merge import encode
from include.dedupe.plan import read_plan
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.tables import CLUSTERS, PAIRS


@dataclass(frozen=True, slots=True)
class ClusterStats:
    clusters: int
    documents: int
    exact_pairs: int
    near_pairs: int
    largest: int


def cluster(run: RunDir, attempt: Attempt) -> ClusterStats:
    """Write the clusters of the run's pairs, sorted by cluster id and document id."""
    stage = run.stage("clusters", attempt)
    if finished := stage.finished():
        return ClusterStats(**finished.result)
    exact_threshold = read_plan(run).config.scan.exact_threshold
    pairs = run.read_table("pairs", "pairs", PAIRS)
    clusters = to_clusters(pairs, exact_threshold)
    stage.write_table("clusters", clusters, CLUSTERS)
    exact_pairs = int((pairs["score"] >= exact_threshold).sum())
    stats = ClusterStats(
        clusters=clusters["cluster_id"].nunique(),
        documents=len(clusters),
        exact_pairs=exact_pairs,
        near_pairs=len(pairs) - exact_pairs,
        largest=int(clusters["size"].max()) if len(clusters) else 0,
    )
    stage.finish(asdict(stats))
    return stats


def to_clusters(pairs: pd.DataFrame, exact_threshold: float) -> pd.DataFrame:
    """Return one row for each member of each connected component of ``pairs`` (columns of PAIRS)."""
    ids, a, b = encode(pairs["id_a"], pairs["id_b"])
    graph = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(len(ids), len(ids)))
    count, component = connected_components(graph, directed=False)
    scores = pairs["score"].to_numpy(np.float64)
    of_pair = component[a]
    weakest, strongest = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(weakest, of_pair, scores)
    np.maximum.at(strongest, of_pair, scores)
    kind = np.where(
        weakest >= exact_threshold, "exact", np.where(strongest < exact_threshold, "near", "mixed")
    )
    names = _names(ids, component, count)
    frame = pd.DataFrame(
        {
            "cluster_id": names[component],
            "id": ids.to_pandas(),
            "size": np.bincount(component, minlength=count)[component],
            "duplicates": kind[component],
            "weakest_score": weakest[component],
            "strongest_score": strongest[component],
        }
    )
    return frame.sort_values(["cluster_id", "id"], ignore_index=True)


def _names(ids: pa.Array, component: np.ndarray, count: int) -> np.ndarray:
    """Name each component after its first document, so that the same members give the same name."""
    _, first = np.unique(component, return_index=True)
    digests = (hashlib.sha256(name.encode()).hexdigest() for name in ids.take(pa.array(first)).to_pylist())
    return np.fromiter((f"c-{digest[:12]}" for digest in digests), dtype=object, count=count)
