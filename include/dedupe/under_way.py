"""Under way: whether somebody still works on a run, or has to, so that its files are not to be changed."""

from __future__ import annotations

from include.dedupe.errors import DedupeError
from include.dedupe.gating.take import is_gate_run
from include.dedupe.reviewing.gates import summarise_gate
from include.dedupe.reviewing.summary import summarise
from include.dedupe.rundir import RunDir

SILENT_S = 86_400
"""A run that has not come to its end and has written nothing for so long is taken for dead."""
WORKING = "it is under way, or has failed within the last day"


def why_under_way(run: RunDir) -> str:
    """Return why a run's files are to stay as they are; empty where it has ended or is dead."""
    try:
        if is_gate_run(run.folder):
            told = summarise_gate(run)
            if told.held:
                return f"{told.held} documents are held: decide by `held {run.collection} {run.folder}`"
            return WORKING if told.state == "working" and _is_fresh(run) else ""
        state = summarise(run, {}, lambda _: False).state
    except DedupeError:
        return ""
    if state == "waiting":
        return "it waits for a person: answer its question first"
    return WORKING if state in ("scanning", "applying") and _is_fresh(run) else ""


def _is_fresh(run: RunDir) -> bool:
    _, written = run.storage.measure("")
    return run.lasting.clock() - written < SILENT_S
