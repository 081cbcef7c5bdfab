"""The gate against a live server: each outcome and class, twins in a batch, and how Flow is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.pipeline.gating_fixture import gating
from tests.support.gating import CHELSEA, COFFEE_CUP, Gating, outcomes

__all__ = ["gating"]
MODES = pytest.mark.parametrize("by_analysis", [True, False])


@MODES
def test_new_pictures_are_indexed_and_duplicates_are_not(gating: Gating, by_analysis: bool) -> None:
    rows = [
        {"id": "new", "image": gating.picture("new.png", seed=1), "title_s": "new"},
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
        {"id": "twin", "image": gating.picture("twin.png", seed=1)},
    ]
    found = gating.go(rows, by_analysis=by_analysis)
    assert outcomes(found) == {"new": "indexed", "cat 2": "rejected", "twin": "rejected"}
    assert (found["cat 2"].match_id, found["twin"].match_id) == ("cat", "new")
    documents = gating.acting.documents()
    assert set(documents) == {"cat", "coffee", "moose", "new"}
    assert documents["new"]["title_s"] == "new"
    assert "gate_pending_s" not in documents["new"]
    assert gating.acting.server.counts()["analyze"] == 3
    assert gating.acting.ask(lambda writer: writer.reader.own_score("new")) == pytest.approx(1.0)
