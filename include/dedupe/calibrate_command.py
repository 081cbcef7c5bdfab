"""The command that measures which thresholds are right for a collection. It writes nothing to it."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
from typing import Any

from include.dedupe.acting.client_writer import locate_flow, open_writer
from include.dedupe.calibrating.ask import ask
from include.dedupe.calibrating.page import CalibrationPictures
from include.dedupe.calibrating.pick import CALIBRATIONS, pick
from include.dedupe.calibrating.report import read_calibration_of, report
from include.dedupe.connect import origin_of
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.settings.config import find_collection
from include.dedupe.storage import default_storage
from include.safe_text import tell


def add_calibrate_command(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the parser; it sets ``command`` to what runs it and returns the exit code."""
    parser = commands.add_parser("calibrate", help="measure which thresholds are right; writes nothing")
    parser.add_argument("collection", help="name of the collection's YAML file")
    parser.add_argument("--flow", metavar="URL", help="where Flow is, instead of flow.connection")
    parser.add_argument("--run", metavar="ID", help="go on with this calibration, which was interrupted")
    parser.set_defaults(command=run_calibrate)


def run_calibrate(options: argparse.Namespace) -> int:
    config = find_collection(options.collection)
    name = options.run or dt.datetime.now(dt.UTC).strftime("manual__%Y-%m-%dT%H%M%S")
    run = RunDir(config.storage or default_storage(), options.collection, name, CALIBRATIONS)
    tell(f"calibration {name}; if it is interrupted, go on with --run {name}")
    calibration = asyncio.run(_calibrate(run, options.flow))
    for line in calibration["says"]:
        tell(line)
    for setting, proposal in calibration["proposals"].items():
        tell(f"scan.{setting}: {proposal['says']}")
    tell(f"report {run.address}/report/calibration.html")
    return 0


async def _calibrate(run: RunDir, url: str | None) -> dict[str, Any]:
    config = find_collection(run.collection)
    address = locate_flow(config, url)
    async with open_writer(address, config.calibrate.in_flight) as writer:
        picked = await pick(writer, run, Attempt(), config)
        for partition, _ in picked.partitions:
            await ask(writer, run, Attempt(), partition)
        pictures = CalibrationPictures(origin_of(address), picked.config)
    await asyncio.to_thread(report, run, Attempt(), pictures)
    return read_calibration_of(run)
