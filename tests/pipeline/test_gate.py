"""The gate against a live server: each outcome and class, twins in a batch, and what stays out of sight."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.dedupe.acting.wanted import Wanted
from include.dedupe.gating.analyze import analyze
from include.dedupe.verdicts import give_verdict
from tests.pipeline.acting_fixture import CAT, EXACT, policies
from tests.pipeline.gating_fixture import gating
from tests.support.acting import FIRST
from tests.support.gating import CHELSEA, COFFEE_CUP, ROCKET, Gating, outcomes

__all__ = ["gating"]
MODES = pytest.mark.parametrize("by_analysis", [True, False])
BIGGER = {"keeper": {"rules": [{"rule": "highest", "field": "width_i"}]}}


@MODES
def test_new_pictures_are_indexed_and_duplicates_are_not(gating: Gating, by_analysis: bool) -> None:
    rows = [
        {"id": "new", "image": gating.picture("new.png", seed=1), "title_s": "new"},
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
        {"id": "twin", "image": gating.picture("twin.png", seed=1)},
    ]
    found = gating.go(rows, by_analysis=by_analysis)
    assert outcomes(found) == {"new": "indexed", "cat 2": "rejected", "twin": "rejected"}
    assert (found["cat 2"].match_id, found["twin"].match_id) == ("cat", "new")
    documents = gating.acting.documents()
    assert set(documents) == {"cat", "coffee", "moose", "new"}
    assert documents["new"]["title_s"] == "new"
    assert "gate_pending_s" not in documents["new"]
    assert gating.acting.server.counts()["analyze"] == 3
    assert gating.acting.ask(lambda writer: writer.reader.own_score("new")) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("exact", "near", "expected", "by_analysis"),
    [
        ("reject", "ask", ("rejected", "held"), True),
        ("ask", "reject", ("held", "rejected"), False),
        ("link", "index", ("linked", "indexed"), True),
        ("index", "link", ("indexed", "linked"), False),
    ],
)
def test_each_class_has_its_outcome(
    gating: Gating, exact: str, near: str, expected: tuple[str, str], by_analysis: bool
) -> None:
    """At this threshold the same file is exact, a smaller picture near."""
    rows = [
        {"id": "same", "image": gating.picture("same.jpg", CHELSEA)},
        {"id": "small", "image": gating.picture("small.png", ROCKET, 0.5)},
    ]
    gating.acting.change({"id": "rocket", "image": f"{gating.acting.server.base}/images/things/rocket.jpg"})
    found = gating.go(rows, {"exact": exact, "near": near}, by_analysis=by_analysis, scan=EXACT)
    assert outcomes(found) == dict(zip(("same", "small"), expected, strict=True))
    documents = gating.acting.documents()
    for name, match in (("same", "cat"), ("small", "rocket")):
        is_in = found[name].outcome in ("linked", "indexed")
        assert (name in documents) is is_in
        assert (found[name].match_id, found[name].matched_ids) == (match, (match,))
        links = [match] if found[name].outcome == "linked" else None
        assert documents.get(name, {}).get("duplicates_ss") == links


@MODES
def test_a_field_of_the_matched_document_decides_whatever_the_class(
    gating: Gating, by_analysis: bool
) -> None:
    gate = {
        "exact": "index",
        "near": "index",
        "by_field": [{"field": "status_s", "values": ["rejected"], "do": "reject"}],
    }
    rows = [
        {"id": "cup", "image": gating.picture("cup.png", COFFEE_CUP, 0.6)},
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
    ]
    found = gating.go(rows, gate, by_analysis=by_analysis)
    assert outcomes(found) == {"cup": "rejected", "cat 2": "indexed"}
    assert found["cup"].reason == "status_s of 'coffee' is rejected"


@MODES
def test_a_better_picture_overwrites_and_can_be_taken_back(gating: Gating, by_analysis: bool) -> None:
    before = gating.acting.documents()
    rows = [
        {"id": "large", "image": gating.picture("large.png", CHELSEA, 2.0), "title_s": "large"},
        {"id": "small", "image": gating.picture("small.png", COFFEE_CUP, 0.5)},
    ]
    gate = {"exact": "overwrite", "near": "ask", "keep_fields": ["labels"]}
    found = gating.go(rows, gate, by_analysis=by_analysis, **BIGGER)
    assert outcomes(found) == {"large": "overwritten", "small": "rejected"}
    cat = gating.acting.documents()["cat"]
    assert (cat["title_s"], cat["labels"], cat["width_i"]) == (
        "large",
        ["animal"],
        2 * before["cat"]["width_i"],
    )
    assert set(gating.acting.documents()) == set(before)
    gating.acting.restore(Wanted(runs=("gate__run-1",)))
    assert gating.acting.documents() == before
    assert gating.acting.ask(lambda writer: writer.reader.own_score("cat")) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("settings", "outcome"),
    [
        ({"keeper": {"rules": [{"rule": "most_complete"}]}}, "rejected"),
        ({"keeper": {**BIGGER["keeper"], "protected": ["id:cat"]}}, "rejected"),
        ({**BIGGER, "guards": {"delete_threshold": 1.0}}, "held"),
    ],
)
def test_what_is_better_protected_or_not_surely_alike_is_not_overwritten(
    gating: Gating, settings: dict[str, Any], outcome: str
) -> None:
    before = gating.acting.documents()
    rows = [{"id": "large", "image": gating.picture("large.jpg", CHELSEA, 2.0)}]
    found = gating.go(rows, {"exact": "overwrite"}, **settings)
    assert outcomes(found) == {"large": outcome}
    assert gating.acting.documents() == before


def test_of_two_that_would_overwrite_one_document_the_better_one_stands(gating: Gating) -> None:
    rows = [
        {"id": "large", "image": gating.picture("large.png", CHELSEA, 2.0), "title_s": "large"},
        {"id": "middle", "image": gating.picture("middle.png", CHELSEA, 1.5), "title_s": "middle"},
    ]
    found = gating.go(rows, {"exact": "overwrite"}, **BIGGER)
    assert outcomes(found) == {"large": "overwritten", "middle": "rejected"}
    assert gating.acting.documents()["cat"]["title_s"] == "large"


def test_what_was_deleted_as_a_duplicate_does_not_come_back_unnoticed(gating: Gating) -> None:
    gating.acting.fill({"cat": (CAT, {}), "cat copy": (CAT, {"labels": ["pet"]})})
    gating.acting.act("dedupe-1", **policies("delete"))
    gating.acting.client(lambda client: client.delete(["cat"], commit=True))
    rows = [
        {"id": "upload", "image": gating.picture("upload.jpg", CHELSEA)},
        {"id": "cat copy", "image": gating.picture("other.png", seed=3)},
        {"id": "new", "image": gating.picture("new.png", seed=4)},
    ]
    found = gating.go(rows)
    assert outcomes(found) == {"upload": "held", "cat copy": "held", "new": "indexed"}
    assert found["upload"].reason == "'cat copy' was deleted as a duplicate of 'cat' by run dedupe-1"
    assert set(gating.acting.documents()) == {"new"}


@MODES
def test_a_deleted_picture_is_known_again_when_it_was_saved_anew(gating: Gating, by_analysis: bool) -> None:
    gating.acting.fill({"cat": (CAT, {}), "cat copy": (CAT, {})})
    gating.acting.act("dedupe-1", **policies("delete"))
    gating.acting.client(lambda client: client.delete(["cat"], commit=True))
    rows = [
        {"id": "small", "image": gating.picture("small.png", CHELSEA, 0.5)},
        {"id": "cup", "image": gating.picture("cup.png", COFFEE_CUP, 0.5)},
    ]
    found = gating.go(rows, {"buried": "reject"}, by_analysis=by_analysis)
    assert outcomes(found) == {"small": "held", "cup": "indexed"}
    assert found["small"].reason == (
        "it looks the same as one that is gone: 'cat copy' was deleted as a duplicate of 'cat' by run "
        "dedupe-1"
    )
    gating.acting.restore(Wanted(runs=("dedupe-1",)))
    gating.acting.client(lambda client: client.delete(["cat copy"], commit=True))
    assert outcomes(gating.go(rows[:1], run_id="run-2")) == {"small": "indexed"}


def test_the_same_documents_again_are_there_already(gating: Gating) -> None:
    rows = [{"id": "new", "image": gating.picture("new.png", seed=1)}]
    gating.go(rows)
    before = gating.acting.documents()
    assert outcomes(gating.go(rows, run_id="run-2")) == {"new": "present"}
    assert outcomes(gating.go(rows, run_id="run-3", by_analysis=False)) == {"new": "present"}
    assert gating.acting.documents() == before


@MODES
def test_twins_are_found_across_chunks_and_batches(gating: Gating, by_analysis: bool) -> None:
    rows = [{"id": f"{n}", "image": gating.picture(f"{n}.png", seed=n % 2)} for n in range(6)]
    gate = {"chunk_documents": 2, "batch_documents": 1}
    found = gating.go(rows, gate, by_analysis=by_analysis)
    assert [row.outcome for row in found.values()] == ["indexed"] * 2 + ["rejected"] * 4
    assert gating.acting.server.counts()["analyze"] == 6


def test_a_dry_run_says_what_would_be_and_makes_no_update_call(gating: Gating) -> None:
    rows = [
        {"id": "new", "image": gating.picture("new.png", seed=1)},
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
    ]
    assert outcomes(gating.go(rows, dry_run=True)) == {"new": "index", "cat 2": "reject"}
    assert gating.acting.server.counts().get("update", 0) == 0


def test_what_a_person_called_no_duplicate_is_none(gating: Gating) -> None:
    give_verdict(gating.run_dir().lasting, "not_duplicate", ("cat 2", "cat"), "a test")
    rows = [{"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)}]
    assert outcomes(gating.go(rows)) == {"cat 2": "indexed"}


def test_the_search_scope_limits_what_counts_as_a_match(gating: Gating) -> None:
    rows = [
        {"id": "cup", "image": gating.picture("cup.jpg", COFFEE_CUP)},
        {"id": "cup 2", "image": gating.picture("cup 2.jpg", COFFEE_CUP)},
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
    ]
    found = gating.go(rows, search_scope=["-status_s:rejected"])
    assert outcomes(found) == {"cup": "indexed", "cup 2": "rejected", "cat 2": "rejected"}


def test_indexed_and_linked_documents_can_be_taken_back_unless_they_have_changed(gating: Gating) -> None:
    before = gating.acting.documents()
    rows = [
        {"id": "new", "image": gating.picture("new.png", seed=1)},
        {"id": "edited", "image": gating.picture("edited.png", seed=2)},
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
    ]
    gating.go(rows, {"exact": "link"})
    gating.acting.change(
        {"id": "edited", "title_s": {"set": "mine"}}, {"id": "new", "duplicate_of_s": {"set": "x"}}
    )
    found = gating.acting.restore(Wanted(runs=("gate__run-1",)))
    assert {one.id: one.outcome for one in found} == {
        "new": "restored",
        "edited": "untouched",
        "cat 2": "restored",
    }
    assert set(gating.acting.documents()) == {*before, "edited"}
    again = gating.acting.restore(Wanted(runs=("gate__run-1",)))
    assert {one.outcome for one in again} == {"untouched"}


def test_a_file_that_changes_after_it_was_analysed_changes_nothing(gating: Gating) -> None:
    place = gating.manifest([{"id": "new", "image": gating.picture("new.png", seed=1)}])
    run = gating.take(place, gating.config())
    gating.acting.ask(lambda writer: analyze(writer, run, FIRST, "00000"))
    gating.picture("new.png", CHELSEA)
    assert gating.go_on(run) == {"indexed": 1}
    hits = gating.acting.ask(lambda writer: writer.reader.own_score("new"))
    assert hits == pytest.approx(1.0)
    again = gating.go([{"id": "twin", "image": gating.picture("twin.png", seed=1)}], run_id="run-2")
    assert again["twin"].match_id == "new"
    assert gating.acting.server.counts()["analyze"] == 2


def test_the_report_names_what_is_held_and_why(gating: Gating) -> None:
    rows = [{"id": 'a, "b"', "image": gating.picture("cat 2.jpg", CHELSEA)}, "broken"]
    gating.go(rows, {"exact": "ask"})
    storage = gating.run_dir().storage
    summary = json.loads(storage.read("report/summary.json"))
    assert summary["outcomes"] == {"failed": 1, "held": 1}
    assert summary["held"] == f"{storage.root}/report/held.jsonl"
    (held,) = [json.loads(line) for line in storage.read("report/held.jsonl").splitlines()]
    assert (held["id"], [one["id"] for one in held["matches"]]) == ('a, "b"', ["cat"])
    assert b'"a, ""b"""' in storage.read("report/gate.csv")


def test_what_is_pending_of_an_unknown_run_is_left_and_named(gating: Gating) -> None:
    gating.acting.change({"id": "left", "gate_pending_s": "elsewhere/gate__run-9"})
    gating.go([{"id": "new", "image": gating.picture("new.png", seed=1)}])
    summary = json.loads(gating.run_dir().storage.read("report/summary.json"))
    assert summary["pending_of_unknown_runs"] == ["left"]
    assert "left" in gating.acting.documents()
