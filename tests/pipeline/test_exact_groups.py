"""Exact duplicates in a mixed cluster, with real pictures: they go whatever edit of them is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from include.dedupe.acting.sight import SAME
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.dedupe.reviewing.clusters import list_clusters
from include.dedupe.reviewing.filtering import Filters
from include.dedupe.tables import PAIRS
from include.tools.planted import photographs, plant
from tests.support.acting import FIRST, outcomes, reasons
from tests.support.library import Library, jpeg, library, library_server, photo
from tests.support.small_collection import PHOTOS

__all__ = ["library", "library_server"]
POLICIES = {"exact": {"do": "delete"}, "near": {"do": "tag"}}


def bordered(picture: Image.Image) -> bytes:
    """An edit with more pixels and more bytes than the picture itself."""
    return jpeg(ImageOps.expand(picture, border=60, fill=(250, 250, 250)), quality=100)


@pytest.fixture
def mixed(library: Library) -> Library:
    cat = photo()
    original = jpeg(cat)
    library.fill(
        {
            "a wider.jpg": bordered(cat),
            "b.jpg": original,
            "c copy.jpg": original,
            "d again.jpg": jpeg(cat, quality=60),
            "e wider copy.jpg": bordered(cat),
        }
    )
    return library


def test_each_exact_duplicate_goes_and_the_edit_is_no_keeper_of_the_original(mixed: Library) -> None:
    digest = mixed.decided(policies=POLICIES, keeper={})
    mixed.apply(digest)
    run = mixed.acting.run()
    assert outcomes(run) == {
        "a wider.jpg": ("tag", "done"),
        "c copy.jpg": ("delete", "done"),
        "d again.jpg": ("delete", "done"),
        "e wider copy.jpg": ("delete", "done"),
    }
    left = mixed.acting.documents()
    assert set(left) == {"a wider.jpg", "b.jpg"}
    assert left["a wider.jpg"]["duplicate_of_s"] == "b.jpg"
    assert "of its exact duplicates 'a wider.jpg' stays" in reasons(run)["e wider copy.jpg"]
    pairs = run.read_table("clusters", "pairs", PAIRS)
    exact = pairs[pairs["score"] >= 0.95]
    assert len(exact)
    assert not (exact["id_a"].isin(left) & exact["id_b"].isin(left)).any()


def test_of_originals_copies_and_edits_no_two_exact_ones_stay_without_a_reason(
    library: Library, tmp_path: Path
) -> None:
    pairs = plant(photographs(PHOTOS)[:12], tmp_path / "planted")
    files = {path.name: path.read_bytes() for path in (tmp_path / "planted").iterdir()}
    edited = {
        f"{name}--wider.jpg": bordered(photo(name)) for name in ("gcompris-moose.jpg", "skimage-chelsea.jpg")
    }
    library.fill(files | edited)
    library.apply(library.decided(policies=POLICIES, keeper={}))
    run = library.acting.run()
    known = run.read_table("clusters", "pairs", PAIRS)
    exact = known[known["score"] >= 0.95]
    assert len(exact) >= sum(kind == "same" for kind in pairs.values()) > 0
    left, said = set(library.acting.documents()), reasons(run)
    stay = exact[exact["id_a"].isin(left) & exact["id_b"].isin(left)]
    assert all(
        said.get(one) or said.get(other) for one, other in zip(stay["id_a"], stay["id_b"], strict=True)
    )
    assert not (stay["score"] > SAME).any(), "of two that are the same one goes"


def test_a_copy_that_comes_later_goes_in_favour_of_one_that_is_tagged(mixed: Library) -> None:
    mixed.apply(mixed.decided(policies=POLICIES, keeper={}))
    mixed.fill(
        {"f wider.jpg": (mixed.folder / "a wider.jpg").read_bytes()}
        | {name: (mixed.folder / name).read_bytes() for name in ("a wider.jpg", "b.jpg")},
        {"a wider.jpg": {"duplicate_of_s": "b.jpg", "duplicate_role_s": "duplicate"}},
    )
    mixed.apply(mixed.decided("run-2", policies=POLICIES, keeper={}), "run-2")
    assert outcomes(mixed.acting.run("run-2"))["f wider.jpg"] == ("delete", "done")


def test_report_and_page_say_what_the_original_was_told_by(mixed: Library) -> None:
    mixed.decided(policies=POLICIES, keeper={})
    run = mixed.acting.run()
    report(run, FIRST, WebPictures(mixed.acting.server.base, ()))
    decisions = json.loads(run.storage.read("report/summary.json"))["decisions"]
    assert decisions["keepers_by_rule"]["most_copies"] == 1
    page = run.storage.read("report/report.html").decode()
    assert "keeper by rule: most_copies" in page
    assert "of its exact duplicates &#39;a wider.jpg&#39; stays" in page
    (row,) = list_clusters(run, Filters()).rows
    assert (row.keeper, row.why) == ("b.jpg", "it has the most exact duplicates, as an original does")
