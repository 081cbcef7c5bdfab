"""Airflow below a path, as behind a proxy that serves other things, too: the page stays below it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Page, expect

from include.dedupe.reviewing.address import page_address
from include.dedupe.rundir import RunDir
from include.dedupe.verdicts import read_verdicts
from include.demo.processes import free_port, running
from tests.plugin.site import OWN, Site
from tests.support.made import Made

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
OpenPage = Callable[..., Page]
RUN_ID = "manual__2026-11-28T10:00:00+00:00"


@pytest.fixture(scope="module")
def below(site: Site) -> Iterator[Site]:
    """Another API server of the same Airflow, whose address has a path."""
    site.wait()
    port = free_port()
    base = f"http://localhost:{port}/airflow"
    environment = {**site.environment, "AIRFLOW__API__PORT": str(port), "AIRFLOW__API__BASE_URL": base}
    made = replace(site, base=base, environment=environment, tokens={}, log_name="below.log")
    command = [sys.executable, "-m", "airflow", "api-server", "--apps", "core"]
    with running(command, environment, made.log) as process:
        made.process = process
        made.wait()
        yield made
        process.kill()


@pytest.fixture(scope="module")
def run(below: Site) -> RunDir:
    below.collection("below")
    return Made(below.storage, "below").make(run_id=RUN_ID)


def test_all_that_a_person_does_stays_below_the_path(below: Site, run: RunDir, open_page: OpenPage) -> None:
    page = open_page()
    page.context.add_cookies([{"name": "_token", "value": below.token("admin"), "url": below.base}])
    asked: list[str] = []
    failed: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("response", lambda answer: failed.append(answer.url) if answer.status in (404, 405) else None)
    page.goto(f"{below.base}/plugin/duplicates")
    frame = page.frame_locator("iframe")
    frame.get_by_role("link", name="below", exact=True).click()
    expect(frame.get_by_role("heading", name="Duplicates in below")).to_be_visible()
    frame.get_by_role("link", name=RUN_ID).click()
    expect(frame.locator(".cluster")).to_have_count(3)
    frame.get_by_role("button", name="Reject").first.click()
    expect(frame.locator(".told")).to_contain_text("Rejected")
    frame.get_by_role("link", name="What will happen").click()
    expect(frame.get_by_role("heading", name="What changed")).to_be_visible()
    frame.get_by_role("link", name="See the clusters").click()
    frame.locator(".cluster .name").first.click()
    expect(frame.locator(".document").first).to_be_visible()
    expect(frame.locator(".graph canvas").first).to_be_visible()
    frame.get_by_role("link", name="Duplicates").click()
    expect(frame.get_by_role("region", name="Collection below")).to_be_visible()
    assert [one.kind for one in read_verdicts(run.lasting)] == ["reject"]
    own = [url for url in asked if url.startswith("http")]
    assert [url for url in own if not urlsplit(url).path.startswith("/airflow/")] == []
    assert [url for url in failed if "/duplicates/" in url] == []


def test_its_addresses_lead_there(below: Site, run: RunDir) -> None:
    session = requests.Session()
    session.cookies.set("_token", below.token("admin"))
    address = page_address(below.base, "below", RUN_ID)
    assert session.get(address, timeout=30).status_code == 200
    overview, frame = f"{below.base}/duplicates/", f"{below.base}/plugin/duplicates"
    framed = {"Referer": f"{frame}{urlsplit(address).path}"}
    assert session.get(overview, headers=framed, timeout=30).url == address
    for other in (frame, f"{frame}/airflow/duplicates/", f"{frame}//elsewhere.example/", address):
        assert session.get(overview, headers={"Referer": other}, timeout=30).url == overview
    refused = requests.get(address, headers={"Accept": "text/html"}, timeout=30)
    assert refused.status_code == 401
    assert 'href="/airflow/auth/login?next=' in refused.text
    from_there = {**OWN, "Origin": below.base.removesuffix("/airflow")}
    answer = session.post(
        below.run_data("below", "selection", RUN_ID), json={}, headers=from_there, timeout=30
    )
    assert answer.status_code == 200, answer.text
