"""Gates: the runs of a collection's gate, and what each came to."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from include.dedupe.errors import ArtifactError, DedupeError, UnknownError
from include.dedupe.gating.report import read_held, read_outcomes
from include.dedupe.gating.take import FILE, STAGE, gate_run_id, is_gate_run, read_gate_plan
from include.dedupe.reviewing.overview import find_settings, storage_of
from include.dedupe.reviewing.run_pages import RunsPage, page_of
from include.dedupe.rundir import RunDir, read_manifest
from include.dedupe.storage import Storage

GateState = Literal["working", "dry_run", "holding", "done", "damaged"]
"""``working``: up to its report. ``holding``: pictures wait for a person. ``damaged``: its files cannot be
read."""
RUNS = "runs"
PLAN = f"{STAGE}/{FILE}"
LAST = "~"
"""Sorts behind every time."""


@dataclass(frozen=True, slots=True)
class GateRun:
    """One run of the gate. Of a damaged run only ids, state and ``problem`` are told.

    ``run_id`` is that of the DAG run. ``outcomes``: documents by what became of them. ``held``: those that
    wait for a person now, also such that another run has left.
    """

    collection: str
    run_id: str
    state: GateState
    at: str = ""
    incoming: tuple[str, ...] = ()
    documents: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    held: int = 0
    problem: str = ""


def list_gate_runs(
    collection: str, airflow_home: str | None = None, *, after: str = "", limit: int = 25
) -> RunsPage[GateRun]:
    """Return a page of the runs of a collection's gate.

    Raises:
        UnknownError: there is no such collection, or ``after`` is no such mark.
        ConfigError: its settings are wrong.
    """
    storage = storage_of(find_settings(collection), airflow_home)
    lasting = Storage.of(storage, collection)
    return page_of(
        _newest_first(lasting),
        after,
        limit,
        lambda folder: summarise_gate(RunDir(storage, collection, folder)),
    )


def _newest_first(lasting: Storage) -> list[str]:
    """Return the runs' folders by the time when they took in what came; those that have not yet, first."""
    taken: dict[str, str] = {}
    for folder in filter(is_gate_run, lasting.folders(RUNS)):
        name = f"{RUNS}/{folder}/{PLAN}"
        taken[folder] = _taken_at(lasting, name) if lasting.exists(name) else LAST
    return sorted(taken, key=lambda folder: (taken[folder], folder), reverse=True)


def _taken_at(lasting: Storage, name: str) -> str:
    """Return when a run took in what came; of a damaged one, which its summary tells of, nothing."""
    try:
        return lasting.read_json(name, lambda plan: str(plan["taken_at"]))
    except ArtifactError:
        return LAST


def summarise_gate(run: RunDir) -> GateRun:
    """Return one run of the gate; what is broken is told in it, never raised. Its id may be its folder's."""
    run_id = run.run_id
    try:
        if not run.storage.exists(PLAN):
            return GateRun(run.collection, _of_dag(run_id), "working")
        run_id = run.storage.read_json(PLAN, lambda plan: str(plan["run_id"]))
        named = copy.copy(run)
        named.run_id = run_id
        return _summarise(named)
    except DedupeError as error:
        return GateRun(run.collection, _of_dag(run_id), "damaged", problem=str(error))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a run's files, the others are shown
        problem = f"{type(error).__name__}: {error}"
        return GateRun(run.collection, _of_dag(run_id), "damaged", problem=problem)


def open_gate_run(collection: str, run_id: str, airflow_home: str | None = None) -> RunDir:
    """Return the folder of a run of the gate, by the id of its DAG run.

    Raises:
        UnknownError: there is no such collection or run.
        ConfigError: the collection's settings are wrong.
    """
    storage = storage_of(find_settings(collection), airflow_home)
    run = RunDir(storage, collection, gate_run_id(run_id))
    if not run.storage.exists(PLAN):
        raise UnknownError(f"There is no run {run_id!r:.100} of the gate of {collection} that has taken any.")
    return run


def _summarise(run: RunDir) -> GateRun:
    plan, rows, held = read_gate_plan(run), read_outcomes(run), read_held(run)
    state: GateState = "done"
    if read_manifest(run.storage, "report") is None:
        state = "working"
    elif plan.dry_run:
        state = "dry_run"
    elif held:
        state = "holding"
    return GateRun(
        collection=run.collection,
        run_id=_of_dag(run.run_id),
        state=state,
        at=plan.taken_at,
        incoming=plan.locations,
        documents=len(rows),
        outcomes=dict(sorted(Counter(row.outcome for row in rows).items())),
        held=len(held),
    )


def _of_dag(run_id: str) -> str:
    return run_id.removeprefix(gate_run_id(""))
