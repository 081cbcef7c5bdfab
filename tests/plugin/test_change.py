"""Where the last look saw that two pictures differ: framed on the page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from include.dedupe.acting.check import check
from include.dedupe.planning.plan import read_plan
from include.dedupe.rundir import RunDir
from tests.plugin.site import RUN_ID, Site, aside
from tests.support.acting import actions
from tests.support.library import jpeg, photo

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]
OpenPage = Callable[..., Page]
STAMP = (0.6, 0.8, 0.8, 0.9)
"""Left, top, right and bottom, as shares of the picture."""
PAINTED = """(one) => {
    const at = one.getBoundingClientRect();
    const scale = Math.min(at.width / one.naturalWidth, at.height / one.naturalHeight);
    const [width, height] = [one.naturalWidth * scale, one.naturalHeight * scale];
    return [at.x + (at.width - width) / 2, at.y + (at.height - height) / 2, width, height];
}"""


class Stamped:
    """The address of a cluster, and where the last look saw that a document of it differs."""

    def __init__(self, site: Site, run: RunDir) -> None:
        row = actions(run).set_index("id").loc["stamped"]
        self.address = f"{site.run_page('stamped', RUN_ID)}clusters/{row['cluster_id']}"
        self.change = tuple(map(float, row["change"].split(",")))

    def require_framed(self, frame: Locator, picture: Locator) -> None:
        """The frame is drawn around the change, and close to it."""
        picture.evaluate("(one) => one.decode()")  # its frame is drawn before it
        x, y, width, height = picture.evaluate(PAINTED)
        box = frame.bounding_box()
        assert box is not None
        left, top = (box["x"] - x) / width, (box["y"] - y) / height
        right, bottom = left + box["width"] / width, top + box["height"] / height
        assert (left, top, right, bottom) == pytest.approx(self.change, abs=0.04)
        assert left < self.change[0] < STAMP[0] < STAMP[2] < self.change[2] < right
        assert top < self.change[1] < STAMP[1] < STAMP[3] < self.change[3] < bottom


def stamped() -> Image.Image:
    picture = photo()
    sides = [share * side for share, side in zip(STAMP, picture.size * 2, strict=True)]
    ImageDraw.Draw(picture).rectangle(sides, fill=(255, 140, 20))
    return picture


@pytest.fixture(scope="module")
def stamp(site: Site) -> Stamped:
    """A cluster of which the last look has sent one document to a person."""
    pictures = {"plain": jpeg(photo()), "small": jpeg(photo(), 40), "stamped": jpeg(stamped())}
    assert site.flow.images is not None
    for name, data in pictures.items():
        (site.flow.images / f"{name}.jpg").write_bytes(data)
    documents = {name: (f"{name}.jpg", {"width_i": 9 - at}) for at, name in enumerate(pictures)}
    run = site.decided(
        "stamped",
        documents,
        scan={"exact_threshold": 0.7},
        guards={"delete_threshold": 0.7, "max_delete_share": 1.0},
        policies={"exact": {"do": "delete"}},
    )
    aside(lambda: applied(site, run))
    return Stamped(site, run)


def applied(site: Site, run: RunDir) -> None:
    acting = site.acting("stamped")
    acting.ask(lambda writer: check(writer, run.lasting, read_plan(run).config))
    acting.apply(run, run.result("decide").result["hash"])
    assert dict(zip(actions(run)["id"], actions(run)["outcome"], strict=True)) == {
        "small": "done",
        "stamped": "review",
    }


def test_a_later_run_shows_it_and_a_person_says_that_it_is_the_same(
    site: Site, stamp: Stamped, open_page: OpenPage
) -> None:
    first, later = (RunDir(str(site.storage), "stamped", run_id) for run_id in (RUN_ID, "run-2"))
    aside(lambda: site.acting("stamped").decide(later, read_plan(first).config))
    page = open_page()
    page.goto(stamp.address.replace(site.run_page("stamped"), site.run_page("stamped", "run-2")))
    document = page.locator("[data-document='stamped']")
    change = document.get_by_role("img", name="Differs here from its keeper: plain, at")
    expect(change).to_be_visible()
    stamp.require_framed(change.locator("rect").last, document.locator("img"))
    expect(document.get_by_text("refused by the last look: it differs")).to_be_visible()
    document.get_by_role("button", name="Same picture").click()
    expect(document.get_by_text("delete", exact=True)).to_be_visible()
    expect(page.locator("main .change")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_differs_is_framed_and_told(stamp: Stamped, open_page: OpenPage, scheme: str) -> None:
    page = open_page(color_scheme=scheme)
    page.goto(stamp.address)
    document = page.locator("[data-document='stamped']")
    change = document.get_by_role("img", name="Differs here from its keeper: plain, at")
    expect(change).to_be_visible()
    expect(document.locator(".badge", has_text="differs from its keeper")).to_be_visible()
    stamp.require_framed(change.locator("rect").last, document.locator("img"))
    expect(page.locator("[data-document='small'] .picture")).to_have_attribute("aria-busy", "false")
    expect(page.locator("main .change")).to_have_count(1)


def test_the_comparison_with_its_keeper_frames_it_and_no_other_does(
    stamp: Stamped, open_page: OpenPage
) -> None:
    page = open_page()
    page.goto(stamp.address)
    page.locator("[data-document='stamped']").get_by_role("button", name="Compare").click()
    dialog = page.get_by_role("dialog")
    change = dialog.get_by_role("img", name="Differs here from its keeper: plain, at")
    expect(change).to_be_visible()
    for mode in ("1", "2", "3"):
        page.keyboard.press(mode)
        stamp.require_framed(change.locator("rect").last, dialog.locator("img").last)
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("heading")).to_have_text("plain and small")
    expect(change).to_have_count(0)
