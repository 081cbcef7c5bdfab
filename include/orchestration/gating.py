"""The gate as Airflow tasks: each reads its context, calls one step, and returns counts."""

from __future__ import annotations

import asyncio
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.configuration import conf

from include.dedupe.acting.check import check as check_trust
from include.dedupe.acting.check import has_passed, require_check
from include.dedupe.acting.client_writer import open_writer
from include.dedupe.connect import open_flow
from include.dedupe.errors import GateError
from include.dedupe.gating.analyze import analyze as analyze_step
from include.dedupe.gating.check import check as check_step
from include.dedupe.gating.decide import decide as decide_step
from include.dedupe.gating.index import index as index_step
from include.dedupe.gating.options import LET_IN, NAMED, REJECT
from include.dedupe.gating.probe import searches_by_analysis
from include.dedupe.gating.report import report as report_step
from include.dedupe.gating.report import require_few_failures
from include.dedupe.gating.settle import Question, Said, read_question
from include.dedupe.gating.settle import settle as settle_step
from include.dedupe.gating.take import STAGE as TAKE
from include.dedupe.gating.take import read_gate_plan, require_gate, resolve_locations
from include.dedupe.gating.take import take as take_step
from include.dedupe.planning.effort import choose_effort
from include.dedupe.planning.own_folder import claim_folder
from include.dedupe.reviewing.address import HELD_TASK
from include.dedupe.settings.config import find_collection
from include.dedupe.settings.dry_run import is_dry
from include.orchestration.assets import GATE, asset
from include.orchestration.context import (
    address,
    attempt,
    open_gate_run,
    parameters,
    require_writer,
    write_address,
)
from include.orchestration.signals import measure

INCOMING = "incoming"
DRY_WITHOUT_SEARCH = (
    "This Flow does not search with an analysis, so a dry run could say nothing: pictures are compared as "
    "documents that are pending, which writes to the collection. Set dry_run: false."
)


def take(collection: str) -> list[str]:
    """Read what came and return the names of its chunks."""
    config, context = find_collection(collection), get_current_context()
    params, dag_run = parameters(), context["dag_run"]
    require_gate(config)
    run = open_gate_run(collection)
    claim_folder(run, attempt(), dag_run.start_date, TAKE, lambda: read_gate_plan(run).taken_at)
    locations = resolve_locations(_given(params), config, dag_run.data_interval_start or dag_run.run_after)
    dry_run = is_dry(params.get("dry_run"), config.dry_run)

    async def look() -> tuple[bool, int]:
        if not dry_run:
            await require_writer(config)  # fails now, not after the analysis
        async with open_writer(address(config)) as writer:
            by_analysis = await searches_by_analysis(writer, run.lasting, config)
            return by_analysis, (await writer.reader.select()).num_found

    by_analysis, documents = asyncio.run(look())
    if dry_run and not by_analysis:
        raise GateError(DRY_WITHOUT_SEARCH)
    plan = take_step(
        run,
        attempt(),
        config,
        locations,
        by_analysis=by_analysis,
        effort=choose_effort(config.scan.mode, documents),
        dry_run=dry_run,
        most=conf.getint("core", "max_map_length"),
    )
    return list(plan.chunks)


def analyze(collection: str, chunk: str) -> dict[str, int]:
    """Analyse the pictures of one chunk."""
    run = open_gate_run(collection)
    plan = read_gate_plan(run)

    async def work() -> dict[str, int]:
        async with open_writer(address(plan.config), plan.gate.in_flight) as writer:
            return await analyze_step(writer, run, attempt(), chunk)

    return asyncio.run(work())


def check(collection: str, chunk: str) -> dict[str, int]:
    """Search for the pictures of one chunk."""
    run = open_gate_run(collection)
    plan = read_gate_plan(run)

    async def work() -> dict[str, int]:
        async with open_flow(address(plan.config), plan.gate.in_flight) as flow:
            return await check_step(flow, run, attempt(), chunk)

    return asyncio.run(work())


def decide(collection: str) -> dict[str, int]:
    return decide_step(open_gate_run(collection), attempt())


def index(collection: str) -> dict[str, int]:
    """Carry out what was decided; before the first overwriting, check that it can be taken back."""
    run = open_gate_run(collection)
    plan = read_gate_plan(run)

    async def work() -> dict[str, int]:
        reads = plan.dry_run
        async with open_writer(address(plan.config) if reads else write_address(plan.config)) as writer:
            if plan.gate.overwrites and not plan.dry_run:
                if not has_passed(run.lasting, plan.config):
                    await check_trust(writer, run.lasting, plan.config)
                require_check(run.lasting, plan.config)
            return await index_step(writer, run, attempt())

    return asyncio.run(work())


def report(collection: str) -> dict[str, Any]:
    """Write the report; fail where more documents failed than the settings allow."""
    run = open_gate_run(collection)
    summary = report_step(run, attempt())
    told = {"run": run.address, "held": summary["held"], "dry_run": summary["dry_run"], **summary["outcomes"]}
    get_current_context()["outlet_events"][asset(GATE, collection)].extra = told
    measure("gate", collection, summary["outcomes"])
    require_few_failures(run)
    return told


def settle(collection: str) -> dict[str, int]:
    """Carry out what a person has said of what is held, and write the report anew."""
    run = open_gate_run(collection)
    answer = get_current_context()["ti"].xcom_pull(task_ids=HELD_TASK)
    if not answer["question"]:
        return {}
    plan, question = read_gate_plan(run), read_question(run, answer["question"])
    said = _said(answer, question)
    by = (answer["responded_by_user"] or {}).get("name") or "nobody"

    async def work() -> dict[str, int]:
        async with open_writer(write_address(plan.config)) as writer:
            return await settle_step(writer, run, question, by, said)

    counts = asyncio.run(work()) if said != Said() else {}
    report_step(run, attempt())
    return counts


def _said(answer: dict[str, Any], question: Question) -> Said:
    """Return what was said of each document: those that are not named have the chosen option."""
    given = answer["params_input"] or {}
    let, reject, link = (frozenset(given.get(name) or ()) for name in NAMED)
    rest = frozenset(row.id for row in question.held) - let - reject - link
    chosen = answer["chosen_options"]
    return Said(
        let | (rest if chosen == [LET_IN] else frozenset()),
        reject | (rest if chosen == [REJECT] else frozenset()),
        link,
    )


def _given(params: Any) -> list[str]:
    """Return where the run was told to take from: by its parameter, else by the events that started it."""
    if params.get(INCOMING):
        return [params[INCOMING]]
    events = get_current_context().get("triggering_asset_events") or {}
    extras = [event.extra or {} for found in events.values() for event in found]
    return [str(extra[INCOMING]) for extra in extras if extra.get(INCOMING)]
