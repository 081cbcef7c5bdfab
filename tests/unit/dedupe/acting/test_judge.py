"""What a pair's score of now says of an order that rests on its score of then."""

from __future__ import annotations

import pytest

from include.dedupe.acting.judge import objection_to_class
from include.dedupe.deciding.changes import Order
from include.dedupe.settings.config import CollectionConfig

CONTENT = "0123-content"
"""A fingerprint of a Flow that tells what a picture is, behind the hyphen."""


def config(delete_threshold: float = 0.7) -> CollectionConfig:
    flow = {"connection": "any", "collection": "any"}
    return CollectionConfig.model_validate({"flow": flow, "guards": {"delete_threshold": delete_threshold}})


def order(duplicates: str, decision: str = "delete", score: float = 1.0, told: str = CONTENT) -> Order:
    return Order("c-1", "b", "a", decision, duplicates, score, "a rule", "a reason", told, told)


@pytest.mark.parametrize(
    ("duplicates", "score", "told"),
    [
        ("exact", 1.0, ""),
        ("exact", 0.95, ""),
        ("exact", 0.9499, "they are no exact duplicates any more but near ones (score 0.9499)"),
        ("exact", 0.7, "they are no exact duplicates any more but near ones"),
        ("exact", 0.69, "it does not look like its keeper any more (score below 0.7)"),
        ("exact", 0.0, "it does not look like its keeper any more"),
        ("near", 0.8, ""),
        ("near", 0.95, "they are no near duplicates any more but exact ones (score 0.9500)"),
        ("near", 0.6, "it does not look like its keeper any more"),
    ],
)
def test_the_class_that_the_policy_rests_on_must_be_that_of_now(
    duplicates: str, score: float, told: str
) -> None:
    said = objection_to_class(order(duplicates), score, config())
    assert said.startswith(told)
    assert bool(said) == bool(told)


def test_what_is_not_deleted_needs_only_the_threshold_of_the_scan() -> None:
    assert objection_to_class(order("near", "delete"), 0.8, config(0.9)) != ""
    assert objection_to_class(order("near", "link"), 0.8, config(0.9)) == ""


@pytest.mark.parametrize(("score", "holds"), [(0.96, True), (0.9649, True), (0.97, False), (1.0, False)])
def test_where_flow_does_not_tell_the_content_the_score_must_be_that_of_then(
    score: float, holds: bool
) -> None:
    untold = order("exact", score=0.96, told="0123")
    assert (objection_to_class(untold, score, config()) == "") == holds
    assert objection_to_class(order("exact", score=0.96), score, config()) == ""
