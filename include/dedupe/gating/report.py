"""Report: what became of each incoming document, for people and programs.

``gate.parquet`` and ``gate.csv`` have one row for each document, ``held.jsonl`` one line for each that waits
for a person, with what it looks like, ``orphans.csv`` what was done about documents that another run had
left, and ``summary.json`` the counts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from include.dedupe.clock import now
from include.dedupe.csv_table import csv_table
from include.dedupe.errors import GateError
from include.dedupe.gating.decide import FAILED, Row
from include.dedupe.gating.index import read_indexed, read_rows
from include.dedupe.gating.orphans import mark_of, read_orphans, read_unknown
from include.dedupe.gating.tables import GATED
from include.dedupe.gating.take import read_gate_plan
from include.dedupe.gating.work import DONE
from include.dedupe.parquet import to_parquet
from include.dedupe.rundir import Attempt, RunDir

SETTLED = "settle/rows"
"""Folder of what became of documents that were held, after a person had decided."""
HELD = DONE["ask"]


def report(run: RunDir, attempt: Attempt) -> dict[str, Any]:
    """Write all files anew and return the summary."""
    plan, rows, orphans = read_gate_plan(run), read_outcomes(run), list(read_orphans(run).values())
    stage = run.stage("report", attempt)
    held = [row for row in (*rows, *orphans) if row.outcome in (HELD, "ask")]
    summary = {
        "run_id": run.run_id,
        "reported_at": now(),
        "dry_run": plan.dry_run,
        "incoming": list(plan.locations),
        "documents": len(rows),
        "outcomes": dict(sorted(Counter(row.outcome for row in rows).items())),
        "orphans": dict(sorted(Counter(row.outcome for row in orphans).items())),
        "pending_of_unknown_runs": read_unknown(run),
        "left_out": plan.left_out,
        "held": f"{run.address}/report/held.jsonl" if held else None,
        "compared_with_each_other": not plan.dry_run,
        "searched_by": "analysis" if plan.by_analysis else "pending documents",
    }
    frame = pd.DataFrame([row.columns() for row in rows], columns=GATED.names)
    stage.write_file("gate.parquet", to_parquet(frame, GATED))
    stage.write_file("gate.csv", csv_table(GATED.names, (row.columns() for row in rows)))
    stage.write_file("orphans.csv", csv_table(GATED.names, (row.columns() for row in orphans)))
    stage.write_file("held.jsonl", "".join(map(_held_line, held)).encode())
    stage.write_file("summary.json", json.dumps(summary, indent=2, ensure_ascii=False).encode())
    stage.finish(summary)
    return summary


def read_outcomes(run: RunDir) -> list[Row]:
    """Return what became of each document by now, also of those that a person has decided, in order."""
    rows = {row.number: row for row in read_indexed(run)}
    for name in run.storage.names(SETTLED):
        rows |= {row.number: row for row in read_rows(run, f"{SETTLED}/{name}")}
    return [rows[number] for number in sorted(rows)]


def read_held(run: RunDir) -> dict[str, tuple[str, Row]]:
    """Return by id the documents that wait for a person, with the mark of the run that took them in.

    What another run has left is among them, unless its id came again in this run.
    """
    rows = read_outcomes(run)
    own = {row.id: (mark_of(run), row) for row in rows if row.outcome == HELD}
    came = {row.id for row in rows}
    left = {name: (mark, row) for (mark, name), row in read_orphans(run).items() if name not in came}
    return own | {name: found for name, found in left.items() if found[1].outcome == HELD}


def require_few_failures(run: RunDir) -> None:
    """Raise ``GateError`` where more of the documents failed than the settings allow."""
    plan, rows = read_gate_plan(run), read_outcomes(run)
    failed = [row for row in rows if row.outcome == FAILED]
    limit = plan.gate.max_failed_share
    if rows and len(failed) / len(rows) > limit:
        raise GateError(
            f"{len(failed)} of {len(rows)} documents failed, more than gate.max_failed_share {limit} allows; "
            f"report/gate.csv in {run.address} says which and why. The others were dealt with. First: "
            f"{_first(failed)}"
        )


def _first(failed: Sequence[Row]) -> str:
    return f"{failed[0].id!r}: {failed[0].reason}"


def _held_line(row: Row) -> str:
    pairs = zip(row.matched_ids, row.scores, strict=True)
    matches = [{"id": name, "score": score} for name, score in pairs]
    value = {"id": row.id, "image": row.image, "matches": matches, "reason": row.reason}
    return json.dumps(value, ensure_ascii=False) + "\n"
