"""What may not judge: a viewer, a foreign site, and text from outside."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page, expect

from include.dedupe.rundir import RunDir
from tests.plugin.judged import made, name_of, run, standing
from tests.plugin.site import HOSTILE, Site

__all__ = ["made", "run"]

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
OpenPage = Callable[..., Page]


def test_what_comes_from_outside_stays_text(site: Site, run: RunDir, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(f"{site.run_page('pictures')}?judged=all&text=%3Cscript%3Ealert(1)%3C/script%3E")
    expect(page.get_by_text("No cluster fits.")).to_be_visible()
    page.goto(f"{site.run_page('pictures')}clusters/{name_of(run, HOSTILE)}")
    expect(page.locator(".document h2", has_text=HOSTILE)).to_be_visible()
    page.goto(f"{site.run_page('pictures')}clusters/{name_of(run, 'cat')}")
    expect(page.locator(".document", has_text="cat/../third & last")).to_be_visible()
    assert page.locator("img[src=x], script:not([src])").count() == 0


def test_a_viewer_sees_no_buttons(site: Site, run: RunDir, open_page: OpenPage) -> None:
    page = open_page("viewer")
    page.goto(site.run_page("pictures"))
    expect(page.locator(".cluster")).to_have_count(4)
    assert page.get_by_role("button", name="Reject").count() == 0
    page.keyboard.press("r")
    page.wait_for_timeout(300)
    assert standing(run) == []


def test_a_form_on_a_foreign_site_judges_nothing(site: Site, run: RunDir, open_page: OpenPage) -> None:
    page = open_page()
    target = site.run_data("pictures", "verdicts")
    field = """<input name='{"kind":"reject","x":"' value='"}'>"""
    form = f"<form method=post enctype=text/plain action='{target}'>{field}</form>"
    page.route("http://foreign.example/**", lambda route: route.fulfill(body=form, content_type="text/html"))
    page.goto("http://foreign.example/")
    with page.expect_response(target) as answered:
        page.evaluate("document.forms[0].submit()")
    assert answered.value.status in (401, 403)
    assert standing(run) == []


def test_a_foreign_site_cannot_frame_the_page(site: Site, run: RunDir) -> None:
    answer = requests.get(f"{site.pages}/", timeout=30)
    assert "frame-ancestors 'self'" in answer.headers["Content-Security-Policy"]
