"""A calibration on the demo's photographs: what it proposes, with a good detector and with bad ones."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.acting.client_writer import open_writer
from include.dedupe.calibrating import ask as asking
from include.dedupe.calibrating.ask import ask
from include.dedupe.calibrating.page import CalibrationPictures
from include.dedupe.calibrating.pick import CALIBRATIONS, pick
from include.dedupe.calibrating.report import read_calibration_of, report
from include.dedupe.calibration import place_of, read_calibration
from include.dedupe.connect import origin_of
from include.dedupe.errors import CalibrationError
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning import share
from include.dedupe.settings.config import COLLECTIONS_VARIABLE, CollectionConfig
from include.dedupe.storage import STORAGE_VARIABLE
from include.demo.make_collection import PHOTOS
from include.flow_client import FlowAddress
from tests.support.embedded_server import REPOSITORY, EmbeddedServer, launch

KINDS = ["scale", "jpeg quality", "crop", "gamma", "icon"]
FEW = {"sample": 6, "recall": 0.8, "kinds": ["scale", "crop"]}


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    server = launch(
        tmp_path_factory.mktemp("photographs") / "data",
        images=PHOTOS,
        arguments=("--allow-host", "127.0.0.1"),
    )
    server.sync(PHOTOS)
    yield server
    server.stop()


@pytest.fixture
def flow(photographs: EmbeddedServer) -> EmbeddedServer:
    photographs.clear_faults()
    photographs.clear_counts()
    return photographs


def settings(max_rps: float | None = None, **calibrate: Any) -> CollectionConfig:
    flow = {"connection": "flow_test", "collection": "my-collection"}
    scan = {"threshold": 0.6, "exact_threshold": 0.9, "max_rps": max_rps}  # not what is to be found out
    return CollectionConfig.model_validate({"flow": flow, "scan": scan, "calibrate": calibrate})


def calibrated(flow: EmbeddedServer, storage: Path, name: str = "c1", **calibrate: Any) -> dict[str, Any]:
    run = RunDir(str(storage), "photographs", name, CALIBRATIONS)
    address = FlowAddress.parse(flow.base, "my-collection")

    config = settings(**calibrate)

    async def steps() -> None:
        async with open_writer(address) as writer:
            picked = await pick(writer, run, Attempt(), config)
            for partition, _ in picked.partitions:
                await ask(writer, run, Attempt(), partition)

    asyncio.run(steps())
    report(run, Attempt(), CalibrationPictures(origin_of(address), config))
    return read_calibration_of(run)


def found_at(calibration: dict[str, Any], of: str, threshold: float) -> float:
    place, curve = place_of(threshold), calibration["recall"][of]
    assert place is not None
    found: float = curve["found"][place] / curve["asked"]
    return found


def test_the_thresholds_of_the_detector_are_recovered_and_nothing_is_written(
    flow: EmbeddedServer, tmp_path: Path
) -> None:
    told = calibrated(flow, tmp_path, sample=20, recall=0.95, kinds=KINDS)
    assert told["proposals"]["threshold"]["value"] == pytest.approx(0.70, abs=0.03)
    assert told["proposals"]["exact_threshold"]["value"] == pytest.approx(0.95, abs=0.03)
    assert found_at(told, "all", 0.70) > 0.95
    assert told["documents"] == {"drawn": 20, "asked": 20, "categories": 1, "edits": 280, "problems": []}
    exact = {kind["name"]: kind["called_exact"] for kind in told["kinds"]}
    assert (exact["scale"], exact["jpeg quality"]) == (1.0, 1.0)
    assert flow.counts()["update"] == 0
    page = (tmp_path / "photographs/calibrations/c1/report/calibration.html").read_text()
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count("data:image/jpeg") > 12
    kept = read_calibration(RunDir(str(tmp_path), "photographs", "c1").lasting)
    assert kept is not None
    assert kept["proposals"] == told["proposals"]


def test_a_detector_with_lower_scores_is_said_to_be_so_and_gets_other_thresholds(
    flow: EmbeddedServer, tmp_path: Path
) -> None:
    flow.fault("shifted", handler="duplicate", shift=0.2)
    told = calibrated(flow, tmp_path, sample=10, recall=0.8, kinds=["scale", "jpeg quality", "crop"])
    assert found_at(told, "exact", 0.9) == 0
    assert told["proposals"]["exact_threshold"]["value"] < 0.82
    assert told["proposals"]["threshold"]["value"] < 0.67
    assert any("0.9 is too high for exact duplicates" in line for line in told["says"])
    assert any("0 % of edited exact copies are called exact" in line for line in told["says"])


def test_a_detector_that_misses_a_kind_gets_no_threshold_and_the_kind_is_named(
    flow: EmbeddedServer, tmp_path: Path
) -> None:
    flow.fault("blind", handler="duplicate", formats=["GIF", "WEBP"])
    told = calibrated(flow, tmp_path, sample=6, recall=0.8, kinds=["scale", "format", "crop"])
    near, exact = (told["proposals"][name] for name in ("threshold", "exact_threshold"))
    assert (near["value"], exact["value"]) == (None, None)
    assert "None fits" in near["says"]
    assert "format (33.3 %)" in near["says"]
    assert "format (33.3 %)" in exact["says"]


def test_a_picture_that_cannot_be_had_is_a_row_with_its_cause(flow: EmbeddedServer, tmp_path: Path) -> None:
    flow.fault("missing", handler="images", skip=1, times=2)  # the first is that of the probe
    told = calibrated(flow, tmp_path, **FEW)
    problems = told["documents"]["problems"]
    assert (told["documents"]["drawn"], told["documents"]["asked"]) == (6, 4)
    assert len(problems) == 2
    assert all("/images/" in one["problem"] and "404" in one["problem"] for one in problems)
    assert told["recall"]["all"]["asked"] == 4 * 7
    assert any("2 drawn documents could not be tried" in line for line in told["says"])
    assert problems[0]["id"] in (tmp_path / "photographs/calibrations/c1/report/edits.csv").read_text()


@pytest.mark.parametrize("kind", ["unavailable", "cut"])
def test_a_picture_is_asked_for_again_when_the_cause_may_pass(
    flow: EmbeddedServer, tmp_path: Path, kind: str
) -> None:
    flow.fault(kind, handler="images", skip=1, times=2)
    told = calibrated(flow, tmp_path, sample=2, recall=0.5, kinds=["icon"])
    assert (told["documents"]["asked"], told["documents"]["problems"]) == (2, [])


def test_a_picture_whose_host_stays_busy_is_a_row_with_its_cause(
    flow: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PAUSES_S", (0.0, 0.0))
    flow.fault("unavailable", handler="images", skip=1, times=3)
    told = calibrated(flow, tmp_path, sample=2, recall=0.5, kinds=["icon"], in_flight=1)
    (problem,) = told["documents"]["problems"]
    assert "503" in problem["problem"]


def test_no_more_queries_begin_in_a_second_than_the_settings_allow(
    flow: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share, "EVERY_S", 0.1)
    rate = 5
    calibrated(flow, tmp_path, sample=4, recall=0.5, kinds=["scale"], max_rps=rate, in_flight=4)
    began = flow.began("duplicate")[-4 * (1 + 3) :]
    assert len(began) == 16
    assert began[-1] - began[0] > 0.6 * (len(began) - 1) / rate  # the first may have come late


def test_where_no_picture_can_be_had_there_is_an_error_and_no_calibration(
    flow: EmbeddedServer, tmp_path: Path
) -> None:
    flow.fault("missing", handler="images", skip=1)
    with pytest.raises(CalibrationError, match=r"None of the 6 drawn documents could be tried.*404"):
        calibrated(flow, tmp_path, **FEW)
    assert read_calibration(RunDir(str(tmp_path), "photographs", "c1").lasting) is None


def test_a_flow_that_knows_only_analyses_is_asked_with_them(flow: EmbeddedServer, tmp_path: Path) -> None:
    by_data = calibrated(flow, tmp_path, "c1", **FEW)
    flow.fault("unranked", handler="duplicate", field="rank.by.data")
    by_analysis = calibrated(flow, tmp_path, "c2", **FEW)
    assert (by_data["way"], by_analysis["way"]) == ("data", "analysis")
    assert by_data["recall"] == by_analysis["recall"]
    assert flow.counts()["update"] == 0


def test_a_flow_that_searches_with_no_picture_is_told_of(flow: EmbeddedServer, tmp_path: Path) -> None:
    flow.fault("unranked", handler="duplicate")
    with pytest.raises(CalibrationError, match="finds no document by its picture"):
        calibrated(flow, tmp_path, **FEW)


def test_a_login_that_may_not_analyse_is_enough(flow: EmbeddedServer, tmp_path: Path) -> None:
    for handler in ("analyze", "update"):
        flow.fault("unauthorized", handler=handler, token="nobody has it")
    assert calibrated(flow, tmp_path, **FEW)["documents"]["asked"] == 6


def test_a_flow_that_pauses_changes_no_figure(flow: EmbeddedServer, tmp_path: Path) -> None:
    undisturbed = calibrated(flow, tmp_path, "c1", **FEW)
    flow.fault("unavailable", handler="duplicate", skip=12, times=3)
    assert without_name(calibrated(flow, tmp_path, "c2", **FEW)) == without_name(undisturbed)


def without_name(calibration: dict[str, Any]) -> str:
    return json.dumps({**calibration, "run": "", "at": ""})


def command(flow: EmbeddedServer, tmp_path: Path, name: str) -> subprocess.Popen[str]:
    folder = tmp_path / "collections"
    folder.mkdir(exist_ok=True)
    (folder / "photographs.yaml").write_text(settings(**FEW, in_flight=1).model_dump_json())
    variables = {COLLECTIONS_VARIABLE: str(folder), STORAGE_VARIABLE: str(tmp_path)}
    words = ["calibrate", "photographs", "--flow", flow.base, "--run", name]
    return subprocess.Popen(
        [sys.executable, "-m", "include.dedupe", *words],
        cwd=REPOSITORY,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_killed_and_resumed_it_comes_to_the_same_figures_and_asks_nothing_twice(
    flow: EmbeddedServer, tmp_path: Path
) -> None:
    undisturbed = calibrated(flow, tmp_path, "whole", **FEW, in_flight=1)
    asked = tmp_path / "photographs" / "calibrations" / "killed" / "asked" / "g0" / "p00"
    process = command(flow, tmp_path, "killed")
    while process.poll() is None and len(list(asked.glob("*.json"))) < 2:
        time.sleep(0.05)
    process.kill()
    process.communicate()
    done = len(list(asked.glob("*.json")))
    assert 2 <= done < 6
    flow.clear_counts()
    told, _ = command(flow, tmp_path, "killed").communicate(timeout=200)
    assert flow.counts()["duplicate"] == (6 - done) * (7 + 1)
    assert "scan.threshold: " in told
    run = RunDir(str(tmp_path), "photographs", "killed", CALIBRATIONS)
    assert without_name(read_calibration_of(run)) == without_name(undisturbed)
