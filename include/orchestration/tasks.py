"""The stages as Airflow tasks: each reads its context, calls one stage, and returns counts.

What a task returns goes through XCom, so it names partitions and counts, never documents.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import uvloop
from airflow.sdk import get_current_context
from airflow.sdk.configuration import conf

from include.dedupe.clustering.cluster import cluster as cluster_stage
from include.dedupe.clustering.facts import gather_facts, needs_facts
from include.dedupe.clustering.merge import MergeStats
from include.dedupe.clustering.merge import merge as merge_stage
from include.dedupe.connect import open_flow, origin_of
from include.dedupe.deciding.decide import DecideStats
from include.dedupe.deciding.guards import require_guards
from include.dedupe.planning.own_folder import claim_folder
from include.dedupe.planning.plan import Plan, read_plan
from include.dedupe.planning.plan import plan as plan_stage
from include.dedupe.planning.scope import chosen, resolve_scope, settings_of_run
from include.dedupe.reporting.alerts import find_alerts
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import news_of
from include.dedupe.reporting.report import report as report_stage
from include.dedupe.reviewing.state import open_state
from include.dedupe.rundir import RunDir, read_manifest
from include.dedupe.scanning.coverage import measure_coverage
from include.dedupe.scanning.rehearsal import rehearse
from include.dedupe.scanning.scan import ScanStats
from include.dedupe.scanning.scan import scan as scan_stage
from include.dedupe.settings.config import find_collection
from include.orchestration.assets import FINDINGS, asset
from include.orchestration.context import (
    address,
    attempt,
    may_write,
    open_run,
    page_of,
    parameters,
    require_writer,
)
from include.orchestration.signals import alert, measure

log = logging.getLogger(__name__)


def plan(collection: str) -> list[dict[str, str]]:
    """Write the plan and return its partitions."""
    context = get_current_context()
    params = parameters()
    config = settings_of_run(find_collection(collection), params)
    run = open_run(collection)
    dag_run = context["dag_run"]
    claim_folder(run, attempt(), dag_run.start_date, "plan", lambda: read_plan(run).created_at)
    by_hand = dag_run.run_type == "manual" and dag_run.partition_key is None
    scope = resolve_scope(
        chosen(params, dag_run.conf or {}, by_hand=by_hand),
        (dag_run.data_interval_start, dag_run.data_interval_end),
        by_hand=dag_run.run_type == "manual",
        partition_key=dag_run.partition_key,
        lookback=timedelta(days=config.lookback_days),
    )
    most = conf.getint("core", "max_map_length")

    async def make() -> Plan:
        async with open_flow(address(config), config.scan.in_flight, lambda: address(config)) as flow:
            made = await plan_stage(flow, run, attempt(), config, scope, most=most)
            if may_write(made) and config.policies and config.policies.write:
                await require_writer(config)  # fails now, not after the scan
            await rehearse(flow, run, attempt())
            return made

    made = uvloop.run(make())
    if config.pool != "default_pool":
        log.info(
            "Scans wait for the pool %s. Is it there? python -m include.orchestration.doctor", config.pool
        )
    return [{"name": partition.name, "label": partition.label} for partition in made.partitions]


def scan(collection: str, partition: dict[str, str]) -> dict[str, Any]:
    """Scan one partition of the plan."""
    get_current_context()["label"] = partition["label"]  # type: ignore[typeddict-unknown-key]
    run = open_run(collection)
    config = read_plan(run).config

    async def search() -> ScanStats:
        async with open_flow(address(config), config.scan.in_flight, lambda: address(config)) as flow:
            return await scan_stage(flow, run, attempt(), partition["name"])

    return asdict(uvloop.run(search()))


def merge(collection: str) -> dict[str, Any]:
    """Join what the scans found to the pairs that are known of the collection."""
    run = open_run(collection)
    config = read_plan(run).config

    async def join() -> MergeStats:
        async with open_flow(address(config), config.scan.in_flight, lambda: address(config)) as flow:
            return await merge_stage(flow, run, attempt())

    return asdict(uvloop.run(join()))


def cluster(collection: str) -> dict[str, Any]:
    """Cluster the pairs; where the settings go by fields, read those of the documents first."""
    run = open_run(collection)
    config = read_plan(run).config

    async def gather() -> None:
        async with open_flow(address(config), in_flight=1) as flow:
            await gather_facts(flow, run, attempt())

    if needs_facts(config):
        uvloop.run(gather())
    return asdict(cluster_stage(run, attempt()))


def report(collection: str) -> dict[str, Any]:
    run = open_run(collection)
    plan = read_plan(run)
    config = plan.config
    pictures = WebPictures(origin_of(address(config)), allow_hosts=config.report.allow_hosts)
    page = page_of(run)
    told = page if "://" in page else ""
    stats = report_stage(run, attempt(), pictures, acts=may_write(plan), page=told)
    open_state(run)  # so that nobody waits for the page's index
    counts = _counts(run)
    get_current_context()["outlet_events"][asset(FINDINGS, collection)].extra = {**counts, **_decided(run)}
    measure("report", collection, _numbers(counts))
    alert(collection, config, find_alerts(run, plan, measure_coverage(run, plan)))
    if config.policies and may_write(plan):
        require_guards(DecideStats(**run.result("decide").result).problems, run.address)
    return asdict(stats)


def _counts(run: RunDir) -> dict[str, Any]:
    coverage = measure_coverage(run, read_plan(run))
    clusters = run.result("clusters").result
    return {
        "run": run.address,
        "coverage": coverage.share,
        **{name: getattr(coverage, name) for name in ("expected", "scanned", "failed", "vanished", "hubs")},
        **{name: clusters[name] for name in ("clusters", "exact_pairs", "near_pairs")},
        **(news_of(run) or {}),
    }


def _numbers(counts: dict[str, Any]) -> dict[str, float]:
    return {name: value for name, value in counts.items() if isinstance(value, int | float)}


def _decided(run: RunDir) -> dict[str, Any]:
    """Return where the decisions are, for those who carry them out in another database."""
    found = read_manifest(run.storage, "decide")
    return {"decisions": f"{run.address}/report/decisions.csv", "hash": found.result["hash"]} if found else {}
