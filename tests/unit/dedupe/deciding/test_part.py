from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from include.dedupe.deciding.part import Part
from include.dedupe.errors import ApprovalError

ROWS = pd.DataFrame(
    [
        ("one", "a", "delete", "exact", 1.0),
        ("one", "b", "tag", "near", 0.8),
        ("two", "c", "delete", "near", 0.97),
        ("two", "d", "keep", "keeper", 0.0),
    ],
    columns=["cluster_id", "id", "decision", "duplicates", "score"],
)


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        ({}, "abcd"),
        ({"only_decisions": [], "only_class": None, "score_from": None, "only_clusters": None}, "abcd"),
        ({"only_decisions": ["delete"]}, "ac"),
        ({"only_class": "exact"}, "a"),
        ({"score_from": 0.9, "score_to": 0.97}, "c"),
        ({"score_to": "0.8"}, "bd"),
        ({"only_clusters": ["one"], "only_decisions": ["tag", "delete"]}, "ab"),
        ({"decisions": "0123", "only_clusters": ["two"]}, "cd"),
    ],
)
def test_a_part_is_what_fits_all_that_is_given(answer: dict[str, Any], ids: str) -> None:
    part = Part.read(answer)
    assert "".join(ROWS["id"][part.fits(ROWS)]) == ids
    part.require_some(ROWS)
    assert Part.read(part.to_json()) == part


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"only_decisions": ["delet"]}, "did you mean 'delete'"),
        ({"only_class": "exakt"}, "none of exact, near"),
        ({"score_from": "high"}, "cannot be read"),
        ({"only_clusters": ["on"]}, "did you mean 'one'"),
        ({"only_class": "near", "score_from": 0.98}, "Nothing that was decided is in the part"),
    ],
)
def test_a_part_that_names_nothing_is_told(answer: dict[str, Any], told: str) -> None:
    with pytest.raises(ApprovalError, match=told):
        Part.read(answer).require_some(ROWS)
