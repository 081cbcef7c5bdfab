"""Runs that are empty, huge, superseded, failed or damaged: the page says so and goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil
import pytest
import requests
from playwright.sync_api import Page, expect

from include.dedupe.deciding.supersede import register_decisions
from include.dedupe.planning.plan import read_plan
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.dedupe.reviewing.state import open_state
from tests.plugin.site import OWN, Site
from tests.support.acting import FIRST
from tests.support.made import PAIR, TRIO, Made

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
OpenPage = Callable[..., Page]
Sessions = Callable[[str], requests.Session]
MANY = 100_000
POLICIES = {"policies": {"exact": {"do": "delete"}}}


def made(site: Site, name: str) -> Made:
    site.collection(name)
    return Made(site.storage, name)


def test_a_collection_without_runs_and_a_run_without_clusters(site: Site, open_page: OpenPage) -> None:
    empty = made(site, "empty")
    page = open_page()
    page.goto(f"{site.pages}/dedupe_empty/")
    expect(page.get_by_text("No run yet. Trigger the DAG dedupe_empty.")).to_be_visible()
    empty.make([], "run-1", fields={})
    page.goto(site.run_page("empty", "run-1"))
    expect(page.get_by_text("0 clusters fit")).to_be_visible()


def test_states_are_told_and_one_broken_run_hides_no_other(
    site: Site, session: Sessions, open_page: OpenPage
) -> None:
    states = made(site, "states")
    states.make(TRIO, "older", "2026-01-01T00:00:00+00:00", **POLICIES)
    states.make(TRIO, "failing", "2026-01-02T00:00:00+00:00", **POLICIES)
    damaged = states.make(PAIR, "damaged", "2026-01-03T00:00:00+00:00", **POLICIES)
    damaged.storage.write("plan/plan.json", b"{")
    (site.folder / "collections" / "wrong.yaml").write_text("flow: 3")
    fail = (
        "import datetime as dt; from airflow.utils.session import create_session;"
        "from airflow.models.dagrun import DagRun; now = dt.datetime.now(dt.UTC)\n"
        "with create_session() as session: session.add(DagRun(dag_id='dedupe_states', run_id='failing',"
        " run_type='manual', state='failed', run_after=now, logical_date=None))"
    )
    site.in_airflow("-c", fail)
    page = open_page()
    page.goto(f"{site.pages}/")
    expect(page.get_by_role("region", name="Collection wrong")).to_contain_text("wrong.yaml")
    page.goto(f"{site.pages}/dedupe_states/")
    for run_id, state in {"failing": "failed", "damaged": "damaged"}.items():
        expect(page.locator("tr", has_text=run_id)).to_contain_text(state)
    page.goto(site.run_page("states", "damaged"))
    expect(page.locator(".note.bad")).to_contain_text("The files of this run cannot be read.")
    (site.folder / "collections" / "wrong.yaml").unlink()


def test_a_superseded_run_names_the_newer_one_and_cannot_be_approved(
    site: Site, session: Sessions, open_page: OpenPage
) -> None:
    superseded = made(site, "superseded")
    for run_id, created_at in {"older": "2026-01-01", "newer": "2026-01-02"}.items():
        run = superseded.make(TRIO, run_id, f"{created_at}T00:00:00+00:00", **POLICIES)
        report(run, FIRST, WebPictures(site.flow.base, ()))
        register_decisions(run, read_plan(run), run.result("decide").result["hash"])
    page = open_page()
    page.goto(f"{site.pages}/dedupe_superseded/")
    expect(page.locator("tr", has=page.get_by_role("link", name="older"))).to_contain_text("by newer")
    expect(page.locator("tr", has=page.get_by_role("link", name="newer"))).to_contain_text("waiting")
    page.goto(site.run_page("superseded", "older"))
    expect(page.locator(".note.warn")).to_contain_text("A newer run has decided anew")
    expect(page.locator(".note.warn")).to_contain_text("The newer run: newer")
    page.get_by_role("link", name="What will happen").click()
    expect(page.locator(".note")).to_contain_text("A newer run has decided anew; this one does nothing.")
    expect(page.get_by_role("button")).to_have_count(0)
    admin = session("admin")
    effect = admin.get(site.run_data("superseded", "effect", "older"), timeout=30).json()
    assert effect["superseded_by"] == "newer"
    given = {"hash": effect["hash"], "approve": True}
    answer = admin.post(site.run_data("superseded", "answer", "older"), json=given, headers=OWN, timeout=30)
    assert answer.status_code == 409
    assert "Run newer has decided anew" in answer.json()["detail"]


def test_a_run_of_100000_clusters_opens_at_once(site: Site, session: Sessions, open_page: OpenPage) -> None:
    edges = [(f"{number:06} a", f"{number:06} b", 0.95 + number % 50 / 1000) for number in range(MANY)]
    open_state(made(site, "huge").make(edges, "run-1", fields={}, **POLICIES))  # as the report of a run does
    admin = session("admin")
    admin.get(f"{site.pages}/", timeout=120)  # builds the page
    server = psutil.Process(site.process.pid) if site.process else psutil.Process()
    before = server.memory_info().rss
    opened = [timed(admin, site.run_data("huge", "clusters?limit=30", "run-1")) for _ in range(3)]
    filtered = timed(admin, site.run_data("huge", "clusters?text=099999&sort=weakest", "run-1"))
    grown = (server.memory_info().rss - before) / 1e6
    print(
        f"{MANY:,} clusters: the first look takes {opened[0]:.2f} s, later ones {opened[-1]:.2f} s, "
        f"a search in ids {filtered:.2f} s; the server grew by {grown:.0f} MB"
    )
    page = open_page()
    page.goto(site.run_page("huge", "run-1"))
    expect(page.get_by_text(f"{MANY:,} clusters fit, 30 shown.")).to_be_visible()
    page.get_by_role("button", name="Show more").click()
    expect(page.get_by_text("60 shown.")).to_be_visible()
    page.locator(".selection").get_by_role("button", name=f"All {MANY:,} that fit").click()
    page.locator(".selection").get_by_role("button", name="Skip").click()
    expect(page.get_by_role("dialog")).to_contain_text("100,000 clusters with 200,000 documents")


def timed(session: requests.Session, address: str) -> float:
    began = time.monotonic()
    answer = session.get(address, timeout=120)
    assert answer.status_code == 200, answer.text
    return time.monotonic() - began
