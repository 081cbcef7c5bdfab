"""A keeper for each exact group, and the original among near ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.dedupe.deciding.groups import settle_groups
from tests.support.deciding import Case, config

NODES = 8
PAIRS = st.sets(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)).filter(lambda p: p[0] < p[1]))
RULES = [
    {"rule": "highest", "field": "pixels", "among": "exact"},
    {"rule": "most_copies"},
    {"rule": "has", "field": "camera_s"},
    {"rule": "most_pairs"},
    {"rule": "highest", "field": "pixels", "times": 2, "among": "near"},
    {"rule": "oldest"},
]


def one_by_one(pairs: set[tuple[int, int]], rank: list[int]) -> list[int]:
    """Settle the plain way, from the best to the worst."""
    keeper = list(range(NODES))
    stays: list[int] = []
    for node in sorted(range(NODES), key=lambda one: rank[one]):
        over = [one for one in stays if (min(one, node), max(one, node)) in pairs]
        if over:
            keeper[node] = over[0]
        else:
            stays.append(node)
    return keeper


@given(PAIRS, st.permutations(range(NODES)))
def test_groups_are_those_of_settling_one_after_the_other(
    pairs: set[tuple[int, int]], rank: list[int]
) -> None:
    ends = np.array(sorted(pairs), np.int64).reshape(-1, 2)
    found = settle_groups(ends[:, 0], ends[:, 1], np.array(rank, np.int64))
    assert found.tolist() == one_by_one(pairs, rank)


def case(edges: list[tuple[str, str, float]], documents: dict[str, dict[str, Any]], **near: Any) -> Case:
    policies = {"exact": {"do": "delete"}, "near": near or {"do": "report"}}
    return Case(edges, config(policies=policies, keeper={"rules": RULES}), documents)


WIDER = {"d1": {"pixels_i": 120}, "d2": {"pixels_i": 100}, "d3": {"pixels_i": 100}}


def test_exact_duplicates_go_also_where_an_edit_is_the_larger_picture() -> None:
    rows = case([("d1", "d2", 0.8), ("d1", "d3", 0.8), ("d2", "d3", 1.0)], WIDER).decide().set_index("id")
    assert rows["decision"].to_dict() == {"d1": "report", "d2": "keep", "d3": "delete"}
    assert (rows.at["d3", "keeper_id"], rows.at["d3", "rule"]) == ("d2", "id")
    assert rows.at["d1", "keeper_id"] == rows.at["d2", "keeper_id"] == "d2"
    assert set(rows.loc[["d1", "d2"], "rule"]) == {"most_copies"}


def test_what_was_an_edit_by_its_border_keeps_its_own_copies_in_order() -> None:
    edges = [("d1", "d2", 0.8), ("d1", "d3", 1.0), ("d2", "d4", 1.0), ("d2", "d5", 1.0), ("d4", "d5", 1.0)]
    rows = case(edges, {}).decide().set_index("id")
    assert rows["decision"].to_dict() == {
        "d1": "report",
        "d2": "keep",
        "d3": "delete",
        "d4": "delete",
        "d5": "delete",
    }
    assert "of its exact duplicates 'd1' stays" in rows.at["d3", "reason"]


@pytest.mark.parametrize(
    ("documents", "kept", "rule"),
    [
        ({"d1": {"bytes_l": 9}, "d2": {"camera_s": "X1", "bytes_l": 1}}, "d2", "has camera_s"),
        ({"d1": {"pixels_i": 100}, "d2": {"pixels_i": 199}}, "d1", "id"),
        ({"d1": {"pixels_i": 100}, "d2": {"pixels_i": 200}}, "d2", "highest pixels by 2 times"),
        (
            {"d1": {"date_dt": "2026-02-01T00:00:00Z"}, "d2": {"date_dt": "2026-01-01T00:00:00Z"}},
            "d2",
            "oldest",
        ),
    ],
)
def test_the_original_stays_among_near_ones(
    documents: dict[str, dict[str, Any]], kept: str, rule: str
) -> None:
    rows = case([("d1", "d2", 0.8)], documents).decide()
    assert (set(rows["keeper_id"]), set(rows["rule"])) == ({kept}, {rule})


def test_an_original_is_a_pair_with_each_of_its_edits() -> None:
    rows = case([("d1", "d3", 0.8), ("d2", "d3", 0.8)], {}).decide()
    assert (set(rows["keeper_id"]), set(rows["rule"])) == ({"d3"}, {"most_pairs"})


def test_nothing_is_deleted_for_what_is_deleted_itself() -> None:
    edges = [("d1", "d2", 0.9), ("d1", "d4", 0.9), ("d1", "d5", 1.0), ("d2", "d3", 1.0), ("d2", "d4", 1.0)]
    found = case(edges, {}, do="delete")
    found.config = found.config.model_copy(
        update={
            "guards": found.config.guards.model_copy(update={"delete_threshold": 0.7}),
            "keeper": config(keeper={"rules": [{"rule": "prefer", "field": "x_s", "values": ["1"]}]}).keeper,
        }
    )
    found.documents = {"d1": {"x_s": "1"}}
    rows = found.decide().set_index("id")
    assert rows["decision"].to_dict() == {
        "d1": "keep",
        "d2": "delete",
        "d3": "review",
        "d4": "delete",
        "d5": "delete",
    }
    assert set(rows["keeper_id"]) == {"d1"}
    assert "its exact duplicate 'd2' goes itself" in rows.at["d3", "reason"]


def test_exact_duplicates_of_what_is_linked_go_and_links_do_not_chain() -> None:
    edges = [("d1", "d2", 0.9), ("d1", "d4", 1.0), ("d2", "d3", 1.0), ("d1", "d3", 0.9)]
    found = case(edges, {"d1": {"date_dt": "2026-01-01T00:00:00Z"}}, do="link")
    rows = found.decide().set_index("id")
    assert rows["decision"].to_dict() == {"d1": "keep", "d2": "link", "d3": "delete", "d4": "delete"}
    both = config(policies={"exact": {"do": "link"}, "near": {"do": "link"}}, keeper={"rules": RULES})
    found.config = both
    assert set(found.decide()["keeper_id"]) == {"d1"}


SCORES = st.dictionaries(
    st.tuples(st.integers(0, 6), st.integers(0, 6)).filter(lambda pair: pair[0] < pair[1]),
    st.sampled_from([0.75, 0.9, 0.96, 1.0]),
)


@given(
    SCORES,
    st.sets(st.integers(0, 6), max_size=2),
    st.lists(st.integers(1, 4), min_size=7, max_size=7),
    st.sampled_from(["report", "tag", "link", "merge", "delete", "review", "export"]),
)
def test_no_two_exact_duplicates_stay_without_a_reason(
    scores: dict[tuple[int, int], float], protected: set[int], pixels: list[int], near: str
) -> None:
    edges = [(f"d{one}", f"d{other}", score) for (one, other), score in scores.items()]
    documents = {f"d{number}": {"pixels_i": many} for number, many in enumerate(pixels)}
    found = case(edges, documents, do=near)
    found.protected = frozenset(f"d{one}" for one in protected)
    rows = found.decide().set_index("id")
    for one, other, score in edges:
        if score >= 0.95 and not {"delete", "merge"} & set(rows.loc[[one, other], "decision"]):
            assert [reason for reason in rows.loc[[one, other], "reason"] if reason not in ("", "keeper")]
