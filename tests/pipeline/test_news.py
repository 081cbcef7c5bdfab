"""What a run tells of what it added, against the live server."""

from __future__ import annotations

import json
from typing import Any

from include.dedupe.clustering.cluster import cluster
from include.dedupe.planning.plan import read_plan
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.dedupe.reviewing.summary import summarise
from include.dedupe.rundir import Attempt
from tests.pipeline.acting_fixture import CAT, COFFEE, DOCUMENTS, MOOSE, acting, policies
from tests.support.acting import FIRST, Acting

__all__ = ["acting"]
DAY_TWO = {"moose copy": (MOOSE, {"category_s": "new"}), "cat again": (CAT, {"category_s": "new"})}


def reported(acting: Acting, run_id: str, *categories: str) -> dict[str, Any]:
    run = acting.run(run_id)
    config = acting.config(**policies("tag"), fields={"category": "category_s"})
    acting.decide(run, config, categories)
    report(run, FIRST, WebPictures(acting.server.base, ()))
    found: dict[str, Any] = json.loads(run.storage.read("report/summary.json"))
    return found


def arrive(acting: Acting) -> None:
    for name, (picture, fields) in DAY_TWO.items():
        known = {"image": f"{acting.server.base}/images/{picture}", "import": acting.analyses[picture]}
        acting.change({"id": name, **known, **fields})


def test_a_range_tells_what_it_added_and_shows_the_new_first(acting: Acting) -> None:
    acting.fill({**DOCUMENTS, "coffee copy": (COFFEE, {})})
    first = reported(acting, "run-1")["news"]
    assert (first["new_clusters"], first["known_clusters"]) == (first["new_clusters"], 0)
    arrive(acting)
    summary = reported(acting, "run-2", "new")
    news, clusters = summary["news"], summary["clusters"]
    assert summary["coverage"]["scanned"] == 2
    assert (news["new_clusters"], news["changed_clusters"], news["known_clusters"]) == (1, 1, 1)
    assert news["new_documents"] == 3
    assert (news["new_exact_pairs"], news["new_near_pairs"]) == (3, 1)
    assert clusters["count"] == 3
    page = acting.run("run-2").storage.read("report/report.html").decode()
    assert news["told"] in page
    places = [page.index(f'class="news {word}"') for word in ("new", "changed", "known")]
    assert places == sorted(places)
    told = summarise(acting.run("run-2"), {}, lambda _: False).news
    assert told == news["told"]


def test_a_run_without_anything_new_says_so(acting: Acting) -> None:
    assert "2 new" not in reported(acting, "run-1")["news"]["told"]
    news = reported(acting, "run-2")["news"]
    assert news["told"] == "Nothing new; known before: 1 cluster."
    assert news["told"] in acting.run("run-2").storage.read("report/report.html").decode()


def test_what_a_run_found_before_it_was_cleared_is_not_known_before_it(acting: Acting) -> None:
    first = reported(acting, "run-1")["news"]
    run = acting.run("run-1")
    assert read_plan(run).run_id == "run-1"
    stats = cluster(run, Attempt(1, 1))
    assert (stats.new_clusters, stats.known_clusters) == (first["new_clusters"], 0)
