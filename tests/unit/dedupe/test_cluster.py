from __future__ import annotations

import networkx as nx
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.cluster import to_clusters
from include.dedupe.merge import to_pairs
from include.dedupe.tables import EDGES

SCORES = st.sampled_from([0.7, 0.8, 0.94, 0.95, 1.0])
EDGE_LISTS = st.lists(
    st.tuples(st.integers(0, 30).map(str), st.integers(0, 30).map(str), SCORES), max_size=60
)


def cluster(edges: list[tuple[str, str, float]]) -> pd.DataFrame:
    return to_clusters(to_pairs(pd.DataFrame(edges, columns=EDGES.names)), exact_threshold=0.95)


@given(EDGE_LISTS)
def test_clusters_are_the_connected_components(edges: list[tuple[str, str, float]]) -> None:
    graph = nx.Graph()
    graph.add_edges_from((query, match) for query, match, _ in edges if query != match)
    found = {frozenset(members["id"]) for _, members in cluster(edges).groupby("cluster_id")}
    assert found == {frozenset(component) for component in nx.connected_components(graph)}


@given(EDGE_LISTS)
def test_a_cluster_says_how_strong_its_pairs_are(edges: list[tuple[str, str, float]]) -> None:
    pairs = to_pairs(pd.DataFrame(edges, columns=EDGES.names))
    clusters = to_clusters(pairs, exact_threshold=0.95)
    for _, members in clusters.groupby("cluster_id"):
        scores = pairs.loc[pairs["id_a"].isin(members["id"]), "score"]
        kind = "exact" if (scores >= 0.95).all() else "near" if (scores < 0.95).all() else "mixed"
        first = members.iloc[0]
        assert (first["weakest_score"], first["strongest_score"]) == (scores.min(), scores.max())
        assert (first["duplicates"], first["size"]) == (kind, len(members))


def test_the_same_members_give_the_same_name() -> None:
    one = cluster([("a", "b", 0.9), ("x", "y", 0.8)])
    other = cluster([("y", "x", 0.7), ("b", "a", 1.0), ("k", "l", 1.0)])
    names = [dict(zip(frame["id"], frame["cluster_id"], strict=True)) for frame in (one, other)]
    assert all(names[0][name] == names[1][name] for name in ("a", "b", "x", "y"))


def test_no_pairs_make_no_clusters() -> None:
    assert cluster([]).empty
