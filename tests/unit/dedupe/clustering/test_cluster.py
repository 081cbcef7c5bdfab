from __future__ import annotations

import itertools

import networkx as nx
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.clustering.cluster import to_clusters
from include.dedupe.clustering.coding import to_pairs
from include.dedupe.clustering.components import Clusters
from include.dedupe.parquet import to_parquet
from include.dedupe.tables import BRIDGES, CLUSTER_EVENTS, CLUSTERS, EDGES, NAMES, PARTS

SCORES = st.sampled_from([0.7, 0.8, 0.94, 0.95, 1.0])
EDGE_LISTS = st.lists(
    st.tuples(st.integers(0, 30).map(str), st.integers(0, 30).map(str), SCORES), max_size=60
)
Edges = list[tuple[str, str, float]]


def pairs_of(edges: Edges) -> pd.DataFrame:
    return to_pairs(pd.DataFrame(edges, columns=EDGES.names))


def cluster(edges: Edges, before: pd.DataFrame | None = None, hubs: tuple[str, ...] = ()) -> Clusters:
    return to_clusters(pairs_of(edges), 0.95, before, hubs)


def names(found: Clusters) -> dict[str, str]:
    return dict(zip(found.members["id"], found.members["cluster_id"], strict=True))


def ring(*ids: str) -> Edges:
    return [(a, b, 0.9) for a, b in itertools.combinations(ids, 2)]


def graph_of(edges: Edges) -> nx.Graph[str]:
    graph: nx.Graph[str] = nx.Graph()
    graph.add_edges_from((query, match) for query, match, _ in edges if query != match)
    return graph


@given(EDGE_LISTS)
def test_clusters_are_the_connected_components(edges: Edges) -> None:
    found = {frozenset(members["id"]) for _, members in cluster(edges).members.groupby("cluster_id")}
    assert found == {frozenset(component) for component in nx.connected_components(graph_of(edges))}


@given(EDGE_LISTS)
def test_a_cluster_says_how_strong_its_pairs_are(edges: Edges) -> None:
    pairs = pairs_of(edges)
    for _, members in cluster(edges).members.groupby("cluster_id"):
        scores = pairs.loc[pairs["id_a"].isin(members["id"]), "score"]
        kind = "exact" if (scores >= 0.95).all() else "near" if (scores < 0.95).all() else "mixed"
        first = members.iloc[0]
        assert (first["weakest_score"], first["strongest_score"]) == (scores.min(), scores.max())
        assert (first["duplicates"], first["size"], first["pairs"]) == (kind, len(members), len(scores))
        assert first["chained"] == (len(scores) < len(members) * (len(members) - 1) / 2)


@given(EDGE_LISTS)
def test_bridges_are_those_of_the_oracle_in_clusters_of_three_or_more(edges: Edges) -> None:
    graph, found = graph_of(edges), cluster(edges)
    sizes = {node: len(part) for part in nx.connected_components(graph) for node in part}
    expected = {frozenset(pair) for pair in nx.bridges(graph) if sizes[pair[0]] > 2}
    rows = zip(found.bridges["id_a"], found.bridges["id_b"], strict=True)
    assert {frozenset(pair) for pair in rows} == expected
    assert found.members.drop_duplicates("cluster_id")["bridges"].sum() == len(expected)


@given(EDGE_LISTS, st.lists(st.sampled_from([0.8, 0.9, 0.95, 1.0]), unique=True))
def test_at_a_higher_threshold_a_cluster_falls_into_the_parts_of_the_oracle(
    edges: Edges, thresholds: list[float]
) -> None:
    pairs, found = pairs_of(edges), cluster(edges)
    parts = found.parts_at(thresholds)
    for threshold in thresholds:
        strong = pairs[pairs["score"] >= threshold]
        graph = graph_of([(a, b, 1.0) for a, b in zip(strong["id_a"], strong["id_b"], strict=True)])
        here = parts[parts["threshold"] == threshold]
        assert here["parts"].sum() == nx.number_connected_components(graph)
        assert here["documents"].sum() == len(graph)


@given(EDGE_LISTS, EDGE_LISTS)
def test_names_are_unique_and_an_unchanged_cluster_keeps_its_name(first: Edges, second: Edges) -> None:
    one = cluster(first)
    other = cluster(second, one.members[NAMES.names])
    groups = other.members.groupby("cluster_id")["id"].agg(frozenset)
    assert {frozenset(part) for part in nx.connected_components(graph_of(second))} == set(groups)
    before = {
        members: name for name, members in one.members.groupby("cluster_id")["id"].agg(frozenset).items()
    }
    assert all(before[members] == name for name, members in groups.items() if members in before)


@given(EDGE_LISTS, st.randoms())
def test_the_order_of_edges_does_not_matter(edges: Edges, random: object) -> None:
    shuffled = list(edges)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    pd.testing.assert_frame_equal(cluster(edges).members, cluster(shuffled).members)


@given(EDGE_LISTS)
def test_rows_are_sorted_and_fit_their_tables(edges: Edges) -> None:
    found = cluster(edges)
    keys = [(row.cluster_id, row.id.encode()) for row in found.members.itertuples()]
    assert keys == sorted(keys)
    to_parquet(found.members, CLUSTERS)
    to_parquet(found.bridges, BRIDGES)
    to_parquet(found.events, CLUSTER_EVENTS)
    to_parquet(found.parts_at((0.9,)), PARTS)


def test_a_cluster_that_grows_keeps_its_name_also_when_its_first_document_changes() -> None:
    one = cluster([("b", "c", 0.9)])
    other = cluster([("a", "b", 0.9), ("b", "c", 0.9)], one.members[NAMES.names])
    assert set(names(other).values()) == {names(one)["b"]}
    assert other.events.empty


def test_a_merge_is_recorded_and_the_larger_cluster_gives_the_name() -> None:
    one = cluster([*ring("a", "b"), *ring("x", "y", "z")])
    other = cluster([*ring("a", "b"), *ring("x", "y", "z"), ("b", "x", 0.9)], one.members[NAMES.names])
    assert set(names(other).values()) == {names(one)["x"]}
    assert other.events.to_dict("records") == [
        {"event": "merge", "from_id": names(one)["a"], "to_id": names(one)["x"], "documents": 2}
    ]


def test_a_split_is_recorded_and_the_larger_part_keeps_the_name() -> None:
    one = cluster([*ring("a", "b"), *ring("x", "y", "z"), ("b", "x", 0.9)])
    other = cluster([*ring("a", "b"), *ring("x", "y", "z")], one.members[NAMES.names])
    assert names(other)["x"] == names(one)["x"]
    assert names(other)["a"] != names(one)["a"]
    assert other.events.to_dict("records") == [
        {"event": "split", "from_id": names(one)["a"], "to_id": names(other)["a"], "documents": 2}
    ]


@pytest.mark.parametrize("hub", ["a", "c"])
def test_a_cluster_with_a_hub_says_so(hub: str) -> None:
    found = cluster([*ring("a", "b", "c"), *ring("x", "y")], hubs=(hub, "elsewhere"))
    assert set(found.members.loc[found.members["hub"], "id"]) == {"a", "b", "c"}


def test_no_pairs_make_no_clusters() -> None:
    assert cluster([]).members.empty
