"""Proof by sample: pairs judged right with one key each, until deletion is unlocked."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page, expect

from include.dedupe.rundir import RunDir
from tests.plugin.site import Site
from tests.support.made import Made

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
OpenPage = Callable[..., Page]
Sessions = Callable[[str], requests.Session]
RUN_ID = "run-1"
EDGES = [(f"{number} first", f"{number} second", 0.97) for number in range(8)]
NEEDED = 5
"""Right judgements, all of them, that prove with 95 % confidence that less than half is wrong."""


@pytest.fixture
def run(site: Site) -> RunDir:
    settings = {"guards": {"max_delete_share": 1.0, "max_error_rate": 0.5}}
    site.collection("sampled", **settings)
    made = Made(site.storage, "sampled").make(
        EDGES, RUN_ID, fields={}, policies={"exact": {"do": "delete"}}, **settings
    )
    site.wait()
    return made


def effect(site: Site, session: Sessions) -> tuple[int, int]:
    found = session("admin").get(site.run_data("sampled", "effect", RUN_ID), timeout=60).json()
    return found["deletes"], found["held"]


def test_a_sample_is_judged_until_deletion_unlocks(
    site: Site, run: RunDir, session: Sessions, open_page: OpenPage
) -> None:
    assert effect(site, session) == (0, 8)
    sample = session("admin").get(f"{site.run_data('sampled', 'sample', RUN_ID)}", timeout=60).json()
    assert all("score" not in pair for pair in sample["pairs"])
    page = open_page()
    page.goto(f"{site.run_page('sampled', RUN_ID)}sample")
    band = page.get_by_role("region", name="Bands of scores").locator("tr", has_text="0.95 to 0.99")
    for left in range(NEEDED, 0, -1):
        expect(band).to_contain_text(f"{left} more, if all are right")
        key = page.locator(".asked").get_attribute("data-pair")
        page.keyboard.press("y")
        if left > 1:
            expect(page.locator(f".asked[data-pair='{key}']")).to_have_count(0)
    expect(band).to_contain_text("proven")
    assert effect(site, session) == (8, 0)


def test_a_wrong_pair_is_no_duplicate_any_more_and_can_be_judged_again(
    site: Site, run: RunDir, session: Sessions, open_page: OpenPage
) -> None:
    for name in run.lasting.names("verdicts"):
        run.lasting.remove(f"verdicts/{name}")
    page = open_page()
    page.goto(f"{site.run_page('sampled', RUN_ID)}sample")
    first = page.locator(".asked").get_attribute("data-pair")
    page.keyboard.press("n")
    expect(page.locator(".told")).to_contain_text("Wrong")
    expect(page.locator(f".asked[data-pair='{first}']")).to_have_count(0)
    proof = session("admin").get(site.run_data("sampled", "sample", RUN_ID), timeout=60).json()["proof"]
    assert sum(band["wrong"] for band in proof["bands"]) == 1
    page.keyboard.press("u")
    expect(page.locator(".asked")).to_have_attribute("data-pair", str(first))
    page.keyboard.press("y")
    expect(page.locator(f".asked[data-pair='{first}']")).to_have_count(0)
    proof = session("admin").get(site.run_data("sampled", "sample", RUN_ID), timeout=60).json()["proof"]
    assert sum(band["wrong"] for band in proof["bands"]) == 0
