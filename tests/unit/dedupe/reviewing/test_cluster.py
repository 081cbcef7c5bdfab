from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd
import pytest

from include.dedupe.reviewing.cluster import read_cluster
from include.dedupe.reviewing.clusters import list_clusters
from include.dedupe.reviewing.filtering import Filters
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.tables import ACTIONS
from tests.support.made import TRIO, Made

AT = "2999-01-01T00:00:00+00:00"


def finished(run: RunDir) -> None:
    rows = [
        (id_, "c-1", "a", decision, outcome, "", 1.0, AT, change)
        for id_, decision, outcome, change in (
            ("b", "delete", "review", "0.1000,0.2500,0.5000,1.0000"),
            ("c", "tag", "done", ""),
        )
    ]
    stage = run.stage("apply", Attempt())
    stage.write_table("actions", pd.DataFrame(rows, columns=ACTIONS.names), ACTIONS)
    stage.finish({"done": 1, "review": 1})


def under_way(run: RunDir) -> None:
    orders = {
        name: ["c-1", name, "a", decision, "exact", 1.0, "rule", "", "", ""]
        for name, decision in (("b", "delete"), ("c", "tag"))
    }
    outcomes = [
        {"order": orders["b"], "outcome": "review", "reason": "", "at": AT, "change": "0.1,0.25,0.5,1"},
        {"order": orders["c"], "outcome": "done", "reason": "", "at": AT},
    ]
    run.storage.write("apply/batches-g0/000000.json", json.dumps(outcomes).encode())


@pytest.mark.parametrize("apply", [finished, under_way])
def test_an_outcome_says_where_two_pictures_differ(made: Made, apply: Callable[[RunDir], None]) -> None:
    run = made.make(TRIO)
    apply(run)
    (row,) = list_clusters(run, Filters()).rows
    found = {one.id: one for one in read_cluster(run, row.name).outcomes}
    assert {name: (one.keeper_id, one.outcome, one.change) for name, one in found.items()} == {
        "b": ("a", "review", (0.1, 0.25, 0.5, 1.0)),
        "c": ("a", "done", ()),
    }
