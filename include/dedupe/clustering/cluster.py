"""Cluster: the connected components of the pairs that can be duplicates.

Components chain: when A resembles B and B resembles C, all three share a cluster although A and C may have
little in common. Therefore a cluster says how weak its weakest pair is, whether some members are no pair, and
which pairs hold it together alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from include.dedupe.clustering.bridges import find_bridges
from include.dedupe.clustering.coding import Codes, encode
from include.dedupe.clustering.facts import read_facts
from include.dedupe.clustering.names import NAMES_FOLDER, Naming, name_components
from include.dedupe.clustering.news import News, tell_news
from include.dedupe.clustering.pair_rules import allowed_pairs, said_apart
from include.dedupe.planning.plan import read_plan
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.tables import (
    ADDED,
    BRIDGES,
    CLUSTER_EVENTS,
    CLUSTERS,
    HUBS,
    NAMES,
    NEWS,
    PAIRS,
    PARTS,
    from_parquet,
    to_parquet,
)
from include.dedupe.verdicts import read_verdicts, standing_verdicts


@dataclass(frozen=True, slots=True)
class ClusterStats:
    clusters: int
    documents: int
    exact_pairs: int
    near_pairs: int
    largest: int
    merged: int
    split: int
    not_duplicates: int = 0
    """Pairs that were left out because a person said that they are none."""
    new_clusters: int = 0
    changed_clusters: int = 0
    known_clusters: int = 0
    new_documents: int = 0
    new_exact_pairs: int = 0
    new_near_pairs: int = 0
    """What of all this earlier runs had not found, as in ``News``."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """Columns as in ``tables``: CLUSTERS, BRIDGES and CLUSTER_EVENTS."""

    members: pd.DataFrame
    bridges: pd.DataFrame
    events: pd.DataFrame


def cluster(run: RunDir, attempt: Attempt) -> ClusterStats:
    """Write the clusters of the pairs that verdicts and settings let through, sorted by cluster and document.

    The names of the clusters are kept beside the runs for the next one.
    """
    stage = run.stage("clusters", attempt)
    if finished := stage.finished():
        return ClusterStats(**finished.result)
    plan = read_plan(run)
    exact_threshold = plan.config.scan.exact_threshold
    standing = standing_verdicts(read_verdicts(run.lasting))
    found_pairs = run.read_table("pairs", "pairs", PAIRS)
    pairs = allowed_pairs(found_pairs, read_facts(run, plan.config), plan.config, standing)
    own_names = f"{plan.created_at.replace(':', '-')}--{run.storage.root.rpartition('/')[2]}.parquet"
    before = _names_before(run, own_names)
    found = to_clusters(pairs, exact_threshold, before, hub_ids(run))
    stage.write_table("clusters", found.members, CLUSTERS)
    stage.write_table("pairs", pairs, PAIRS)
    stage.write_table("bridges", found.bridges, BRIDGES)
    stage.write_table("events", found.events, CLUSTER_EVENTS)
    stage.write_table("parts", parts_at(pairs, found.members, plan.config.cluster.thresholds), PARTS)
    news = tell_news(found.members, _names_before(run, own_names, others=True))
    stage.write_table("news", news, NEWS)
    stage.require_latest()
    run.lasting.write(f"{NAMES_FOLDER}/{own_names}", to_parquet(_names_after(found.members, before), NAMES))
    counted = News.of(news, pairs, run.read_table("pairs", "added", ADDED), exact_threshold)
    apart = int(said_apart(found_pairs, standing, exact_threshold).sum())
    stats = _count(found, pairs, exact_threshold, apart, counted)
    stage.finish(asdict(stats))
    return stats


def _count(
    found: Clusters, pairs: pd.DataFrame, exact_threshold: float, apart: int, news: News
) -> ClusterStats:
    exact_pairs = int((pairs["score"] >= exact_threshold).sum())
    return ClusterStats(
        clusters=found.members["cluster_id"].nunique(),
        documents=len(found.members),
        exact_pairs=exact_pairs,
        near_pairs=len(pairs) - exact_pairs,
        largest=int(found.members["size"].max()) if len(found.members) else 0,
        merged=int((found.events["event"] == "merge").sum()),
        split=int((found.events["event"] == "split").sum()),
        not_duplicates=apart,
        **asdict(news),
    )


def to_clusters(
    pairs: pd.DataFrame,
    exact_threshold: float,
    before: pd.DataFrame | None = None,
    hubs: Collection[str] = (),
) -> Clusters:
    """Return the connected components of ``pairs`` (columns of PAIRS).

    Args:
        pairs: each unordered pair once, sorted by both ids.
        exact_threshold: lowest score of an exact pair.
        before: columns of NAMES: the names that documents' clusters had.
        hubs: documents with more hits than were read.
    """
    ids, a, b = encode(pairs["id_a"], pairs["id_b"])
    count, component = _components(a, b, len(ids))
    of_pair = component[a]
    each = _measured(component, of_pair, pairs["score"].to_numpy(np.float64), count, exact_threshold)
    bridge = _bridges(a, b, component, each["chained"])
    each["bridges"] = np.bincount(of_pair[bridge], minlength=count)
    documents = ids.to_pandas()
    naming = name_components(documents, component, count, _none_named() if before is None else before)
    of_hubs = component[documents.isin(list(hubs)).to_numpy(dtype=bool)]
    members = pd.DataFrame(
        {
            "cluster_id": naming.names[component],
            "id": documents,
            **{name: values[component] for name, values in each.items()},
            "hub": np.isin(component, of_hubs),
        }
    )
    return Clusters(
        _sorted_by_cluster(members[CLUSTERS.names], naming, component),
        _bridge_rows(pairs, bridge, naming.names[of_pair]),
        naming.events,
    )


def _measured(
    component: npt.NDArray[np.int32],
    of_pair: npt.NDArray[np.int32],
    scores: npt.NDArray[np.float64],
    count: int,
    exact_threshold: float,
) -> dict[str, npt.NDArray[Any]]:
    """Return what is to be said of each component, by columns of CLUSTERS."""
    size, pair_count = np.bincount(component, minlength=count), np.bincount(of_pair, minlength=count)
    weakest, strongest = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(weakest, of_pair, scores)
    np.maximum.at(strongest, of_pair, scores)
    not_exact = np.where(strongest < exact_threshold, "near", "mixed")
    return {
        "size": size,
        "duplicates": np.where(weakest >= exact_threshold, "exact", not_exact),
        "weakest_score": weakest,
        "strongest_score": strongest,
        "pairs": pair_count,
        "chained": pair_count < size * (size - 1) // 2,
    }


def parts_at(pairs: pd.DataFrame, members: pd.DataFrame, thresholds: Sequence[float]) -> pd.DataFrame:
    """Return into how many parts each cluster falls at each threshold (columns of PARTS).

    ``documents`` counts those that still have a pair there; clusters without any are left out.
    """
    cluster_of = members.set_index("id")["cluster_id"]
    rows = []
    for threshold in sorted(thresholds):
        strong = pairs[pairs["score"] >= threshold]
        ids, a, b = encode(strong["id_a"], strong["id_b"])
        _, component = _components(a, b, len(ids))
        frame = pd.DataFrame({"cluster_id": ids.to_pandas().map(cluster_of), "part": component})
        counted = frame.groupby("cluster_id")["part"].agg(parts="nunique", documents="size").reset_index()
        rows.append(counted.assign(threshold=threshold))
    found = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=PARTS.names)
    parts: pd.DataFrame = found[PARTS.names]
    return parts


def hub_ids(run: RunDir) -> frozenset[str]:
    """Return the documents of which only the best hits are known, by this run or an earlier one."""
    return frozenset(run.read_table("pairs", "hubs", HUBS)["id"])


def _components(a: Codes, b: Codes, nodes: int) -> tuple[int, npt.NDArray[np.int32]]:
    graph = coo_array((np.ones(len(a), np.int8), (a, b)), shape=(nodes, nodes))
    count, component = connected_components(graph, directed=False)
    return count, component


def _bridges(
    a: Codes, b: Codes, component: npt.NDArray[np.int32], chained: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Look for bridges where there can be any: a cluster in which all are pairs has none, nor have two."""
    bridge = np.zeros(len(a), bool)
    candidates = np.flatnonzero(chained[component[a]])
    nodes, codes = np.unique(np.r_[a[candidates], b[candidates]], return_inverse=True)
    _, roots = np.unique(component[nodes], return_index=True)
    half = len(candidates)
    bridge[candidates] = find_bridges(codes[:half], codes[half:], roots, len(nodes))
    return bridge


def _bridge_rows(
    pairs: pd.DataFrame, bridge: npt.NDArray[np.bool_], names: npt.NDArray[np.object_]
) -> pd.DataFrame:
    rows = pairs.loc[bridge, ["id_a", "id_b", "score"]].assign(cluster_id=names[bridge])
    found: pd.DataFrame = rows[BRIDGES.names]
    return found.sort_values(["cluster_id", "id_a", "id_b"], ignore_index=True)


def _sorted_by_cluster(
    members: pd.DataFrame, naming: Naming, component: npt.NDArray[np.int32]
) -> pd.DataFrame:
    """Sort by name and id; the ids are ascending already, so that ranks of names suffice."""
    rank = np.empty(len(naming.names), np.int64)
    rank[np.argsort(naming.names.astype(str), kind="stable")] = np.arange(len(naming.names))
    return members.iloc[np.argsort(rank[component], kind="stable")].reset_index(drop=True)


def _none_named() -> pd.DataFrame:
    return pd.DataFrame(columns=NAMES.names)


def _names_before(run: RunDir, own: str, *, others: bool = False) -> pd.DataFrame:
    """Return the names that were given last before; ``others``: by another run than this one."""
    earlier = [name for name in run.lasting.names(NAMES_FOLDER) if name < own]
    if others:
        earlier = [name for name in earlier if name.partition("--")[2] != own.partition("--")[2]]
    if not earlier:
        return _none_named()
    path = f"{NAMES_FOLDER}/{earlier[-1]}"
    return from_parquet(run.lasting.read(path), NAMES, run.lasting.path(path))


def _names_after(members: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Documents that are in no cluster now keep the name that they last had."""
    gone = before[~before["id"].isin(members["id"])]
    known: pd.DataFrame = pd.concat([members[NAMES.names], gone], ignore_index=True)
    return known.sort_values("id", ignore_index=True)
