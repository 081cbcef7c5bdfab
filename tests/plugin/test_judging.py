"""Look and judge: in a real browser, from the login to verdicts that stand."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Page, Route, expect

from include.dedupe.rundir import RunDir
from include.dedupe.verdicts import read_verdicts
from tests.plugin.judged import made, name_of, run, standing
from tests.plugin.site import HOSTILE, PASSWORD, RUN_ID, Site

__all__ = ["made", "run"]

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
OpenPage = Callable[..., Page]


def test_log_in_open_filter_judge_and_it_does_not_come_back(
    site: Site, run: RunDir, open_page: OpenPage
) -> None:
    page = open_page("")
    page.goto(f"{site.base}/plugin/duplicates")
    page.get_by_label("Username").fill("admin")
    page.locator("input[type=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    frame = page.frame_locator("iframe")
    frame.get_by_role("region", name="Collection pictures").get_by_role("link", name="pictures").click()
    expect(frame.get_by_role("link", name=RUN_ID)).to_have_count(1)  # the runs of other collections are gone
    frame.get_by_role("link", name=RUN_ID).click()
    expect(frame.locator(".cluster")).to_have_count(4)
    frame.get_by_label("Text").fill("COFFEE")
    frame.get_by_role("button", name="Apply").click()
    expect(frame.locator(".cluster")).to_have_count(1)
    frame.get_by_role("button", name="Reject").last.click()
    expect(frame.locator(".told")).to_contain_text("Rejected")
    coffee = name_of(run, "coffee")
    assert standing(run) == [("reject", (coffee,), "admin")]
    page.reload()
    expect(frame.locator(".cluster")).to_have_count(3)
    expect(frame.locator(f"[data-cluster='{coffee}']")).to_have_count(0)


def test_keys_judge_what_is_in_front_and_undo_takes_it_back(
    site: Site, run: RunDir, open_page: OpenPage
) -> None:
    page = open_page()
    page.goto(site.run_page("pictures"))
    expect(page.locator(".cluster.here")).to_have_count(1)
    for key, word in {"J": "next", "A": "approve", "R": "reject", "N": "not duplicates", "U": "undo"}.items():
        expect(page.locator(".legend li", has_text=re.compile(f"^{key} {word}$"))).to_be_visible()
    first = page.locator(".cluster").first.get_attribute("data-cluster")
    second = page.locator(".cluster").nth(1).get_attribute("data-cluster")
    page.keyboard.press("n")
    expect(page.locator(".told")).to_contain_text("Not duplicates")
    expect(page.locator(".cluster.here")).to_have_attribute("data-cluster", str(second))
    page.keyboard.press("a")
    expect(page.locator(".told")).to_contain_text("Approved")
    assert {(kind, ids) for kind, ids, _ in standing(run)} == {
        ("not_duplicate", (first,)),
        ("approve", (second,)),
    }
    page.keyboard.press("u")
    page.keyboard.press("u")
    page.keyboard.press("u")
    expect(page.locator(".told")).to_contain_text("Nothing was said here")
    assert standing(run) == []


def test_undo_waits_for_what_is_just_being_said(site: Site, run: RunDir, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site.run_page("pictures"))
    expect(page.locator(".cluster.here")).to_have_count(1)
    page.keyboard.press("n")
    page.keyboard.press("u")
    expect(page.locator(".told")).to_contain_text("Taken back")
    assert standing(run) == []


def test_a_note_goes_along_with_one_verdict_and_stays_text(
    site: Site, run: RunDir, open_page: OpenPage
) -> None:
    page = open_page()
    page.goto(f"{site.run_page('pictures')}?judged=all")
    expect(page.locator(".cluster.here")).to_have_count(1)
    first, second = page.locator(".cluster").first, page.locator(".cluster").nth(1)
    page.keyboard.press("m")
    note = page.get_by_label("A note for the next verdict")
    expect(note).to_be_focused()
    page.keyboard.type(f"{HOSTILE} are arts")
    page.keyboard.press("Enter")
    expect(note).not_to_be_focused()
    page.keyboard.press("r")
    expect(first.locator(".said")).to_contain_text(f"{HOSTILE} are arts")
    expect(note).to_have_value("")
    expect(second).to_have_class(re.compile("here"))
    page.keyboard.press("r")
    expect(second.locator(".said")).to_contain_text("Rejected")
    assert [one.note for one in read_verdicts(run.lasting)] == [f"{HOSTILE} are arts", ""]
    page.get_by_role("button", name="Verdicts").click()
    expect(page.get_by_role("dialog")).to_contain_text(f"{HOSTILE} are arts")
    assert page.locator("img[src=x]").count() == 0


def test_an_older_answer_that_comes_later_is_not_shown(site: Site, run: RunDir, open_page: OpenPage) -> None:
    page = open_page()
    name = name_of(run, "coffee")
    page.goto(f"{site.run_page('pictures')}clusters/{name}")
    expect(page.locator(".document")).to_have_count(2)
    held: list[tuple[Route, APIResponse]] = []
    page.route(
        re.compile(rf"/data/.*/clusters/{name}"), lambda route: held.append((route, route.fetch())), times=1
    )
    page.keyboard.press("r")
    expect(page.locator(".told")).to_contain_text("Rejected")
    while not held:
        page.wait_for_timeout(50)
    page.keyboard.press("u")
    expect(page.locator(".told")).to_contain_text("Taken back")
    route, rejected = held[0]
    route.fulfill(response=rejected)
    page.wait_for_timeout(300)
    expect(page.locator(".document")).to_have_count(2)
    expect(page.locator(".said")).to_have_count(0)
    assert standing(run) == []


def test_keys_that_are_typed_judge_nothing(site: Site, run: RunDir, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site.run_page("pictures"))
    expect(page.locator(".cluster.here")).to_have_count(1)
    page.get_by_label("Text").focus()
    page.keyboard.type("narx")
    page.keyboard.press("Control+a")
    page.get_by_role("button", name="Keys on").click()
    page.locator(".cluster").first.focus()
    page.keyboard.press("r")
    page.wait_for_timeout(300)
    assert standing(run) == []


def test_many_are_marked_and_confirmed_once(site: Site, run: RunDir, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(site.run_page("pictures"))
    page.locator(".cluster input[type=checkbox]").first.check()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator(".selection")).to_contain_text("2 clusters selected")
    page.locator(".selection").get_by_role("button", name="Reject").click()
    expect(page.get_by_role("dialog")).to_contain_text(re.compile(r"Reject: 2 clusters with \d documents\?"))
    page.keyboard.press("Escape")
    assert standing(run) == []
    page.locator(".selection").get_by_role("button", name="All 4 that fit").click()
    page.locator(".selection").get_by_role("button", name="Reject").click()
    expect(page.get_by_role("dialog")).to_contain_text("4 clusters with 9 documents")
    page.get_by_role("dialog").get_by_role("button", name="Reject: 4 clusters").click()
    expect(page.get_by_text("Nothing is left to judge here.")).to_be_visible()
    ((kind, ids, by),) = standing(run)
    assert (kind, len(ids), by) == ("reject", 4, "admin")
    page.locator(".told").get_by_role("button", name="Undo").click()
    expect(page.locator(".cluster")).to_have_count(4)
    assert standing(run) == []


def test_the_keeper_has_its_reason_and_another_one_can_stay(
    site: Site, run: RunDir, open_page: OpenPage
) -> None:
    page = open_page()
    page.goto(f"{site.run_page('pictures')}clusters/{name_of(run, 'cat')}")
    expect(page.locator(".document.keeper")).to_have_attribute("data-document", "cat")
    expect(page.locator("p", has_text="Why this one stays:")).to_contain_text("width_i")
    expect(page.locator("[data-document='cat'] .differs", has_text="width_i")).to_contain_text("900")
    expect(page.locator(".graph canvas").first).to_be_visible()
    expect(page.locator(".document.here")).to_have_attribute("data-document", "cat")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".document.here")).not_to_have_attribute("data-document", "cat")
    other = page.locator(".document.here").get_attribute("data-document")
    page.keyboard.press("e")
    expect(page.locator(".document.keeper")).to_have_attribute("data-document", str(other))
    expect(page.locator("p", has_text="Why this one stays:")).to_contain_text("a person said")
    assert standing(run) == [("keep", (other,), "admin")]
    page.keyboard.press("u")
    expect(page.locator(".document.keeper")).to_have_attribute("data-document", "cat")


def test_keys_in_the_comparison_act_on_its_pictures_only(
    site: Site, run: RunDir, open_page: OpenPage
) -> None:
    page = open_page()
    cluster = name_of(run, "cat")
    page.goto(f"{site.run_page('pictures')}clusters/{cluster}")
    expect(page.locator(".legend")).to_be_visible()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("c")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".legend")).to_contain_text("next picture")
    page.keyboard.press("3")
    expect(dialog.locator(".stage")).to_have_attribute("data-mode", "difference")
    page.keyboard.press("2")
    expect(dialog.locator(".stage")).to_have_attribute("data-mode", "blink")
    title = dialog.locator("h2").inner_text()
    page.keyboard.press("k")  # behind the dialog: the cluster before
    expect(dialog.locator("h2")).not_to_have_text(title)
    page.keyboard.press("j")
    expect(dialog.locator("h2")).to_have_text(title)
    assert cluster in page.url
    shown = title.removeprefix("cat and ")
    page.keyboard.press("n")
    expect(page.locator(".told")).to_contain_text("Not duplicates")
    assert [(kind, set(ids)) for kind, ids, _ in standing(run)] == [("not_duplicate", {"cat", shown})]
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_a_missing_picture_says_why_and_breaks_nothing_else(
    site: Site, run: RunDir, open_page: OpenPage
) -> None:
    page = open_page()
    page.goto(f"{site.run_page('pictures')}clusters/{name_of(run, 'rocket')}")
    gone = page.locator("[data-document='rocket gone']")
    expect(gone.locator(".why")).to_contain_text("No picture.")
    expect(gone.locator(".why")).to_contain_text("404")
    expect(page.locator("[data-document='rocket'] img")).to_be_visible()
    page.locator("[data-document='rocket gone']").get_by_role("button", name="Compare").click()
    expect(page.get_by_role("dialog").locator(".note.bad")).to_contain_text("rocket gone")


def test_a_verdict_in_two_windows_at_once(site: Site, run: RunDir, open_page: OpenPage) -> None:
    one, other = open_page(), open_page()
    for page in (one, other):
        page.goto(f"{site.run_page('pictures')}clusters/{name_of(run, 'coffee')}")
        expect(page.locator(".document")).to_have_count(2)
    one.keyboard.press("r")
    expect(one.locator(".told")).to_contain_text("Rejected")
    other.keyboard.press("a")
    expect(other.locator(".told")).to_contain_text("since")
    expect(other.locator(".said")).to_contain_text("Rejected")
    assert [kind for kind, _, _ in standing(run)] == ["reject"]


def test_each_pair_says_its_score_and_why(site: Site, run: RunDir, open_page: OpenPage) -> None:
    page = open_page()
    page.goto(f"{site.run_page('pictures')}clusters/{name_of(run, 'china')}")
    pairs = page.get_by_role("region", name="Pairs")
    expect(pairs.locator("tbody tr")).to_have_count(1)
    pairs.get_by_role("button", name="Explain").click()
    expect(pairs.locator(".explained p")).not_to_be_empty()
