"""The stages after clustering as Airflow tasks: decide, apply, record, and the restore of a run."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter
from dataclasses import asdict
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException

from include.dedupe.acting.apply import ApplyStats
from include.dedupe.acting.apply import apply as apply_stage
from include.dedupe.acting.check import check, has_passed, require_check
from include.dedupe.acting.client_writer import open_writer
from include.dedupe.acting.record import record as record_stage
from include.dedupe.acting.restore import REMEMBER, Restored
from include.dedupe.acting.restore import restore as restore_stage
from include.dedupe.acting.wanted import Wanted
from include.dedupe.deciding.decide import decide as decide_stage
from include.dedupe.deciding.part import Part
from include.dedupe.deciding.supersede import register_decisions
from include.dedupe.errors import ActionError, ApprovalError
from include.dedupe.places import require_runs
from include.dedupe.planning.plan import read_plan
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig, find_collection
from include.dedupe.settings.dry_run import is_dry
from include.dedupe.storage import Storage
from include.orchestration.approval import read_answer
from include.orchestration.context import (
    address,
    attempt,
    may_write,
    open_run,
    parameters,
    storage,
    write_address,
)
from include.orchestration.signals import measure
from include.safe_text import tell


def decide(collection: str) -> dict[str, Any]:
    """Decide; before the first run that writes, check that the collection can be written to and restored."""
    run = open_run(collection)
    plan = read_plan(run)
    acts = may_write(plan)
    if acts and plan.config.policies and plan.config.policies.write:
        asyncio.run(_check_once(run, plan.config))
    stats = decide_stage(run, attempt())
    measure("decide", collection, {**stats.counts, "held": stats.held})
    if acts:
        register_decisions(run, plan, stats.hash)
    return {**asdict(stats), "acts": stats.acts, "dry_run": not acts}


def apply(collection: str) -> dict[str, Any]:
    """Carry out what was approved and still stands; in a dry run only say what would be done.

    Raises:
        ActionError: part of it could not be carried out, for a reason that a person should know.
        AirflowSkipException: nothing of it was done, since people or a newer run have said otherwise.
    """
    run = open_run(collection)
    plan = read_plan(run)
    config = plan.config
    context = get_current_context()
    decided, answer = context["ti"].xcom_pull(task_ids="decide"), read_answer(context)
    if answer is None or answer["chosen_options"] != ["Approve"]:
        raise ApprovalError(f"Nobody has approved the decisions of {run.address}; nothing was written.")
    dry_run = decided["dry_run"] or not may_write(plan)
    digest, approved_at = answer["decisions"], answer["responded_at"]
    part = Part.read(answer.get("params_input") or {})

    async def carry_out() -> ApplyStats:
        async with open_writer(address(config) if dry_run else write_address(config)) as writer:
            return await apply_stage(writer, run, attempt(), digest, approved_at, dry_run=dry_run, part=part)

    stats = asyncio.run(carry_out())
    measure("apply", collection, asdict(stats))
    if not dry_run:
        _require_done(stats, run)
    return asdict(stats)


def _require_done(stats: ApplyStats, run: RunDir) -> None:
    """Let no run be green that has not done what was approved."""
    if left := stats.failed + stats.unexpected:
        raise ActionError(
            f"{left} decisions could not be carried out, {stats.done} were; record/actions.csv in "
            f"{run.address} says which and why. Clear this task to try them again."
        )
    if stats.is_nothing:
        raise AirflowSkipException(
            f"Nothing was done: people or a newer run have said otherwise of all {stats.skipped} decisions "
            f"since; record/actions.csv in {run.address} says what."
        )


def record(collection: str) -> dict[str, int]:
    """Write what was done, however the run ended."""
    context = get_current_context()
    decided = context["ti"].xcom_pull(task_ids="decide")
    dry_run = bool(decided and decided["dry_run"])
    answer = None if dry_run else read_answer(context)
    return record_stage(open_run(collection), attempt(), answer, dry_run=dry_run)


def restore() -> dict[str, int]:
    """Take back what runs did; the parameters say which.

    Raises:
        ActionError: part of it could not be taken back.
    """
    params = parameters()
    name, dry_run = params["collection"], is_dry(params["dry_run"], configured=True)
    config = find_collection(name)
    wanted = Wanted(
        runs=tuple(params["runs"] or ()),
        ids=tuple(params["ids"] or ()),
        clusters=tuple(params["clusters"] or ()),
        since=_moment(params["since"]),
        until=_moment(params["until"]),
    )
    lasting = Storage.of(storage(config), name)
    require_runs(lasting)

    async def take_back() -> list[Restored]:
        async with open_writer(address(config) if dry_run else write_address(config)) as writer:
            by = f"DAG run {get_current_context()['run_id']}"
            remember = params["afterwards"] == REMEMBER
            return await restore_stage(
                writer, lasting, config, wanted, by, dry_run=dry_run, remember=remember
            )

    found = asyncio.run(take_back())
    for one in found:
        tell(f"{one.outcome}: {one.action} of {one.id!r} in run {one.run_id} {one.reason}")
    counts = dict(Counter(one.outcome for one in found))
    if failed := counts.get("failed"):
        raise ActionError(
            f"{failed} actions could not be taken back, see above; {counts}. Clear to try again."
        )
    return counts


async def _check_once(run: RunDir, config: CollectionConfig) -> None:
    if not has_passed(run.lasting, config):
        async with open_writer(write_address(config)) as writer:
            await check(writer, run.lasting, config)
    require_check(run.lasting, config)


def _moment(text: str | None) -> dt.datetime | None:
    if not text:
        return None
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
