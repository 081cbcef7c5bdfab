"""The rules that must never break, on random graphs, scores, rules, protections and verdicts."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.dedupe.clustering.facts import canonical
from include.dedupe.deciding import decisions, pieces
from include.dedupe.deciding.decisions import ACTS, decisions_hash, still_standing
from include.dedupe.parquet import to_parquet
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.tables import DECISIONS
from include.dedupe.verdicts import Standing
from tests.support.deciding import IDS, Case, config

LOSING = {*DELETING, "condemn", "link", "tag"}
SCORES = st.sampled_from([0.7, 0.8, 0.94, 0.95, 0.99, 1.0])
EDGE_LISTS = st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(IDS), SCORES), max_size=40)
SOME = st.frozensets(st.sampled_from(IDS), max_size=4)
PAIRS_SAID = st.frozensets(
    st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)).map(lambda pair: tuple(sorted(pair))), max_size=4
)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        "pixels_i": st.integers(1, 3),
        "date_dt": st.sampled_from(["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"]),
        "source_s": st.sampled_from(["agency", "upload"]),
        "duplicate_role_s": st.sampled_from(["duplicate", "condemned"]),
    },
)
RULES = st.lists(
    st.sampled_from(
        [
            {"rule": "prefer", "field": "source_s", "values": ["agency", "upload"]},
            {"rule": "highest", "field": "pixels"},
            {"rule": "lowest", "field": "pixels_i"},
            {"rule": "oldest"},
            {"rule": "newest"},
            {"rule": "most_complete"},
            {"rule": "most_complete", "fields": ["source_s", "date_dt"]},
            {"rule": "has", "field": "source_s"},
            {"rule": "most_copies", "among": "near"},
            {"rule": "most_pairs"},
            {"rule": "highest", "field": "pixels", "times": 2, "among": "exact"},
        ]
    ),
    max_size=3,
)
KINDS = st.sampled_from(["report", "tag", "link", "merge", "delete", "review", "export"])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    near = draw(KINDS)
    sections = {
        "policies": {"exact": {"do": draw(KINDS)}, "near": {"do": near}},
        "keeper": {"rules": draw(RULES)},
        "guards": {"delete_threshold": draw(st.sampled_from([0.7, 0.95, 0.99]))},
        "cluster": {"max_size": draw(st.sampled_from([3, 100]))},
    }
    standing = Standing(draw(PAIRS_SAID), draw(SOME), draw(SOME))  # type: ignore[arg-type]
    return Case(
        edges=draw(EDGE_LISTS),
        config=config(**sections),
        documents=draw(st.dictionaries(st.sampled_from(IDS), DOCUMENTS)),
        protected=draw(SOME),
        standing=standing,
        hubs=draw(st.frozensets(st.sampled_from(IDS), max_size=1)),
    )


@given(cases())
@settings(max_examples=300)
def test_the_rules_that_must_never_break(case: Case) -> None:
    rows, pairs = case.decide(), case.pairs()
    scores = {frozenset((row.id_a, row.id_b)): row.score for row in pairs.itertuples()}
    for _, members in rows.groupby("cluster_id"):
        of_cluster = set(members.loc[members["keeper_id"] == members["id"], "id"])
        assert len(of_cluster) == 1
        goes = members["decision"].isin([*DELETING, "condemn"])
        survivors = set(members.loc[~goes, "id"])
        assert of_cluster <= survivors
        assert set(members.loc[goes, "keeper_id"]) <= survivors
        linked = members["decision"] == "link"
        assert not set(members.loc[linked, "keeper_id"]) & set(members.loc[linked, "id"])
    for row in rows.itertuples():
        if row.id in case.protected:
            assert row.decision == "keep"
        if row.id == row.keeper_id or row.id in case.standing.keepers | case.standing.rejected:
            assert row.decision in ("keep", "untag")
        if row.decision in LOSING:
            score = scores[frozenset((row.id, row.keeper_id))]
            assert score == row.score
            assert score >= case.config.scan.threshold
            assert (
                min(row.id, row.keeper_id),
                max(row.id, row.keeper_id),
            ) not in case.standing.not_duplicates
        if row.decision in (*DELETING, "condemn"):
            assert row.score >= case.config.guards.delete_threshold
            assert len(rows[rows["cluster_id"] == row.cluster_id]) <= case.config.cluster.max_size
            assert not case.hubs & set(rows.loc[rows["cluster_id"] == row.cluster_id, "id"])
        assert row.reason
        assert row.rule
    to_parquet(rows, DECISIONS)


@given(cases())
@settings(max_examples=100)
def test_of_two_exact_duplicates_one_goes_where_exact_ones_are_deleted(case: Case) -> None:
    policies = case.config.policies
    assert policies
    exact = policies.exact.model_copy(update={"do": "delete"})
    deleting = {"policies": policies.model_copy(update={"exact": exact})}
    case.config = case.config.model_copy(update=deleting)
    rows = case.decide().set_index("id")
    pairs = case.pairs()
    for pair in pairs[pairs["score"] >= max(0.95, case.config.guards.delete_threshold)].itertuples():
        both = rows.loc[[pair.id_a, pair.id_b]]
        reasons = " ".join(both["reason"])
        settled = {
            "a person",
            "protected",
            "too large",
            "more hits",
            "goes itself",
            "delete_threshold",
            "is none",
        }
        assert both["decision"].isin(DELETING).any() or any(word in reasons for word in settled)


@given(cases(), st.randoms())
def test_neither_the_order_of_edges_nor_repetition_nor_pieces_change_a_decision(
    case: Case, random: Any
) -> None:
    first = case.decide()
    random.shuffle(case.edges)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "DOCUMENTS", 1)
        second = case.decide()
    pd.testing.assert_frame_equal(first, second)
    assert decisions_hash("run", first) == decisions_hash("run", second)
    assert decisions_hash("run", first) != decisions_hash("other run", first)


def test_the_hash_is_that_of_all_lines_in_order_however_few_are_held_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["b", "a", "a b", "a\tb", "a-", "ab", "a\n", "é", "𝄞", "\uffff", "kept"]
    columns = ("id", "decision", "keeper_id", "cluster_id", "fingerprint", "keeper_fingerprint")
    rows = pd.DataFrame({name: [f"{name} of {one}" for one in names] for name in DECISIONS.names})
    acts = ["keep" if one == "kept" else sorted(ACTS)[number % len(ACTS)] for number, one in enumerate(names)]
    rows = rows.assign(id=names, decision=acts, score=[0.7 + number / 30 for number in range(len(names))])
    bound = rows[rows["id"] != "kept"].itertuples()
    lines = ["\x1f".join([*(getattr(row, name) for name in columns), repr(row.score)]) for row in bound]
    whole = hashlib.sha256("\x1e".join(["run", *sorted(lines)]).encode()).hexdigest()[:16]
    monkeypatch.setattr(decisions, "_LINES", 3)
    assert decisions_hash("run", rows) == whole
    assert decisions_hash("run", rows[rows["id"] == "kept"]) == hashlib.sha256(b"run").hexdigest()[:16]


@given(cases(), SOME, SOME, PAIRS_SAID)
def test_a_later_verdict_takes_actions_away_and_adds_none(
    case: Case, kept: frozenset[str], rejected: frozenset[str], said: frozenset[tuple[str, str]]
) -> None:
    approved = case.decide()
    before = case.standing
    case.standing = Standing(before.not_duplicates | said, before.keepers | kept, before.rejected | rejected)
    newest = case.decide()
    standing = still_standing(approved, newest)
    keys = ["id", "decision", "keeper_id"]
    rows = {tuple(row) for row in standing[keys].to_numpy()}
    assert rows <= {tuple(row) for row in approved.loc[approved["decision"].isin(ACTS), keys].to_numpy()}
    assert rows <= {tuple(row) for row in newest[keys].to_numpy()}
    assert not {row[0] for row in rows if row[1] not in ("untag",)} & (kept | rejected)


def test_exact_and_near_have_their_own_policies_and_each_exact_group_its_keeper() -> None:
    policies = {"exact": {"do": "delete"}, "near": {"do": "tag"}}
    edges = [("d1", "d2", 1.0), ("d1", "d3", 0.8), ("d3", "d4", 1.0)]
    assert Case(edges, config(policies=policies)).decided() == {
        "d1": "keep",
        "d2": "delete",
        "d3": "tag",
        "d4": "delete",
    }


def test_a_document_without_a_pair_with_the_keeper_goes_to_review() -> None:
    policies = {"exact": {"do": "delete"}, "near": {"do": "tag"}}
    edges = [("d1", "d2", 1.0), ("d1", "d3", 0.8), ("d3", "d4", 0.9)]
    assert Case(edges, config(policies=policies)).decided()["d4"] == "review"


def test_what_is_near_is_not_deleted_below_the_delete_threshold() -> None:
    case = Case([("d1", "d2", 0.94)], config(policies={"near": {"do": "delete"}}))
    assert case.decided()["d2"] == "review"


@pytest.mark.parametrize(("merge_fields", "expected"), [({"labels": "union"}, "review"), ({}, "merge")])
def test_nothing_is_merged_into_a_protected_keeper(merge_fields: dict[str, str], expected: str) -> None:
    policies = {"exact": {"do": "merge", "merge_fields": merge_fields}}
    case = Case([("d1", "d2", 1.0)], config(policies=policies), protected=frozenset({"d1"}))
    assert case.decided() == {"d1": "keep", "d2": expected}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, "condemn"),
        ({"since": "2026-04-25T00:00:00Z"}, "condemn"),
        ({"since": "2026-04-20T00:00:00Z"}, "delete"),
        ({"since": "2026-04-20T00:00:00Z", "of": "d9"}, "condemn"),
        ({"since": "2026-04-20T00:00:00Z", "fingerprint": "another"}, "condemn"),
        ({"since": "2026-04-20T00:00:00Z", "role": "duplicate"}, "condemn"),
    ],
)
def test_a_grace_period_deletes_what_was_condemned_long_enough_ago(
    fields: dict[str, str], expected: str
) -> None:
    tag = {"role": "condemned", "of": "d1", "fingerprint": "print-d2", **fields}
    names = {"role": "_role_s", "of": "_of_s", "since": "_since_dt", "fingerprint": "_fingerprint_s"}
    document = {f"duplicate{names[name]}": value for name, value in tag.items()} if fields else {}
    policies = {"exact": {"do": "delete", "after_days": 7}}
    case = Case([("d1", "d2", 1.0)], config(policies=policies), {"d2": document})
    assert case.decided() == {"d1": "keep", "d2": expected}


def test_pairs_of_one_series_are_no_duplicates() -> None:
    documents = {"d1": {"series_s": "x"}, "d2": {"series_s": "x"}, "d3": {}}
    edges = [("d1", "d2", 1.0), ("d2", "d3", 1.0)]
    case = Case(edges, config(policies={}, ignore_pairs={"same": ["series_s"]}), documents)
    assert set(case.decided()) == {"d2", "d3"}


def test_only_pairs_of_different_vendors_are_duplicates() -> None:
    documents = {"d1": {"vendor_s": "x"}, "d2": {"vendor_s": "y"}, "d3": {}}
    edges = [("d1", "d2", 1.0), ("d2", "d3", 1.0)]
    case = Case(edges, config(policies={}, only_pairs={"different": ["vendor_s"]}), documents)
    assert set(case.decided()) == {"d1", "d2"}


def test_fields_are_json_that_reads_back() -> None:
    assert json.loads(canonical({"ä": ["x", 1], "b": None})) == {"ä": ["x", 1], "b": None}
