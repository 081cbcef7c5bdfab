"""The calibration as Airflow tasks: each reads its context, calls one step, and returns counts."""

from __future__ import annotations

import asyncio
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.configuration import conf

from include.dedupe.acting.client_writer import open_writer
from include.dedupe.calibrating.ask import ask as ask_step
from include.dedupe.calibrating.page import CalibrationPictures
from include.dedupe.calibrating.pick import CALIBRATIONS, Picked, read_picked
from include.dedupe.calibrating.pick import STAGE as PICK
from include.dedupe.calibrating.pick import pick as pick_step
from include.dedupe.calibrating.report import report as report_step
from include.dedupe.connect import origin_of
from include.dedupe.planning.own_folder import claim_folder
from include.dedupe.settings.calibrate_settings import CalibrateSettings
from include.dedupe.settings.config import find_collection
from include.orchestration.assets import CALIBRATION, asset
from include.orchestration.context import address, attempt, open_run, parameters


def pick(collection: str) -> list[dict[str, str]]:
    """Draw the documents and return the partitions that they are in."""
    context, params = get_current_context(), parameters()
    config = find_collection(collection)
    given = {name: params[name] for name in ("sample", "seed") if params.get(name) is not None}
    settings = CalibrateSettings.model_validate({**config.calibrate.model_dump(), **given})
    config = config.model_copy(update={"calibrate": settings})
    run = open_run(collection, CALIBRATIONS)
    started_at = context["dag_run"].start_date
    claim_folder(run, attempt(), started_at, PICK, lambda: read_picked(run).picked_at)
    most = conf.getint("core", "max_map_length")

    async def work() -> Picked:
        async with open_writer(address(config), config.calibrate.in_flight) as writer:
            return await pick_step(writer, run, attempt(), config, most=most)

    return [{"name": name, "label": label} for name, label in asyncio.run(work()).partitions]


def ask(collection: str, partition: dict[str, str]) -> dict[str, int]:
    """Edit the pictures of one partition and ask Flow for each edit."""
    get_current_context()["label"] = partition["label"]  # type: ignore[typeddict-unknown-key]
    run = open_run(collection, CALIBRATIONS)
    config = read_picked(run).config

    async def work() -> dict[str, int]:
        async with open_writer(address(config), config.calibrate.in_flight) as writer:
            return await ask_step(writer, run, attempt(), partition["name"])

    return asyncio.run(work())


def report(collection: str) -> dict[str, Any]:
    """Write what was measured, and tell it to the DAGs that follow."""
    run = open_run(collection, CALIBRATIONS)
    config = read_picked(run).config
    counts = report_step(run, attempt(), CalibrationPictures(origin_of(address(config)), config))
    get_current_context()["outlet_events"][asset(CALIBRATION, collection)].extra = counts
    return counts
