"""The stages as Airflow tasks: each reads its context, calls one stage, and returns counts.

What a task returns goes through XCom, so it names partitions and counts, never documents.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule, get_current_context

from include.dedupe.cluster import cluster as cluster_stage
from include.dedupe.config import CollectionConfig, find_collection
from include.dedupe.connect import open_flow
from include.dedupe.errors import ConfigError, DedupeError, OutageError, ScanFailedError
from include.dedupe.merge import merge as merge_stage
from include.dedupe.pictures import WebPictures
from include.dedupe.plan import Plan, read_plan
from include.dedupe.plan import plan as plan_stage
from include.dedupe.report import report as report_stage
from include.dedupe.rundir import Attempt, RunDir, default_storage
from include.dedupe.scan import ScanStats
from include.dedupe.scan import scan as scan_stage
from include.dedupe.scope import resolve_scope
from include.flow_client import FlowAddress, FlowAddressError, FlowAuthError, FlowRequestError
from include.orchestration.hook import FlowHook

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule([ScanFailedError, OutageError], RetryAction.RETRY, retry_delay=timedelta(minutes=1)),
        RetryRule(DedupeError, RetryAction.FAIL, reason="the same input would fail again"),
        RetryRule(
            [FlowAddressError, FlowAuthError, FlowRequestError],
            RetryAction.FAIL,
            reason="Flow refuses this request, now and later",
        ),
    ]
)
"""Try again what may pass, such as an outage; fail at once what cannot."""


def plan(collection: str) -> list[dict[str, str]]:
    """Write the plan and return its partitions."""
    context = get_current_context()
    config = find_collection(collection)
    run = _open_run(collection, config)
    dag_run = context["dag_run"]
    scope = resolve_scope(
        context["params"],
        (dag_run.data_interval_start, dag_run.data_interval_end),
        by_hand=dag_run.run_type == "manual",
    )

    async def make() -> Plan:
        async with open_flow(_address(config), in_flight=1) as flow:
            return await plan_stage(flow, run, _attempt(), config, scope)

    made = asyncio.run(make())
    return [{"name": partition.name, "label": partition.label} for partition in made.partitions]


def scan(collection: str, partition: dict[str, str]) -> dict[str, Any]:
    """Scan one partition of the plan."""
    get_current_context()["label"] = partition["label"]  # type: ignore[typeddict-unknown-key]
    run = _open_run(collection, find_collection(collection))
    config = read_plan(run).config

    async def search() -> ScanStats:
        async with open_flow(_address(config), config.scan.in_flight) as flow:
            return await scan_stage(flow, run, _attempt(), partition["name"])

    return asdict(asyncio.run(search()))


def merge(collection: str) -> dict[str, Any]:
    return asdict(merge_stage(_open_run(collection, find_collection(collection)), _attempt()))


def cluster(collection: str) -> dict[str, Any]:
    return asdict(cluster_stage(_open_run(collection, find_collection(collection)), _attempt()))


def report(collection: str) -> dict[str, Any]:
    run = _open_run(collection, find_collection(collection))
    config = read_plan(run).config
    flow_host = _address(config).root
    pictures = WebPictures(trusted=flow_host, allow_hosts=config.report.allow_hosts)
    return asdict(report_stage(run, _attempt(), pictures))


def settings_error(message: str) -> None:
    """Fail with what is wrong in a collection's settings."""
    raise ConfigError(message)


def _open_run(collection: str, config: CollectionConfig) -> RunDir:
    run_id = get_current_context()["run_id"]
    return RunDir(config.storage or default_storage(), collection, run_id)


def _attempt() -> Attempt:
    """Tell a retry from a clear: clearing a task raises its ``max_tries`` above its ``retries``."""
    ti = get_current_context()["ti"]
    return Attempt(generation=ti.max_tries - (ti.task.retries or 0), number=ti.try_number)


def _address(config: CollectionConfig) -> FlowAddress:
    return FlowHook(config.flow.connection, config.flow.collection).get_address()
