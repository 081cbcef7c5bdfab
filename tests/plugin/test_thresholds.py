"""What if: a part of the clusters' page says what other thresholds would group and delete."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page, expect

from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.dedupe.rundir import Attempt
from tests.plugin.looks import AXE, CHECK, MODES
from tests.plugin.site import Site
from tests.support.made import Made

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
OpenPage = Callable[..., Page]
POLICIES = {"exact": {"do": "delete"}}


@pytest.fixture(scope="module")
def collection(site: Site) -> str:
    site.collection("thresholds", policies=POLICIES)
    made = Made(site.storage, "thresholds")
    report(
        made.make(run_id="told", policies=POLICIES, report={"pictured_clusters": 0}),
        Attempt(),
        WebPictures("", ()),
    )
    made.make(run_id="untold", policies=POLICIES)
    return "thresholds"


@pytest.mark.parametrize("mode", MODES)
def test_it_opens_without_a_fault(site: Site, collection: str, open_page: OpenPage, mode: str) -> None:
    page = open_page(bypass_csp=True, **MODES[mode])
    page.goto(site.run_page(collection, "told"))
    page.get_by_text("What if the threshold were another?").click()
    expect(page.get_by_role("img", name="Documents and clusters from each threshold up")).to_be_visible()
    expect(page.get_by_role("img", name="Bytes freed from each threshold up")).to_be_visible()
    expect(page.locator(".thresholds")).to_contain_text("the collection has no calibration")
    page.get_by_text("The same in figures").click()
    row = page.get_by_role("row", name="0.95 exact deletes from")
    expect(row).to_contain_text("3")
    page.add_script_tag(path=AXE)
    assert page.evaluate(CHECK) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_run_without_a_report_says_so(site: Site, collection: str, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site.run_page(collection, "untold"))
    page.get_by_text("What if the threshold were another?").click()
    expect(page.get_by_text("The report of this run does not tell.")).to_be_visible()


def test_nobody_reads_it_who_may_not_read_the_collection(
    site: Site, collection: str, session: Callable[[str], requests.Session]
) -> None:
    address = site.run_data(collection, "thresholds", "told")
    assert requests.get(address, timeout=60).status_code == 401
    assert session("admin").get(address, timeout=60).json()["marks"]["near"] == 0.7
