from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from PIL import Image

from include.dedupe.csv_table import read_csv
from include.dedupe.reporting.pictures import Thumbnail, WebPictures, about
from include.dedupe.reporting.report import report
from include.dedupe.rundir import Attempt
from include.orchestration.result import result_lines
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


def test_clusters_come_before_the_partitions_with_what_is_known_of_each_picture(tmp_path: Path) -> None:
    run = Made(tmp_path).make()
    report(run, Attempt(), Drawn())
    html = run.storage.read("report/report.html").decode()
    assert html.index("<h2>Clusters</h2>") < html.index("<h2>Partitions</h2>")
    assert "PNG, 40 x 30, " in html
    assert "<h2>What could not be read</h2>" not in html


def test_pictures_that_cannot_be_shown_are_listed_and_counted(tmp_path: Path) -> None:
    run = Made(tmp_path).make()
    report(run, Attempt(), WebPictures("", ()))
    html = run.storage.read("report/report.html").decode()
    assert "no picture: " in html.partition("<h2>What could not be read</h2>")[2]
    pictures = json.loads(run.storage.read("report/summary.json"))["pictures"]
    assert pictures["missing"] == pictures["count"] > 0
    assert pictures["problem"]
    told = f"{pictures['count']} of {pictures['count']} could not be shown: {pictures['problem']}"
    assert f"pictures     {told}" in list(result_lines(run))


def test_clusters_csv_has_a_header_and_a_line_for_each_document(tmp_path: Path) -> None:
    run = Made(tmp_path).make(report=UNSEEN)
    report(run, Attempt(), WebPictures("", ()))
    rows = read_csv(run.storage.read("report/clusters.csv"))
    lines = run.storage.read("report/duplicates.csv").decode().splitlines()
    summary = json.loads(run.storage.read("report/summary.json"))["clusters"]
    assert (len({row["cluster_id"] for row in rows}), len(rows)) == (summary["count"], summary["documents"])
    assert len(lines) == summary["count"]
    assert list(rows[0]) == ["cluster_id", "size", "class", "id", "image", "decision", "keeper", "reason"]
    assert {row["decision"] for row in rows} >= {"keep"}


class Drawn(WebPictures):
    """Pictures at any address."""

    def __init__(self) -> None:
        super().__init__("", ())

    def thumbnails(self, addresses: Iterable[str]) -> Mapping[str, Thumbnail]:
        file = io.BytesIO()
        Image.new("RGB", (40, 30)).save(file, "PNG")
        return {one: Thumbnail("data:,", about=about(file.getvalue())) for one in addresses}
