"""What a threshold would group and delete, against clusters and decisions that are made at that threshold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from include.dedupe.apart import Apart
from include.dedupe.clustering.coding import encode
from include.dedupe.deciding.what_if import Point, what_if
from include.dedupe.reporting.what_if import documents_of
from include.dedupe.verdicts import Standing
from tests.support.deciding import IDS, Case, config

THRESHOLDS = (0.6, 0.7, 0.8, 0.9, 0.97, 0.99)
EXACT = 0.9
RULES: list[dict[str, Any]] = [
    {"rule": "highest", "field": "pixels_i"},
    {"rule": "highest", "field": "pixels_i", "times": 2},
    {"rule": "most_pairs"},
    {"rule": "most_complete", "among": "near", "fields": ["word"]},
    {"rule": "oldest", "field": "date_dt", "among": "exact"},
]
BY_PIXELS = {"rules": RULES[:1]}
names = st.integers(0, len(IDS) - 1)
edges = st.dictionaries(
    st.tuples(names, names).filter(lambda pair: pair[0] < pair[1]),
    st.sampled_from([0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 0.95, 0.97, 1.0]),
    max_size=24,
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "pixels_i": st.integers(1, 4),
        "date_dt": st.sampled_from(["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]),
        "word": st.just("yes"),
        "size_l": st.integers(0, 1000),
        "unreadable_s": st.just("broken"),
    },
)
some = st.frozensets(st.sampled_from(IDS), max_size=3)
cases = st.builds(
    lambda found, documents, rules, protected, keepers, rejected, hubs, max_size: Case(
        [(IDS[a], IDS[b], score) for (a, b), score in found.items()],
        at(0.6, keeper={"rules": rules}, cluster={"max_size": max_size}),
        documents,
        protected,
        Standing(keepers=keepers, rejected=rejected, not_duplicates=Apart([frozenset(IDS[:2])])),
        hubs,
    ),
    edges,
    st.dictionaries(st.sampled_from(IDS), fields),
    st.lists(st.sampled_from(RULES), unique_by=str, max_size=3),
    some,
    some,
    some,
    st.frozensets(st.sampled_from(IDS), max_size=1),
    st.sampled_from([3, 50]),
)


def at(threshold: float, **sections: Any) -> Any:
    """Settings by which all pairs from the threshold up are duplicates, and deleted."""
    return config(
        **{
            "fields": {"pixels": "pixels_i", "bytes": "size_l", "unreadable": "unreadable_s"},
            "scan": {"threshold": threshold, "exact_threshold": max(threshold, EXACT)},
            "policies": {"exact": {"do": "delete"}, "near": {"do": "delete"}},
            "guards": {"delete_threshold": threshold},
            **sections,
        }
    )


def reckoned(case: Case) -> list[Point]:
    pairs = case.pairs()
    ids, one, other = encode(pairs["id_a"], pairs["id_b"])
    documents = documents_of(ids, case.facts(), case.config, case.standing, case.hubs)
    return what_if(
        np.column_stack([one, other]),
        pairs["score"].to_numpy(np.float64),
        documents,
        THRESHOLDS,
        exact_threshold=EXACT,
        max_size=case.config.cluster.max_size,
    )


def decided(case: Case, threshold: float) -> Point:
    """Return the point of a threshold as a run with it would come to it."""
    strong = [edge for edge in case.edges if edge[2] >= threshold]
    settings = at(threshold, keeper=case.config.keeper, cluster=case.config.cluster)
    rows = replace(case, edges=strong, config=settings).decide()
    gone = rows.loc[rows["decision"] == "delete", "id"]
    sizes = [case.documents.get(name, {}).get("size_l") for name in gone]
    known = [size for size in sizes if size is not None]
    clusters = rows["cluster_id"].nunique()
    return Point(threshold, clusters, len(rows), len(gone), sum(known), len(sizes) - len(known))


@settings(max_examples=20)
@given(cases)
def test_every_threshold_is_as_a_run_that_decides_with_it(case: Case) -> None:
    assert reckoned(case) == [decided(case, threshold) for threshold in THRESHOLDS]


def test_where_no_rule_tells_them_apart_the_longer_id_goes_as_in_a_run() -> None:
    documents = {"d10": {"size_l": 100}, "d2": {"size_l": 7}}
    case = Case([("d10", "d2", 1.0)], at(0.6, keeper={"rules": [RULES[3]]}), documents)
    assert [point.bytes for point in reckoned(case)] == [100] * len(THRESHOLDS)
    assert reckoned(case) == [decided(case, threshold) for threshold in THRESHOLDS]


def test_a_document_without_a_pair_with_the_one_that_stays_does_not_go() -> None:
    case = Case([("d0", "d1", 0.8), ("d1", "d2", 0.8)], at(0.6, keeper=BY_PIXELS), {"d0": {"pixels_i": 9}})
    point = reckoned(case)[2]
    assert (point.clusters, point.documents, point.deletes) == (1, 3, 1)


def test_exact_groups_are_settled_before_near_ones() -> None:
    case = Case(
        [("d0", "d1", 0.8), ("d1", "d2", 1.0)],
        at(0.6, keeper=BY_PIXELS),
        {"d0": {"pixels_i": 9}, "d2": {"pixels_i": 5}},
    )
    assert reckoned(case)[2].deletes == 1  # d1, for d2, which is no pair of d0


def test_without_pairs_there_is_nothing() -> None:
    documents = documents_of(pa.array([], pa.large_string()), None, at(0.6), Standing(), frozenset())
    none = what_if(np.zeros((0, 2), np.int64), np.zeros(0), documents, [0.7], exact_threshold=1, max_size=9)
    assert none == [Point(0.7, 0, 0, 0, 0, 0)]
