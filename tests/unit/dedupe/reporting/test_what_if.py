"""The report says what every threshold would group and delete, and what the calibration says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.calibration import keep_calibration
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.dedupe.reviewing.thresholds import Thresholds, read_thresholds
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.verdicts import give_verdict
from tests.support.calibrated import calibration
from tests.support.made import ALL, Made

UNSEEN = {"pictured_clusters": 0}


def reported(tmp_path: Path, **settings: Any) -> tuple[RunDir, dict[str, Any], str]:
    run = Made(tmp_path).make(report=UNSEEN, **settings)
    report(run, Attempt(), WebPictures("", ()))
    summary: dict[str, Any] = json.loads(run.storage.read("report/summary.json"))
    return run, summary, run.storage.read("report/report.html").decode()


def test_each_threshold_from_the_lowest_known_score_up_has_a_point(tmp_path: Path) -> None:
    _, summary, html = reported(tmp_path)
    points = {point["threshold"]: point for point in summary["what_if"]["points"]}
    assert (min(points), max(points)) == (0.7, 0.99)
    assert summary["what_if"]["marks"] == {"near": 0.7, "exact": 0.95, "deletes from": 0.95}
    at = points[0.7]
    assert (at["clusters"], at["documents"], at["deletes"], at["unknown"]) == (3, 8, 4, 1)
    assert at["bytes"] == 30 + 20 + 1000  # b, n, y; c tells none, m has no pair with o
    assert (points[0.98]["clusters"], points[0.98]["documents"]) == (3, 6)
    assert html.count('role="img"') == 2
    assert "deletes from 0.95" in html


def test_what_people_said_apart_and_who_is_protected_is_left_out(tmp_path: Path) -> None:
    made = Made(tmp_path)
    made.make(report=UNSEEN)

    give_verdict(made.run().lasting, "not_duplicate", ("x", "y"), "a test")
    run = made.make(run_id="run-2", report=UNSEEN)
    report(run, Attempt(), WebPictures("", ()))
    points = json.loads(run.storage.read("report/summary.json"))["what_if"]["points"]
    assert (points[0]["clusters"], points[0]["documents"]) == (2, 6)


def test_without_policies_what_has_most_pairs_stays_and_no_bytes_are_told(tmp_path: Path) -> None:
    _, summary, html = reported(tmp_path, policies=None)
    assert summary["what_if"]["has_sizes"] is False
    assert summary["what_if"]["points"][0]["deletes"] == 5  # c and b, m and o, y
    assert "not known" in html


def test_a_run_without_pairs_has_a_page(tmp_path: Path) -> None:
    run = Made(tmp_path).make([], report=UNSEEN)
    report(run, Attempt(), WebPictures("", ()))
    points = read_thresholds(run).points
    assert {point["documents"] for point in points} == {0}


@pytest.mark.parametrize(
    ("detector", "words"),
    [("", "no calibration"), ("made-0", "another version of the detector"), ("made-1", "At 0.7, 75 %")],
)
def test_the_calibration_is_told_next_to_the_threshold(tmp_path: Path, detector: str, words: str) -> None:
    if detector:
        keep_calibration(Made(tmp_path).run().lasting, calibration(detector))
    run, summary, html = reported(tmp_path)
    assert words in " ".join(summary["calibration"])
    assert words in html
    assert words in " ".join(read_thresholds(run).says)


def test_a_run_that_has_not_reported_tells_nothing(tmp_path: Path) -> None:
    assert read_thresholds(Made(tmp_path).make()) == Thresholds()


@pytest.mark.parametrize("threshold", [0.7, 0.8, 0.97, 0.99])
def test_a_point_is_what_a_run_with_that_threshold_decides(tmp_path: Path, threshold: float) -> None:
    edges = [*ALL, ("o", "q", 0.97), ("q", "x", 0.75), ("c", "d", 0.8), ("d", "e", 0.97)]
    both = {"exact": {"do": "delete"}, "near": {"do": "delete"}}
    run = Made(tmp_path).make(edges, report=UNSEEN, policies=both)
    report(run, Attempt(), WebPictures("", ()))
    points = json.loads(run.storage.read("report/summary.json"))["what_if"]["points"]
    scan = {"threshold": threshold, "exact_threshold": max(threshold, 0.95)}
    strong = [edge for edge in edges if edge[2] >= threshold]
    guards = {"max_delete_share": 1.0, "delete_threshold": threshold}
    moved = Made(tmp_path).make(strong, "moved", scan=scan, policies=both, guards=guards)
    clusters, decided = moved.result("clusters").result, moved.result("decide").result
    (point,) = [one for one in points if one["threshold"] == threshold]
    assert (point["clusters"], point["documents"]) == (clusters["clusters"], clusters["documents"])
    assert point["deletes"] == decided["counts"].get("delete", 0)
