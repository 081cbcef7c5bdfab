"""Approving: what will happen after all verdicts, and the answer that is bound to exactly that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.deciding.decide import DecideStats
from include.dedupe.deciding.decisions import ACTS, read_decisions
from include.dedupe.deciding.guards import broken_guards, require_guards, scope_size
from include.dedupe.deciding.part import Part
from include.dedupe.deciding.supersede import newer_run
from include.dedupe.errors import ApprovalError, UnknownError
from include.dedupe.planning.plan import read_plan
from include.dedupe.reviewing.asking import asked_hash, bytes_of
from include.dedupe.reviewing.layout import places
from include.dedupe.reviewing.renewing import renewed_decisions
from include.dedupe.reviewing.state import State, open_state
from include.dedupe.rundir import RunDir, read_manifest
from include.dedupe.scanning.coverage import measure_coverage
from include.dedupe.settings.policy_settings import DELETING

CHANGES_SHOWN = 100
_COMPARED = ["decision", "keeper_id"]


@dataclass(frozen=True, slots=True)
class Count:
    """Documents with one decision in one class; ``before``: by the decisions that are compared with."""

    decision: str
    duplicates: str
    documents: int
    before: int


@dataclass(frozen=True, slots=True)
class Change:
    """A document whose decision or keeper is not what it was; an empty decision: it is in no cluster."""

    id: str
    cluster: str
    before: str
    now: str
    reason: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What happens if ``hash`` is approved, and how that differs from the decisions ``compared``.

    ``acts``: documents that are written to. ``held``: those that would be deleted if a sample had proven
    their score bands. ``part``: what of it would be approved. ``changes``: the first of ``changed`` ones.
    ``problems``: guards that forbid it; then only a part can be approved. ``superseded_by``: a newer run that
    has decided anew; then nothing is done.
    """

    hash: str
    compared: str
    counts: tuple[Count, ...]
    acts: int
    deletes: int
    held: int
    part: PartEffect
    bytes_to_free: int | None
    bytes_unknown: int
    changes: tuple[Change, ...]
    changed: int
    problems: tuple[str, ...]
    superseded_by: str


@dataclass(frozen=True, slots=True)
class PartEffect:
    """Documents of a part of the decisions: those written to, those deleted, and bytes as in ``Effect``."""

    acts: int
    deletes: int
    bytes_to_free: int | None


class ChangedError(ApprovalError):
    """The decisions are not those any more that a person has seen; ``effect`` says how they differ."""

    def __init__(self, message: str, effect: Effect) -> None:
        super().__init__(message)
        self.effect = effect


def effect(run: RunDir, digest: str = "", given: Mapping[str, Any] | None = None) -> Effect:
    """Return what will happen now, compared with the decisions ``digest``; empty: those of the question.

    ``given``: the fields of ``Part`` that say which part of it would be approved.

    Raises:
        ApprovalError: the run never made such decisions, or a part of them cannot be.
        UnknownError: the run has not decided.
    """
    decided = read_manifest(run.storage, "decide")
    if decided is None:
        raise UnknownError(
            f"Run {run.run_id} has not decided anything; wait until it has, or give it policies."
        )
    compared = digest or asked_hash(run) or decided.result["hash"]
    before = read_decisions(run, compared)
    state = open_state(run)
    stats, now = renewed_decisions(state, {compared: before})
    return _effect(state, stats, before, now, compared=compared, part=Part.read(given or {}))


def form_values(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a form; Airflow 3.3.0 sends for a field that was left empty what describes it."""
    return {name: field.get("value") if isinstance(field, Mapping) else field for name, field in form.items()}


def part_of(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an answer says of the part that it approves, as it was typed; nothing is everything."""
    values = form_values(form)
    return {name: values[name] for name in Part.__slots__ if values.get(name) not in (None, "", [])}


def answer(
    run: RunDir, digest: str, *, approve: bool, given: Mapping[str, Any] | None = None
) -> Mapping[str, object]:
    """Return the answer to the run's question that carries this hash, as Airflow takes it.

    ``given``: the fields of ``Part`` that say what is approved; the rest stays open.

    Raises:
        ChangedError: the decisions have changed since the person looked; its ``effect`` says how.
        GuardError: a guard forbids them.
        ApprovalError: a newer run has decided anew, or the run has no such decisions, or none in the part.
    """
    part = Part.read(given or {})
    if approve:
        found = effect(run, digest, given)
        if found.hash != digest:
            raise ChangedError(
                f"The decisions are {found.hash} by now, not {digest}: {found.changed} documents are decided "
                f"otherwise. Nothing was approved; look at them again.",
                found,
            )
        if found.superseded_by:
            raise ApprovalError(f"Run {found.superseded_by} has decided anew; approve that one.")
        decisions = read_decisions(run, digest)
        part.require_some(decisions)
        require_guards(_problems(run, found, decisions, part), run.address)
    said = {"decisions": digest, **(part.to_json() if approve else {})}
    return {"chosen_options": ["Approve" if approve else "Reject"], "params_input": said}


def _problems(run: RunDir, found: Effect, decisions: pd.DataFrame, part: Part) -> list[str]:
    """Return which guards forbid what is approved: a part may keep to them where all would not."""
    if part.is_all or not found.problems:
        return list(found.problems)
    plan = read_plan(run)
    approved = decisions[part.fits(decisions)]
    return broken_guards(approved, scope_size(run, plan), measure_coverage(run, plan), plan.config.guards)


def _part(state: State, decisions: pd.DataFrame, part: Part) -> PartEffect:
    rows = decisions[part.fits(decisions) & decisions["decision"].isin(ACTS).to_numpy(bool)]
    deleted = rows.loc[rows["decision"].isin(DELETING), "id"]
    known, unknown = bytes_of(state, deleted)
    return PartEffect(len(rows), len(deleted), None if unknown and unknown == len(deleted) else known)


def _effect(
    state: State, stats: DecideStats, before: pd.DataFrame, now: pd.DataFrame, *, compared: str, part: Part
) -> Effect:
    changes = _changes(before, now)
    deletes = int(now["decision"].isin(DELETING).sum())
    unknown = int(state.clusters["bytes_unknown"].sum())
    return Effect(
        hash=stats.hash,
        compared=compared,
        counts=_counts(before, now),
        acts=stats.acts,
        deletes=deletes,
        held=stats.held,
        part=_part(state, now, part),
        bytes_to_free=None if deletes and unknown == deletes else int(state.clusters["bytes"].sum()),
        bytes_unknown=unknown,
        changes=tuple(changes[:CHANGES_SHOWN]),
        changed=len(changes),
        problems=tuple(stats.problems),
        superseded_by=newer_run(state.run, read_plan(state.run)),
    )


def _counts(before: pd.DataFrame, now: pd.DataFrame) -> tuple[Count, ...]:
    found, earlier = _by_class(now), _by_class(before)
    return tuple(
        Count(*key, found.get(key, 0), earlier.get(key, 0)) for key in sorted(found.keys() | earlier.keys())
    )


def _by_class(decisions: pd.DataFrame) -> dict[tuple[str, str], int]:
    counts = decisions.value_counts(["decision", "duplicates"], sort=False).reset_index()
    columns = (counts[name].tolist() for name in ("decision", "duplicates", "count"))
    return {(decision, kind): count for decision, kind, count in zip(*columns, strict=True)}


def _changes(before: pd.DataFrame, now: pd.DataFrame) -> list[Change]:
    """Return what is decided otherwise, first what is written to."""
    names = ["id", "cluster_id", *_COMPARED, "reason"]
    gone = before.loc[places(before["id"], now["id"]) < 0, "id"]
    changed = {*gone, *now.loc[_is_other(before, now), "id"]}
    differing = [one.loc[one["id"].isin(changed), names] for one in (before, now)]
    rows = differing[0].merge(differing[1], on="id", how="outer", suffixes=("_before", "_now")).fillna("")
    found = [
        Change(
            id=row["id"],
            cluster=row["cluster_id_now"] or row["cluster_id_before"],
            before=row["decision_before"],
            now=row["decision_now"],
            reason=row["reason_now"],
        )
        for row in rows.to_dict("records")
    ]
    return sorted(found, key=lambda one: (one.now not in ACTS, one.before not in ACTS, one.id))


def _is_other(before: pd.DataFrame, now: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which rows of ``now`` are decided otherwise than before, or were not decided."""
    place = places(now["id"], before["id"])
    differs = place < 0
    for name in _COMPARED:
        was, found = (one.to_numpy(dtype=object) for one in (before[name], now[name]))
        differs[~differs] = was[place[~differs]] != found[~differs]
    return differs
