"""What becomes of a new picture, given what it looks like."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from pydantic import ValidationError

from include.dedupe.acting.archive import Tombstone
from include.dedupe.gating.buried import Grave
from include.dedupe.gating.judge import Judgement, judge
from include.dedupe.gating.matches import Match
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.gate_settings import STRICTEST_FIRST

NEW = {"id": "new", "image": "new.jpg"}
STONE = Tombstone("old", "f", "keeper", "run-1", "why", "2026-01-01T00:00:00+00:00")
RULES = {"keeper": {"rules": [{"rule": "highest", "field": "width_i"}]}}


def config(gate: dict[str, Any], **settings: Any) -> CollectionConfig:
    flow = {"connection": "flow_test", "collection": "plain"}
    return CollectionConfig.model_validate({"flow": flow, "gate": gate, **settings})


def match(name: str, score: float, **fields: Any) -> Match:
    return Match(name, score, fields)


def decide(
    gate: dict[str, Any], *matches: Match, stone: Tombstone | None = None, **settings: Any
) -> Judgement:
    grave = Grave(stone) if stone else None
    return judge(NEW, {"width_i": 100}, matches, grave, config(gate, **settings))


def test_without_a_match_it_is_indexed() -> None:
    assert decide({}).decision == "index"


@pytest.mark.parametrize(("stricter", "laxer"), [*itertools.pairwise(STRICTEST_FIRST)])
def test_of_several_matches_the_strictest_decides(stricter: str, laxer: str) -> None:
    matches = match("best", 1.0), match("next", 0.8)
    for gate, target in (
        ({"exact": stricter, "near": laxer}, "best"),
        ({"exact": laxer, "near": stricter}, "next"),
    ):
        judged = decide(gate, *matches, guards={"delete_threshold": 0.5}, **RULES)
        assert (judged.decision, judged.target) == (stricter, target)
        assert [one.id for one in judged.matches] == ["best", "next"]


def test_the_first_rule_of_a_field_that_fits_holds() -> None:
    rules = [
        {"field": "labels", "values": ["template"], "do": "index"},
        {"field": "status_s", "values": ["rejected", "flagged"], "do": "reject"},
    ]
    gate = {"exact": "ask", "near": "ask", "by_field": rules}
    assert decide(gate, match("a", 1.0, labels=["x", "template"], status_s="rejected")).decision == "index"
    assert decide(gate, match("a", 0.7, status_s="flagged")).decision == "reject"
    assert decide(gate, match("a", 0.7, status_s="fine")).decision == "ask"


def test_the_document_itself_is_no_duplicate_of_its_own() -> None:
    assert decide({}, match("new", 1.0), match("a", 0.9)).decision == "present"
    assert decide({}, match("new", 0.8)).decision == "index"


def test_what_is_buried_counts_beside_what_is_there() -> None:
    assert decide({}, stone=STONE).decision == "ask"
    assert decide({"buried": "index"}, stone=STONE).decision == "index"
    assert decide({}, match("a", 1.0), stone=STONE).decision == "reject"
    assert decide({"exact": "index"}, match("a", 1.0), stone=STONE).target == "keeper"


def test_a_rule_among_exact_duplicates_is_silent_of_near_ones() -> None:
    rules = [{"rule": "highest", "field": "width_i", "among": "exact"}]
    settings: dict[str, Any] = {"keeper": {"rules": rules}, "guards": {"delete_threshold": 0.5}}
    gate = {"exact": "overwrite", "near": "overwrite"}
    assert decide(gate, match("a", 1.0, width_i=50), **settings).decision == "overwrite"
    near = decide(gate, match("a", 0.8, width_i=50), **settings)
    assert (near.decision, near.target) == ("reject", "a")
    assert near.reason.endswith("no rule prefers the new one")


def test_only_a_better_picture_overwrites_and_only_what_may_be_overwritten_competes() -> None:
    gate = {"exact": "overwrite", "near": "index"}
    smaller, larger = match("a", 1.0, width_i=50), match("b", 0.99, width_i=500)
    assert decide(gate, smaller, **RULES).decision == "overwrite"
    assert decide(gate, match("a", 1.0, width_i=100), **RULES).decision == "reject"
    assert decide(gate, smaller, larger, **RULES).target == "b"
    assert decide(gate, smaller, match("c", 0.8, width_i=500), **RULES).decision == "overwrite"


@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ({"schedule": "@daily", "asset": "a", "incoming": "/in"}, "contradict"),
        ({"schedule": "@daily"}, "needs incoming"),
        ({"link_field": "x_s", "pending_field": "x_s"}, "two fields"),
        ({"near": "overwrite"}, "needs keeper.rules"),
        ({"exact": "delete"}, "reject"),
        ({"buried": "link"}, "reject"),
        ({"by_field": [{"field": "x_s", "values": [], "do": "reject"}]}, "at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(gate: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        config(gate)


@pytest.mark.parametrize(("buried", "decision"), [("reject", "ask"), ("ask", "ask"), ("index", "index")])
def test_what_only_looks_like_a_deleted_one_is_never_rejected(buried: str, decision: str) -> None:
    judged = judge(NEW, {}, (), Grave(STONE, is_sure=False), config({"buried": buried}))
    assert (judged.decision, judged.target) == (decision, "keeper")
    assert judged.reason.startswith("it looks the same as one that is gone: 'old' was deleted")
