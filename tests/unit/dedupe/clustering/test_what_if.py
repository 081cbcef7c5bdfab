"""What a threshold would group and delete, against networkx at every threshold."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.clustering.what_if import Documents, Point, what_if

THRESHOLDS = (0.6, 0.7, 0.8, 0.9, 0.99)
DOCUMENTS = 9
pairs = st.dictionaries(
    st.tuples(st.integers(0, DOCUMENTS - 1), st.integers(0, DOCUMENTS - 1)).filter(
        lambda pair: pair[0] < pair[1]
    ),
    st.integers(60, 100).map(lambda score: score / 100),
)
documents = st.builds(
    Documents,
    rank=st.permutations(range(DOCUMENTS)),
    deletable=st.lists(st.booleans(), min_size=DOCUMENTS, max_size=DOCUMENTS),
    sizes=st.lists(
        st.one_of(st.just(math.nan), st.integers(0, 1000).map(float)), min_size=DOCUMENTS, max_size=DOCUMENTS
    ),
)


def expected(scores: dict[tuple[int, int], float], among: Documents, threshold: float) -> Point:
    graph: nx.Graph[int] = nx.Graph([pair for pair, score in scores.items() if score >= threshold])
    clusters = list(nx.connected_components(graph))
    gone = [
        other
        for cluster in clusters
        for other in graph[min(cluster, key=lambda one: among.rank[one])]
        if among.deletable[other]
    ]
    sizes = [among.sizes[one] for one in gone]
    known = [int(size) for size in sizes if not math.isnan(size)]
    return Point(threshold, len(clusters), len(graph), len(gone), sum(known), len(sizes) - len(known))


@given(pairs, documents)
def test_every_threshold_is_as_a_graph_of_its_own(
    scores: dict[tuple[int, int], float], among: Documents
) -> None:
    rows = np.array(list(scores), dtype=np.int64).reshape(-1, 2)
    found = what_if(rows, np.array(list(scores.values()), dtype=np.float64), among, THRESHOLDS)
    assert found == [expected(scores, among, threshold) for threshold in THRESHOLDS]


def test_a_document_without_a_pair_with_the_one_that_stays_does_not_go() -> None:
    among = Documents([0, 1, 2], [True] * 3, [1.0] * 3)
    chain = np.array([[0, 1], [1, 2]])
    (point,) = what_if(chain, np.array([0.9, 0.9]), among, [0.8])
    assert (point.clusters, point.documents, point.deletes) == (1, 3, 1)


def test_without_pairs_there_is_nothing() -> None:
    none = what_if(np.zeros((0, 2), np.int64), np.zeros(0), Documents([], [], []), [0.7])
    assert none == [Point(0.7, 0, 0, 0, 0, 0)]
