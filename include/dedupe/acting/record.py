"""Record: what a run did in the end, for people and programs; also after a no, a timeout or a failure.

``actions.parquet`` and ``actions.csv`` have one row for each decision that apply came to, ``redirects.csv``
one for each document that another stands for now, ``record.json`` the answer and the counts. When others say
that they have carried out what was exported, ``acknowledged.json`` and ``acknowledged.csv`` join them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from include.dedupe.acting.apply import read_outcomes
from include.dedupe.clock import now
from include.dedupe.csv_table import csv_table
from include.dedupe.deciding.decisions import last_keepers
from include.dedupe.parquet import to_parquet
from include.dedupe.planning.plan import read_plan
from include.dedupe.rundir import Attempt, RunDir, read_manifest
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.tables import ACTIONS

REDIRECTED = (*DELETING, "link")


def record(
    run: RunDir, attempt: Attempt, answer: Mapping[str, Any] | None, *, dry_run: bool = False
) -> dict[str, int]:
    """Write what was done and return the counts of decisions by outcome.

    Args:
        run: the run.
        attempt: this execution.
        answer: what the question was answered with; None where nothing was answered, or in a dry run.
        dry_run: nothing was to be written.
    """
    stage = run.stage("record", attempt)
    stage.begin()
    actions = _actions(run)
    counts = dict(Counter(actions["outcome"]))
    decided = read_manifest(run.storage, "decide")
    done = actions[(actions["outcome"] == "done") & actions["decision"].isin(REDIRECTED)]
    stage.write_file("actions.parquet", to_parquet(actions, ACTIONS))
    as_text = read_plan(run).config.report.cells_as_text if read_manifest(run.storage, "plan") else True
    rows = actions.itertuples(index=False)
    stage.write_file("actions.csv", csv_table(actions.columns, rows, as_text=as_text))
    redirects = zip(
        done["id"], last_keepers(done["id"], done["keeper_id"]), done["score"], done["decision"], strict=True
    )
    names = ("duplicate", "keeper", "score", "decision")
    stage.write_file("redirects.csv", csv_table(names, redirects, as_text=as_text))
    summary = {
        "run_id": run.run_id,
        "recorded_at": now(),
        "decisions": decided.result if decided else None,
        "dry_run": dry_run,
        "answer": dict(answer) if answer else None,
        "apply_finished": read_manifest(run.storage, "apply") is not None,
        "outcomes": counts,
    }
    stage.write_file("record.json", json.dumps(summary, indent=2, ensure_ascii=False, default=str).encode())
    stage.finish(counts)
    return counts


def _actions(run: RunDir) -> pd.DataFrame:
    """Return what apply finished with, or what it had written down when it ended early."""
    finished = read_manifest(run.storage, "apply")
    if finished:
        return run.read_table("apply", "actions", ACTIONS)
    rows = {(one.order.id, one.order.decision): one.columns() for one in read_outcomes(run)}
    return pd.DataFrame(list(rows.values()), columns=ACTIONS.names)
