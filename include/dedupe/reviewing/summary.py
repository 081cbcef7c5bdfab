"""Summary: what one run came to, in a few reads."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from include.dedupe.acting.apply import journals
from include.dedupe.acting.restore import RESTORED
from include.dedupe.clustering.news import News
from include.dedupe.deciding.decide import DecideStats
from include.dedupe.deciding.supersede import is_registered, newer_run
from include.dedupe.errors import DedupeError
from include.dedupe.parquet import from_parquet
from include.dedupe.planning.plan import PLAN_FILE, Plan, read_plan
from include.dedupe.reviewing.asking import QUESTION, asked_hash
from include.dedupe.reviewing.kept import NEWEST, RECKONED, read_reckoned
from include.dedupe.reviewing.layout import STAGE, UNKNOWN_SIZE, open_layout, places
from include.dedupe.rundir import RunDir, manifest_name, read_manifest
from include.dedupe.scanning.coverage import measure_coverage
from include.dedupe.scanning.rehearsal import read_cost
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.storage import Storage, named, texts
from include.dedupe.tables import ACTIONS

RunState = Literal[
    "scanning",
    "report_only",
    "dry_run",
    "nothing_to_do",
    "blocked",
    "waiting",
    "superseded",
    "rejected",
    "applying",
    "applied",
    "restored",
    "failed",
    "damaged",
]
"""``scanning``: up to its report. ``blocked``: a guard forbids what was decided. ``waiting``: for a person.
``rejected``: by a person, or nobody answered in time. ``restored``: some or all of it was taken back.
``failed``: part could not be carried out, or Airflow says that the run failed. ``damaged``: its files cannot
be read."""


STAGES = ("plan", "rehearsal", "facts", "clusters", "decide", "report", "apply", "record", STAGE)
READ_FIRST = (
    *map(manifest_name, STAGES),
    f"plan/{PLAN_FILE}",
    NEWEST,
    RECKONED,
    QUESTION,
    "report/summary.json",
    "record/record.json",
)


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run in a list. Of a damaged run only ids, state and ``problem`` are told.

    ``news``: what the run added to what was known, in words. ``duplicates``: documents in clusters, one of
    each cluster not counted. ``bytes_to_free``: of what would be deleted, ``bytes_freed``: of what was; None
    where no size is known; ``bytes_unknown``: how many of these documents tell no size. ``coverage``: share
    of the documents that were scanned, 1.0 is all; ``notes`` say what is not covered. ``cost``: what was
    reckoned when the run began. ``outcomes``: of apply, by outcome. ``restored``: actions that were taken
    back.
    """

    collection: str
    run_id: str
    state: RunState
    at: str = ""
    scope: str = ""
    clusters: int = 0
    documents: int = 0
    news: str = ""
    duplicates: int = 0
    decisions: Mapping[str, int] = field(default_factory=dict)
    coverage: float | None = None
    notes: tuple[str, ...] = ()
    cost: Mapping[str, float] = field(default_factory=dict)
    bytes_to_free: int | None = None
    bytes_freed: int | None = None
    bytes_unknown: int = 0
    deleted: int = 0
    restored: int = 0
    outcomes: Mapping[str, int] = field(default_factory=dict)
    superseded_by: str = ""
    problem: str = ""


def summarise(run: RunDir, restored: Mapping[str, int], has_failed: Callable[[str], bool]) -> RunSummary:
    """Return one run as lists show it; what is broken is told in it, never raised.

    Args:
        run: the run; its id may be that of its folder.
        restored: how many actions of each run were taken back.
        has_failed: whether Airflow says that the run of an id has failed.
    """
    run_id = run.run_id
    try:
        run = run.reading_ahead(READ_FIRST)
        if not run.storage.exists(f"plan/{PLAN_FILE}"):
            return RunSummary(run.collection, run_id, "scanning")
        run_id = run.storage.read_json(f"plan/{PLAN_FILE}", lambda plan: str(plan["run_id"]))
        named = copy.copy(run)
        named.run_id = run_id
        found = _summarise(named, read_plan(named), restored.get(run_id, 0))
    except DedupeError as error:
        return RunSummary(run.collection, run_id, "damaged", problem=str(error))
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a run's files, the others are shown
        told = f"{type(error).__name__}: {error}"
        problem = f"The files in {run.address} make no sense ({told}); start a new run."
        return RunSummary(run.collection, run_id, "damaged", problem=problem)
    if has_failed(run_id) and found.state not in ("restored", "superseded", "rejected"):
        return replace(found, state="failed", problem="Airflow says that the run failed; see its tasks.")
    return found


def restored_of(lasting: Storage) -> Counter[str]:
    """Return how many actions of each run were taken back."""
    names = [f"{RESTORED}/{name}" for name in lasting.names(RESTORED)]
    files = zip(names, lasting.read_many(names), strict=True)
    keys = [key for name, data in files for key in lasting.parsed(name, data, texts)]
    return Counter(key.partition("\n")[0] for key in keys)


def _summarise(run: RunDir, plan: Plan, restored: int) -> RunSummary:
    clusters, decided, apply = (read_manifest(run.storage, name) for name in ("clusters", "decide", "apply"))
    kept, stats = read_reckoned(run), DecideStats(**decided.result) if decided else None
    share, notes = _coverage(run, plan)
    found = clusters.result if clusters else {}
    count, documents = found.get("clusters", 0), found.get("documents", 0)
    actions = _actions(run)
    done = _freed(run, plan, actions)
    now = kept.stats if kept and kept.stats else stats
    summary = RunSummary(
        collection=run.collection,
        run_id=run.run_id,
        state="scanning",
        at=plan.created_at,
        scope=plan.scope.label,
        clusters=count,
        documents=documents,
        news=str(News.read(found) or ""),
        duplicates=documents - count,
        decisions=now.counts if now else {},
        coverage=share,
        notes=notes,
        cost=read_cost(run),
        bytes_to_free=None if kept is None or 0 < kept.deletes == kept.bytes_unknown else kept.bytes,
        bytes_freed=done["bytes"],
        bytes_unknown=done["unknown"] if actions is not None else kept.bytes_unknown if kept else 0,
        deleted=done["deleted"],
        restored=restored,
        outcomes=dict(Counter(actions["outcome"])) if actions is not None else {},
        superseded_by=newer_run(run, plan) if stats and is_registered(run, plan) else "",
        problem=" ".join(now.problems) if now and apply is None else "",
    )
    return replace(summary, state=_state(run, plan, summary, now))


def _coverage(run: RunDir, plan: Plan) -> tuple[float, tuple[str, ...]]:
    """Return the share that was scanned and what is not covered; of a report, in one read."""
    if read_manifest(run.storage, "report"):
        return run.storage.read_json("report/summary.json", _told_coverage)
    coverage = measure_coverage(run, plan)
    return coverage.share, coverage.problems


def _told_coverage(summary: Any) -> tuple[float, tuple[str, ...]]:
    return float(summary["coverage"]["share"]), tuple(summary["coverage"]["problems"])


def _state(run: RunDir, plan: Plan, found: RunSummary, stats: DecideStats | None) -> RunState:
    reported = read_manifest(run.storage, "report") is not None
    if plan.config.policies is None or plan.scope.is_part:
        return "report_only" if reported else "scanning"
    if stats is None or not reported:
        return "scanning"
    if not is_registered(run, plan):
        return "dry_run"
    return _state_of_acting(run, plan, found, stats)


def _state_of_acting(run: RunDir, plan: Plan, found: RunSummary, stats: DecideStats) -> RunState:
    recorded = run.storage.read_json("record/record.json", named) if _is_recorded(run) else {}
    answer = recorded.get("answer") or {}
    outcomes = found.outcomes
    states: list[tuple[bool, RunState]] = [
        (found.restored > 0, "restored"),
        (outcomes.get("failed", 0) > 0, "failed"),
        (outcomes.get("planned", 0) > 0, "dry_run"),
        (read_manifest(run.storage, "apply") is not None and bool(outcomes), "applied"),
        (bool(journals(run)) and bool(recorded), "failed"),
        (bool(journals(run)), "applying"),
        (bool(answer.get("superseded_by")), "superseded"),
        (bool(answer) and answer.get("chosen_options") != ["Approve"], "rejected"),
        (bool(stats.problems), "blocked"),
        (bool(found.superseded_by), "superseded"),
        ((not stats.acts and not stats.held) or bool(recorded), "nothing_to_do"),
        (bool(asked_hash(run)) or plan.config.approval.mode == "ask", "waiting"),
    ]
    return next((state for holds, state in states if holds), "applying")


def _is_recorded(run: RunDir) -> bool:
    return read_manifest(run.storage, "record") is not None


def _actions(run: RunDir) -> pd.DataFrame | None:
    """Return what apply came to, as it ended or as it was recorded; None before that."""
    if read_manifest(run.storage, "apply"):
        return run.read_table("apply", "actions", ACTIONS)
    if _is_recorded(run):
        name = "record/actions.parquet"
        return from_parquet(run.storage.read(name), ACTIONS, run.storage.path(name))
    return None


def _freed_before(value: Any) -> dict[str, Any]:
    return {name: value[name] for name in ("deleted", "bytes", "unknown")}


def _freed(run: RunDir, plan: Plan, actions: pd.DataFrame | None) -> dict[str, Any]:
    """Return how many documents were deleted, their bytes, and how many of them tell no size.

    It is reckoned once and kept, as long as the actions stay the same.
    """
    if actions is None:
        return {"deleted": 0, "bytes": None, "unknown": 0}
    gone = actions[(actions["outcome"] == "done") & actions["decision"].isin(DELETING)]
    if gone.empty:
        return {"deleted": 0, "bytes": 0, "unknown": 0}
    name = f"{STAGE}/freed-{len(gone)}-{pd.util.hash_array(gone['id'].to_numpy(object)).sum():x}.json"
    if run.storage.exists(name):
        return run.storage.read_json(name, _freed_before)
    members = open_layout(run, plan).read_members(run).read_all(["id", "bytes"])
    place = places(gone["id"], members["id"])
    sizes = np.where(place >= 0, members["bytes"].to_numpy(np.int64)[place], UNKNOWN_SIZE)
    is_known = sizes != UNKNOWN_SIZE
    freed = int(sizes[is_known].sum()) if is_known.any() else None
    found = {"deleted": len(gone), "bytes": freed, "unknown": int((~is_known).sum())}
    run.storage.write(name, json.dumps(found).encode())
    return found
