"""What the report says of decisions."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from tests.pipeline.acting_fixture import acting, policies
from tests.support.acting import FIRST, Acting

__all__ = ["acting"]


def test_it_says_what_is_to_become_of_each_document_and_why(acting: Acting) -> None:
    stats = acting.decide(acting.run(), acting.config(**policies("delete", "tag")))
    report(acting.run(), FIRST, WebPictures(acting.server.base, ()))
    storage = acting.run().storage
    assert json.loads(storage.read("report/summary.json"))["decisions"]["hash"] == stats.hash
    rows = list(csv.DictReader(io.StringIO(storage.read("report/decisions.csv").decode(), newline="")))
    said = {row["id"]: (row["decision"], row["rule"], row["keeper_id"]) for row in rows}
    assert said["cat copy"] == ("delete", "id", "cat")
    assert said["cat"][0] == "keep"
    redirects = storage.read("report/redirects.csv").decode().splitlines()
    assert redirects == ["duplicate,keeper,score,class", "cat copy,cat,1.0,exact"]
    page = storage.read("report/report.html").decode()
    assert '<b class="decision delete">delete</b>' in page
    assert "keeper by rule: most_copies" in page
    assert "policy for exact duplicates" in page
    nodes = json.loads(storage.read("report/graph.json"))["elements"]["nodes"]
    assert {node["data"]["cluster"] for node in nodes} == {row["cluster_id"] for row in rows}


@pytest.mark.parametrize(
    ("kind", "settings", "acts", "words"),
    [
        ("delete", {}, False, "A dry run: nothing is written to the collection."),
        ("delete", {}, True, "Nothing is written before a person has approved it"),
        ("delete", {"approval": {"mode": "none"}}, True, "is carried out as soon as this page is there"),
        ("report", {}, True, "Nothing is written to the collection."),
    ],
)
def test_it_says_under_the_title_whether_anything_is_written(
    acting: Acting, kind: str, settings: dict[str, Any], acts: bool, words: str
) -> None:
    acting.decide(acting.run(), acting.config(**policies(kind), **settings))
    report(acting.run(), FIRST, WebPictures(acting.server.base, ()), acts=acts)
    assert words in acting.run().storage.read("report/report.html").decode()


def test_it_says_what_is_left_of_a_cluster_at_further_thresholds(acting: Acting) -> None:
    settings = policies("report")
    acting.decide(acting.run(), acting.config(**settings, cluster={"thresholds": [1.0, 0.9999, 0.9]}))
    report(acting.run(), FIRST, WebPictures(acting.server.base, ()))
    summary = json.loads(acting.run().storage.read("report/summary.json"))
    assert summary["thresholds"] == [
        {"threshold": 0.9, "clusters": 1, "documents": 3},
        {"threshold": 0.9999, "clusters": 1, "documents": 2},
        {"threshold": 1.0, "clusters": 1, "documents": 2},
    ]
    page = " ".join(acting.run().storage.read("report/report.html").decode().split())
    assert "At further thresholds" in page
    assert "at 0.9: 1 part with 3" in page
    assert "at 0.9999: 1 part with 2" in page
