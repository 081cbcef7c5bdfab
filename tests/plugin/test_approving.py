"""The run's question answered from the page, with the hash of exactly what was seen, and carried out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import FrameLocator, Page, Route, expect

from include.dedupe.deciding.supersede import register_decisions
from include.dedupe.planning.plan import read_plan
from include.dedupe.rundir import RunDir
from tests.plugin.asked import Asked, asking
from tests.plugin.site import CAT, COFFEE, OWN, Site, aside
from tests.support.made import TRIO, Made

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
OpenPage = Callable[..., Page]
Sessions = Callable[[str], requests.Session]
DOCUMENTS = {name: (CAT, {}) for name in ("cat", "cat copy")} | {
    name: (COFFEE, {}) for name in ("coffee", "coffee copy")
}


@pytest.fixture
def asked(site: Site, tmp_path: Path) -> Iterator[Asked]:
    site.collection("asked", dry_run=False)
    aside(lambda: site.acting("asked").fill(DOCUMENTS))
    with asking(site, "dedupe_asked", {"scope": "full", "dry_run": "no"}, tmp_path / "run.log") as run:
        yield run


def choose(frame: FrameLocator, clusters: str) -> None:
    field = frame.get_by_label("Clusters", exact=True)
    field.fill(clusters)
    field.press("Tab")


def change_ones_mind(page: Page, frame: FrameLocator, name: str) -> None:
    """While the answer about a part is on its way nothing can be approved; late, it shows nothing more."""
    late: list[Route] = []

    def hold(route: Route) -> None:
        late.append(route)

    page.route(re.compile("effect.only_clusters"), hold)
    with page.expect_request(re.compile("effect.only_clusters")):
        choose(frame, name)
    expect(frame.get_by_role("button", name="Approve: 2 documents")).to_be_disabled()
    choose(frame, "")
    expect(frame.get_by_role("button", name="Approve: 2 documents")).to_be_enabled()
    with page.expect_response(re.compile("effect.only_clusters")):
        late.pop().continue_()
    page.unroute_all()


def try_parts(frame: FrameLocator, admin: requests.Session, site: Site, run_id: str, name: str) -> None:
    """Choose one of two clusters and none; look at the report; approve nothing of it."""
    below = site.run_data("asked", "", run_id)
    choose(frame, name)
    expect(frame.get_by_text("1 document would stay open")).to_be_visible()
    expect(frame.get_by_role("button", name="Approve: 1 document")).to_be_enabled()
    choose(frame, "")
    expect(frame.get_by_text("would stay open")).to_have_count(0)
    part = {"only_clusters": name}
    effect = admin.get(f"{below}effect", params=part, timeout=30).json()
    assert (effect["acts"], effect["part"]["acts"], effect["part"]["deletes"]) == (2, 1, 1)
    report = admin.get(f"{site.run_page('asked', run_id)}report", timeout=30)
    assert "Duplicates in asked" in report.text
    assert "script-src" not in report.headers["Content-Security-Policy"]
    none = {"hash": effect["hash"], "approve": True, "score_to": 0.1}
    assert admin.post(f"{below}answer", json=none, headers=OWN, timeout=30).status_code == 409


def test_what_was_seen_is_approved_and_carried_out(
    site: Site, asked: Asked, session: Sessions, open_page: OpenPage
) -> None:
    admin = session("admin")
    question = asked.question(admin)
    run_id = question["task_instance"]["dag_run_id"]
    assert f"]({site.base}/plugin/duplicates/duplicates/dedupe_asked/runs/" in question["body"]
    link = question["body"].partition("](")[2].partition(")")[0]
    assert (
        admin.get(site.run_data("asked", "summary", run_id), timeout=30).json()["run"]["state"] == "waiting"
    )

    page = open_page()
    page.goto(link)
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("This run waits for an answer.")).to_be_visible()
    expect(frame.get_by_role("button", name="Approve: 2 documents")).to_be_enabled()

    below = site.run_data("asked", "", run_id)
    rows = admin.get(f"{below}clusters", timeout=30).json()["rows"]
    coffee = next(row for row in rows if row["members"][0]["id"].startswith("coffee"))
    try_parts(frame, admin, site, run_id, coffee["name"])
    change_ones_mind(page, frame, coffee["name"])
    said = {"kind": "reject", "cluster": coffee["name"], "state": coffee["state"]}
    assert admin.post(f"{below}verdicts", json=said, headers=OWN, timeout=30).ok

    frame.get_by_role("button", name="Approve: 2 documents").click()
    frame.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(frame.get_by_text("The decisions are not those that you saw.")).to_be_visible()
    expect(frame.get_by_role("region", name="What changed")).to_contain_text("coffee")
    assert asked.question(admin)["task_instance"]["dag_run_id"] == run_id

    frame.get_by_label("Policy").select_option("delete")
    frame.get_by_role("button", name="Approve: 1 document").click()
    frame.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(frame.get_by_text("Answered: Approve, only_decisions delete, by admin")).to_be_visible()
    again = {"hash": "0123456789abcdef", "approve": False}
    assert admin.post(f"{below}answer", json=again, headers=OWN, timeout=30).status_code == 409

    asked.wait_for(asked.is_over)
    run = RunDir(str(site.storage), "asked", run_id)
    record = json.loads(run.storage.read("record/record.json"))
    assert record["answer"]["responded_by_user"]["name"] == "admin"
    assert len(aside(site.acting("asked").documents)) == 3
    page.goto(site.run_page("asked", run_id))
    assert admin.get(f"{below}summary", timeout=30).json()["run"]["state"] == "applied"
    page.goto(f"{site.pages}/dedupe_asked/")
    expect(page.get_by_role("table")).to_contain_text("applied")
    page.goto(f"{site.base}/dags/dedupe_asked/plugin/duplicates-of-dag")
    expect(page.frame_locator("iframe").get_by_role("link", name=run_id)).to_be_visible()


def test_a_question_that_a_newer_run_has_overtaken_cannot_be_approved(
    site: Site, asked: Asked, session: Sessions, open_page: OpenPage
) -> None:
    admin = session("admin")
    run_id = asked.question(admin)["task_instance"]["dag_run_id"]
    below = site.run_data("asked", "", run_id)
    digest = admin.get(f"{below}effect", timeout=30).json()["hash"]
    page = open_page()
    page.goto(f"{site.run_page('asked', run_id)}approval")
    approve = page.get_by_role("button", name="Approve:")
    expect(approve).to_be_enabled()

    newer = Made(site.storage, "asked").make(TRIO, "newer", "2999-01-01T00:00:00+00:00")
    register_decisions(newer, read_plan(newer), newer.result("decide").result["hash"])
    approve.click()
    page.get_by_role("dialog").get_by_role("button", name="Approve").click()
    expect(page.get_by_text("The newer run newer has decided anew")).to_be_visible()
    expect(page.locator(".told")).to_contain_text("Run newer has decided anew; approve that one.")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    given = {"hash": digest, "approve": True}
    assert admin.post(f"{below}answer", json=given, headers=OWN, timeout=30).status_code == 409
    assert admin.get(f"{below}question", timeout=30).json()["answered_at"] is None
    assert admin.get(f"{below}summary", timeout=30).json()["run"]["state"] == "superseded"

    page.get_by_role("button", name="Reject all").click()
    page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Answered: Reject, by admin")).to_be_visible()
    asked.wait_for(asked.is_over)
    assert set(aside(site.acting("asked").documents)) == set(DOCUMENTS)
