"""Every page in light, dark and on a phone: no serious fault, and nothing wider than the screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from include.dedupe.tables import CLUSTERS
from tests.plugin.looks import AXE, CHECK, MODES
from tests.plugin.site import Site
from tests.support.made import Made

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
OpenPage = Callable[..., Page]
RUN_ID = "run-1"


@pytest.fixture(scope="module")
def addresses(site: Site) -> dict[str, str]:
    site.collection("looks", policies={"exact": {"do": "delete"}})
    made = Made(site.storage, "looks")
    run = made.make(run_id=RUN_ID, policies={"exact": {"do": "delete"}})
    below = site.run_page("looks", RUN_ID)
    name = run.read_table("clusters", "clusters", CLUSTERS)["cluster_id"].iloc[0]
    return {
        f"{site.pages}/": ".collection",
        f"{site.pages}/dedupe_looks/": "table",
        below: ".cluster",
        f"{below}clusters/{name}": ".document",
        f"{below}approval": "table",
        f"{below}sample": "table",
    }


@pytest.mark.parametrize("mode", MODES)
def test_no_serious_fault(addresses: dict[str, str], open_page: OpenPage, mode: str) -> None:
    page = open_page(bypass_csp=True, **MODES[mode])
    for address, shown in addresses.items():
        page.goto(address)
        expect(page.locator(shown).first).to_be_visible()
        page.add_script_tag(path=AXE)
        assert page.evaluate(CHECK) == [], address
        too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert too_wide <= 0, address


def test_dialogs_hold_the_focus_and_give_it_back(addresses: dict[str, str], open_page: OpenPage) -> None:
    page = open_page(bypass_csp=True)
    address = next(one for one, shown in addresses.items() if shown == ".document")
    page.goto(address)
    button = page.get_by_role("button", name="Compare").first
    button.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.add_script_tag(path=AXE)
    assert page.evaluate(CHECK) == []
    for _ in range(10):
        page.keyboard.press("Tab")
    assert page.evaluate(
        "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
    )
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()


def test_airflows_own_choice_of_light_or_dark_wins(addresses: dict[str, str], open_page: OpenPage) -> None:
    page = open_page(color_scheme="light")
    page.goto(next(iter(addresses)))
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.evaluate("localStorage.setItem('theme', 'dark')")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_what_is_drawn_comes_from_this_server_alone(
    site: Site, addresses: dict[str, str], open_page: OpenPage
) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith((site.base, "blob:"))] == []
