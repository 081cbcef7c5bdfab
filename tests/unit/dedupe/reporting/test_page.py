from __future__ import annotations

import json
from pathlib import Path

from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.dedupe.rundir import Attempt
from tests.support.made import Made

UNSEEN = {"pictured_clusters": 0}


def test_the_report_says_the_policies_and_leads_to_the_page(tmp_path: Path) -> None:
    exact = {"do": "merge", "merge_fields": {"labels": "union", "rating_i": "max"}}
    near = {"do": "delete", "after_days": 7}
    run = Made(tmp_path).make(policies={"exact": exact, "near": near}, report=UNSEEN)
    report(run, Attempt(), WebPictures("", ()), page='https://airflow/page?"<script>')
    html = run.storage.read("report/report.html").decode()
    assert "merge, bringing over labels (union), rating_i (max)" in html
    assert "delete, 7 days after it was condemned" in html
    assert 'href="https://airflow/page?&#34;&lt;script&gt;"' in html
    summary = json.loads(run.storage.read("report/summary.json"))
    assert summary["policies"]["near"]["after_days"] == 7


def test_without_a_page_or_policies_nothing_is_said_of_them(tmp_path: Path) -> None:
    run = Made(tmp_path).make(policies=None, report=UNSEEN)
    report(run, Attempt(), WebPictures("", ()))
    html = run.storage.read("report/report.html").decode()
    assert "review page" not in html
    assert "Policies" not in html


def test_what_waits_for_proof_is_counted(tmp_path: Path) -> None:
    run = Made(tmp_path).make(report=UNSEEN, guards={"max_error_rate": 0.01, "max_delete_share": 1.0})
    report(run, Attempt(), WebPictures("", ()))
    assert "4 documents would be deleted if a sample" in run.storage.read("report/report.html").decode()
