"""What a gate holds, shown beside what it looks like and answered from the page, once and as it was seen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.gating.report import read_outcomes
from include.dedupe.gating.settle import Said, ask, settle
from include.dedupe.rundir import RunDir
from tests.plugin.asked import Asked, asking
from tests.plugin.site import CAT, COFFEE, HOSTILE, MOOSE, OWN, Site, aside

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
OpenPage = Callable[..., Page]
Sessions = Callable[[str], requests.Session]
IN_COLLECTION = {"cat": (CAT, {"title_s": "a cat"}), "coffee": (COFFEE, {"title_s": HOSTILE})}
COMING = {"cat 2": CAT, "cat 3": CAT, HOSTILE: COFFEE, "moose": MOOSE}


@pytest.fixture
def asked(site: Site, tmp_path: Path) -> Iterator[Asked]:
    """A run of the gate that holds two cats and a coffee; the moose is let in."""
    shutil.rmtree(site.storage / "gated", ignore_errors=True)  # what a test before has said
    site.collection("gated", dry_run=False, gate={"exact": "ask", "near": "ask"})
    aside(lambda: site.acting("gated").fill(IN_COLLECTION))
    assert site.flow.images is not None
    lines = []
    for number, (name, picture) in enumerate(COMING.items()):
        shutil.copy(site.flow.images / picture, tmp_path / f"{number}.jpg")
        lines.append(json.dumps({"id": name, "file": f"{number}.jpg", "title_s": "new"}))
    (tmp_path / "secret.jpg").write_bytes((tmp_path / "0.jpg").read_bytes())
    (tmp_path / "new.jsonl").write_text("\n".join(lines))
    conf = {"incoming": str(tmp_path / "new.jsonl"), "dry_run": "no"}
    with asking(site, "gate_gated", conf, tmp_path / "run.log") as run:
        yield run


def address(site: Site, part: str, run_id: str) -> str:
    return f"{site.pages}/data/gate_gated/runs/{run_id.replace('+', '%2B')}/held{part}"


def run_of(site: Site, run_id: str) -> RunDir:
    return RunDir(str(site.storage), "gated", f"gate__{run_id}")


def rejected(site: Site, run_id: str, name: str) -> None:
    """Reject a held document in a shell, while the page is open."""
    run = run_of(site, run_id)

    async def work(writer: ClientWriter) -> None:
        await settle(writer, run, ask(run), "bob", Said(reject=frozenset({name})))

    aside(lambda: site.acting("gated").ask(work))


def card(page: Any, name: str) -> Any:
    return page.get_by_role("article", name=name, exact=True)


def test_what_is_held_is_shown_beside_what_it_looks_like_and_answered_as_seen(
    site: Site, asked: Asked, session: Sessions, open_page: OpenPage
) -> None:
    admin = session("admin")
    question = asked.question(admin)
    run_id = question["task_instance"]["dag_run_id"]
    link = question["body"].partition("](")[2].partition(")")[0]
    page = open_page()
    page.goto(link)
    frame = page.frame_locator("iframe")
    expect(frame.get_by_text("3 pictures wait for an answer.")).to_be_visible()
    cat = card(frame, "cat 2")
    expect(cat.get_by_role("img", name="Picture of cat 2")).to_be_visible()
    expect(cat.get_by_role("img", name="Picture of cat", exact=True)).to_be_visible()
    expect(cat.locator("figure")).to_contain_text("exact 1.000")
    expect(cat.locator("figure .differs")).to_have_text("a cat")
    expect(card(frame, HOSTILE).locator("figure")).to_contain_text(HOSTILE)

    cat.get_by_label("Let in").check()
    card(frame, HOSTILE).get_by_label("Link").check()
    frame.get_by_role("group", name="All others").get_by_label("Reject").check()
    expect(frame.get_by_text("Let in: 1 · Link: 1 · Reject: the other 1")).to_be_visible()
    rejected(site, run_id, "cat 3")
    frame.get_by_role("button", name="Answer").click()
    frame.get_by_role("dialog").get_by_role("button", name="Answer").click()
    expect(frame.get_by_text("2 pictures wait for an answer.")).to_be_visible()
    expect(frame.get_by_text("Other documents are held by now than you saw.")).to_be_visible()
    assert asked.question(admin)["task_instance"]["dag_run_id"] == run_id

    card(frame, "cat 2").get_by_label("Let in").check()
    card(frame, HOSTILE).get_by_label("Link").check()
    frame.get_by_role("button", name="Answer").click()
    frame.get_by_role("dialog").get_by_role("button", name="Answer").click()
    expect(frame.get_by_text("Answered: Reject for all that were not named, by admin")).to_be_visible()
    again = {"hash": "0123456789abcdef", "rest": "Reject"}
    assert (
        admin.post(address(site, "/answer", run_id), json=again, headers=OWN, timeout=30).status_code == 409
    )

    asked.wait_for(asked.is_over)
    rows = {row.id: (row.outcome, row.match_id) for row in read_outcomes(run_of(site, run_id))}
    assert rows == {
        "cat 2": ("indexed", ""),
        "cat 3": ("rejected", "cat"),
        HOSTILE: ("linked", "coffee"),
        "moose": ("indexed", ""),
    }
    documents = aside(site.acting("gated").documents)
    assert documents[HOSTILE]["duplicates_ss"] == ["coffee"]
    page.goto(f"{site.pages}/gate_gated/")
    row = page.get_by_role("row", name=run_id)
    expect(row).to_contain_text("done")
    row.get_by_role("link", name=run_id).click()
    expect(page.get_by_text("Nothing is held.")).to_be_visible()
    page.goto(f"{site.pages}/")
    region = page.get_by_role("region", name="Collection gated")
    expect(region.get_by_role("link", name="New pictures at its gate")).to_be_visible()
    region.get_by_role("link", name="gated", exact=True).click()
    expect(page.get_by_role("heading", name="Duplicates in gated")).to_be_visible()
    page.get_by_role("link", name="New pictures at its gate").click()
    expect(page.get_by_role("heading", name="New pictures at the gate of gated")).to_be_visible()
    page.goto(f"{site.base}/dags/gate_gated/runs/{run_id}/plugin/duplicates-of-run")
    expect(page.frame_locator("iframe").get_by_text("Nothing is held.")).to_be_visible()


def test_only_what_is_held_is_shown_and_only_who_may_answer_does(
    site: Site, asked: Asked, session: Sessions, open_page: OpenPage
) -> None:
    admin, viewer, other = session("admin"), session("viewer"), session("only_pictures")
    run_id = asked.question(admin)["task_instance"]["dag_run_id"]
    held = viewer.get(address(site, "", run_id), timeout=60).json()
    assert [one["id"] for one in held["page"]["held"]] == ["cat 2", "cat 3", HOSTILE]
    picture = address(site, "/picture", run_id)
    shown = viewer.get(picture, params={"document": "cat 2"}, timeout=60)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    for wanted in (
        {"document": "moose"},
        {"document": "secret.jpg"},
        {"document": "cat 2", "match": "coffee"},
        {"document": "cat 2", "match": "../cat"},
    ):
        assert viewer.get(picture, params=wanted, timeout=60).status_code == 404, wanted

    given = {"hash": held["page"]["digest"], "rest": "Let in"}
    answer = address(site, "/answer", run_id)
    assert viewer.post(answer, json=given, headers=OWN, timeout=30).status_code == 403
    assert admin.post(answer, json=given, timeout=30).status_code == 403
    for wrong in ({"rest": "Delete"}, {"let_in": ["moose"]}, {"let_in": ["cat 2"], "reject": ["cat 2"]}):
        assert admin.post(answer, json={**given, **wrong}, headers=OWN, timeout=30).status_code == 409, wrong
    for part in ("", "/question", "/picture?document=cat%202"):
        assert other.get(address(site, part, run_id), timeout=30).status_code == 403
        assert requests.get(address(site, part, run_id), timeout=30).status_code == 401
        wrong_dag = address(site, part, run_id).replace("/gate_gated/", "/dedupe_gated/")
        assert admin.get(wrong_dag, timeout=30).status_code == 404
    assert admin.get(f"{site.pages}/gate_gated/runs/{run_id}/approval", timeout=30).status_code == 404
    assert admin.get(f"{site.pages}/data/gate_gated/runs", timeout=30).status_code == 404

    page = open_page("viewer")
    page.goto(f"{site.pages}/gate_gated/runs/{run_id.replace('+', '%2B')}/")
    expect(page.get_by_text("You may see this, but not answer")).to_be_visible()
    expect(page.get_by_role("button", name="Answer")).to_have_count(0)
    assert admin.post(answer, json={**given, "rest": "Reject"}, headers=OWN, timeout=30).ok
    asked.wait_for(asked.is_over)
    assert set(aside(site.acting("gated").documents)) == {"cat", "coffee", "moose"}


def test_a_picture_that_has_changed_since_it_was_analysed_is_not_shown(
    site: Site, asked: Asked, session: Sessions, tmp_path: Path
) -> None:
    admin = session("admin")
    run_id = asked.question(admin)["task_instance"]["dag_run_id"]
    shutil.copy(tmp_path / "3.jpg", tmp_path / "0.jpg")
    answer = admin.get(address(site, "/picture?document=cat%202", run_id), timeout=60)
    assert answer.status_code == 422
    assert "another picture than the one that was analysed" in answer.json()["detail"]
