from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.dedupe.deciding.decide import current_decisions, decide_again
from include.dedupe.errors import UnknownError, VerdictConflictError, VerdictError
from include.dedupe.reviewing.cluster import read_cluster
from include.dedupe.reviewing.clusters import list_clusters
from include.dedupe.reviewing.filtering import Filters
from include.dedupe.reviewing.judging import (
    Selection,
    count_selection,
    history,
    judge,
    judge_many,
    take_back,
)
from include.dedupe.reviewing.kept import NEWEST
from include.dedupe.reviewing.renewing import renewed_decisions
from include.dedupe.reviewing.state import open_state
from include.dedupe.reviewing.views import ClusterRow
from include.dedupe.rundir import RunDir
from include.dedupe.verdicts import read_verdicts
from tests.support.made import ALL, FIELDS, PAIR, Made

ANY = Filters(judged=None)


def row_of(run: RunDir, document: str) -> ClusterRow:
    """Return the cluster that holds a document."""
    rows = list_clusters(run, ANY).rows
    return next(row for row in rows if document in {one.id for one in row.members})


def decided(run: RunDir, document: str) -> dict[str, str]:
    return {one.id: one.decision for one in row_of(run, document).members}


def open_ones(run: RunDir) -> str:
    """Return the lowest document of each cluster that waits for a word."""
    return "".join(sorted(min(one.id for one in row.members) for row in list_clusters(run, Filters()).rows))


@pytest.mark.parametrize(
    ("kind", "ids", "expected", "still_open"),
    [
        ("reject", [], {"a": "keep", "b": "keep", "c": "keep"}, "mx"),
        ("approve", [], {"a": "keep", "b": "delete", "c": "delete"}, "mx"),
        ("skip", [], {"a": "keep", "b": "delete", "c": "delete"}, "mx"),
        ("keep", ["c"], {"a": "delete", "b": "delete", "c": "keep"}, "mx"),
        ("not_duplicate", [], {"a": "keep", "b": "keep", "c": "keep"}, "mx"),
        ("not_duplicate", ["a", "b"], {"a": "keep", "b": "review", "c": "delete"}, "amx"),
        ("reject", ["b"], {"a": "keep", "b": "keep", "c": "delete"}, "amx"),
        ("may_repeat", ["c"], {"a": "keep", "b": "keep", "c": "keep"}, "mx"),
    ],
)
def test_a_verdict_changes_its_cluster_at_once_and_settles_it(
    made: Made, kind: Any, ids: list[str], expected: dict[str, str], still_open: str
) -> None:
    run = made.make()
    others = {one: decided(run, one) for one in "mx"}
    done = judge(run, kind, row_of(run, "a").name, "me", ids=ids, note="why")
    assert done.is_new
    assert decided(run, "a") == expected
    assert {one: decided(run, one) for one in "mx"} == others
    assert open_ones(run) == still_open
    (said,) = row_of(run, "a").said
    assert (said.kind, said.by, said.note, said.run_id) == (kind, "me", "why", "run-1")
    now = current_decisions(run).set_index("id")["decision"].to_dict()
    assert {name: now.get(name, "keep") for name in expected} == expected
    assert not take_back(run, [said.name], "you").is_undone
    assert open_ones(run) == "amx"
    assert row_of(run, "a").said == ()


def test_what_was_judged_does_not_come_back_in_later_runs_unless_something_joins(made: Made) -> None:
    run = made.make()
    for document in "ax":
        judge(run, "approve", row_of(run, document).name, "me")
    later = made.make(run_id="run-2", created_at="2026-01-02T00:00:00+00:00")
    assert open_ones(later) == "m"
    grown = made.make(
        [*ALL, ("a", "d", 1.0)], "run-3", "2026-01-03T00:00:00+00:00", {**FIELDS, "d": {"pixels_i": 1}}
    )
    assert open_ones(grown) == "am"
    moved = {**FIELDS, "x": {**FIELDS["x"], "image": "http://pictures.invalid/another.jpg"}}
    changed = made.make(ALL, "run-4", "2026-01-04T00:00:00+00:00", moved)
    assert open_ones(changed) == "mx"


def test_what_two_verdicts_saw_in_parts_nobody_has_seen_as_a_whole(made: Made) -> None:
    run = made.make([("a", "b", 1.0), ("c", "d", 1.0)])
    for document in "ac":
        judge(run, "approve", row_of(run, document).name, "me")
    merged = [("a", "b", 1.0), ("c", "d", 1.0), ("b", "c", 1.0)]
    assert open_ones(made.make(merged, "run-2", "2026-01-02T00:00:00+00:00")) == "a"


def test_a_picture_that_may_repeat_makes_no_pair_in_any_run(made: Made) -> None:
    logos = [("l1", "l2", 1.0), ("l1", "l3", 0.99), ("l2", "l3", 1.0), ("l3", "near", 0.8)]
    run = made.make([*logos, *PAIR], fields={})
    judge(run, "may_repeat", row_of(run, "l1").name, "me", ids=["l1"])
    assert set(decided(run, "l1").values()) == {"keep"}
    more = [*logos, ("l2", "l4", 1.0), ("l4", "near", 0.9), ("near", "other", 1.0), *PAIR]
    later = made.make(more, "run-2", "2026-01-02T00:00:00+00:00", {})
    found = [{one.id for one in row.members} for row in list_clusters(later, ANY).rows]
    assert sorted(found, key=sorted) == [{"near", "other"}, {"x", "y"}]


def test_keep_this_one_instead_takes_the_place_of_what_the_person_saw(made: Made) -> None:
    run = made.make()
    name = row_of(run, "a").name
    judge(run, "keep", name, "me", ids=["b"], state=row_of(run, "a").state)
    done = judge(run, "keep", name, "you", ids=["c"], state=row_of(run, "a").state)
    assert decided(run, "a") == {"a": "delete", "b": "delete", "c": "keep"}
    assert row_of(run, "a").why == "a person said: keep this one"
    take_back(run, [done.said.name], "you")
    assert decided(run, "a") == {"a": "delete", "b": "keep", "c": "delete"}


def test_of_two_windows_both_stand_or_the_second_is_told(made: Made) -> None:
    run = made.make()
    seen = row_of(run, "a")
    judge(run, "keep", seen.name, "me", ids=["b"], state=seen.state)
    with pytest.raises(VerdictConflictError, match="me said keep of this cluster"):
        judge(run, "keep", seen.name, "you", ids=["c"], state=seen.state)
    assert decided(run, "a") == {"a": "delete", "b": "keep", "c": "delete"}
    with ThreadPoolExecutor(2) as pool:
        both = [
            pool.submit(judge, run, "keep", row_of(run, "m").name, f"person {one}", ids=[one]) for one in "mo"
        ]
    assert all(one.result().is_new for one in both)
    kept = decided(run, "m")
    assert sum(kept[one] == "keep" for one in "mo") >= 1
    assert kept["o"] != "delete"


def test_saying_the_same_again_writes_nothing(made: Made) -> None:
    run = made.make()
    seen = row_of(run, "a")
    first = judge(run, "reject", seen.name, "me", state=seen.state)
    again = judge(run, "reject", seen.name, "me", state=seen.state)
    assert (again.is_new, again.said.name) == (False, first.said.name)
    assert len(read_verdicts(run.lasting)) == 1
    chosen = Selection((seen.name, row_of(run, "x").name))
    state = count_selection(run, chosen).state
    assert judge_many(run, "skip", chosen, "me", state=state).is_new
    assert not judge_many(run, "skip", chosen, "me", state=state).is_new


@pytest.mark.parametrize(
    ("kind", "ids", "error"),
    [
        ("keep", [], VerdictError),
        ("keep", ["a", "b"], VerdictError),
        ("keep", ["x"], UnknownError),
        ("not_duplicate", ["a"], VerdictError),
        ("may_repeat", [], VerdictError),
        ("acknowledge", [], VerdictError),
        ("undo", [], VerdictError),
        ("right", ["a", "b"], VerdictError),
    ],
)
def test_what_makes_no_sense_is_refused(
    made: Made, kind: Any, ids: list[str], error: type[Exception]
) -> None:
    run = made.make()
    with pytest.raises(error):
        judge(run, kind, row_of(run, "a").name, "me", ids=ids)
    assert not read_verdicts(run.lasting)


def test_many_at_once_are_counted_before_and_must_be_what_was_counted(made: Made) -> None:
    run = made.make()
    chosen = Selection(filters=Filters(duplicates=frozenset({"exact"})))
    counted = count_selection(run, chosen)
    assert (counted.clusters, counted.documents, counted.decisions) == (2, 5, {"keep": 2, "delete": 3})
    judge(run, "skip", row_of(run, "x").name, "you")
    with pytest.raises(VerdictConflictError, match="1 clusters with 3 documents now"):
        judge_many(run, "reject", chosen, "me", state=counted.state)
    without = Selection((row_of(run, "a").name,), filters=ANY)
    done = judge_many(run, "reject", without, "me", state=count_selection(run, without).state)
    assert done.clusters == 2
    assert open_ones(run) == "a"
    take_back(run, [done.said.name], "me")
    assert open_ones(run) == "am"


def test_many_are_each_no_duplicates_and_not_of_each_other(made: Made) -> None:
    run = made.make()
    chosen = Selection(filters=ANY)
    judge_many(run, "not_duplicate", chosen, "me", state=count_selection(run, chosen).state)
    later = made.make([*ALL, ("a", "x", 1.0)], "run-2", "2026-01-02T00:00:00+00:00")
    assert decided(later, "a") == {"a": "keep", "x": "delete"}


def test_nothing_or_the_wrong_is_not_said_of_many(made: Made) -> None:
    run = made.make()
    with pytest.raises(VerdictError, match="No cluster is selected"):
        judge_many(run, "skip", Selection(filters=Filters(text="nowhere")), "me", state="")
    with pytest.raises(VerdictError, match="not said of many"):
        judge_many(run, "keep", Selection(filters=ANY), "me", state="")
    with pytest.raises(UnknownError):
        count_selection(run, Selection(("c-0",)))


def test_a_note_is_kept_also_where_the_same_was_said_without_it(made: Made) -> None:
    run = made.make()
    judge(run, "reject", row_of(run, "a").name, "me")
    name, note = row_of(run, "a").name, "<b>two</b> cats"
    assert judge(run, "reject", name, "me", note=note).is_new
    assert not judge(run, "reject", name, "me").is_new
    assert [one.note for one in row_of(run, "a").said] == ["", note]


def test_undoing_twice_is_told_and_the_history_has_all(made: Made) -> None:
    run = made.make()
    said = judge(run, "reject", row_of(run, "a").name, "me").said
    take_back(run, [said.name], "you")
    with pytest.raises(VerdictConflictError, match="you has undone"):
        take_back(run, [said.name], "me")
    with pytest.raises(UnknownError):
        take_back(run, ["nothing.json"], "me")
    assert [(one.kind, one.is_undone) for one in history(run)] == [("undo", False), ("reject", True)]


def test_what_is_carried_out_is_not_undone_but_restored(made: Made) -> None:
    run = made.make()
    said = judge(run, "approve", row_of(run, "a").name, "me").said
    order = ["c-1", "b", "a", "delete", "exact", 1.0, "rule", "reason", "", ""]
    outcome = {"order": order, "outcome": "done", "reason": "", "at": "2999-01-01T00:00:00+00:00"}
    run.storage.write("apply/batches-g0/000000.json", json.dumps([outcome]).encode())
    with pytest.raises(VerdictConflictError, match=r"has carried this out \(delete of 'b'.*restore"):
        take_back(run, [said.name], "me")
    shown = read_cluster(run, row_of(run, "a").name).outcomes
    assert [(one.id, one.outcome) for one in shown] == [("b", "done")]


KINDS = st.sampled_from(["approve", "reject", "skip", "not_duplicate", "keep", "may_repeat", "undo"])
STEPS = st.lists(st.tuples(KINDS, st.sampled_from("abcmnoxy"), st.integers(0, 2)), min_size=1, max_size=5)


@given(STEPS)
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_deciding_some_clusters_is_deciding_all(made: Made, steps: list[tuple[Any, str, int]]) -> None:
    """What the page shows after any verdicts is what deciding everything anew comes to."""
    run = Made(made.storage, uuid.uuid4().hex).make()
    open_state(run)
    for kind, document, number in steps:
        row = row_of(run, document)
        if kind == "undo":
            if row.said:
                take_back(run, [row.said[number % len(row.said)].name], "me")
        else:
            ids = [document] if kind in ("keep", "may_repeat") else []
            judge(run, kind, row.name, "me", ids=ids)
    quick = open_state(run)
    stats, renewed = renewed_decisions(quick)
    pd.testing.assert_frame_equal(renewed, current_decisions(run), check_dtype=False)
    assert stats == decide_again(run)
    rows = quick.member_rows(range(len(quick.clusters)))
    shown = quick.members(rows)
    run.storage.remove(NEWEST)
    exact = open_state(run)
    assert exact.is_exact
    pd.testing.assert_frame_equal(shown, exact.members(rows), check_dtype=False)
    pd.testing.assert_frame_equal(quick.clusters, exact.clusters, check_dtype=False)


def test_decisions_of_now_take_the_tag_off_what_is_no_duplicate_any_more(made: Made) -> None:
    tagged = {name: {**FIELDS[name], "duplicate_role_s": "duplicate"} for name in FIELDS}
    run = made.make(fields=tagged)
    open_state(run)
    judge(run, "not_duplicate", row_of(run, "n").name, "me")
    _, renewed = renewed_decisions(open_state(run))
    pd.testing.assert_frame_equal(renewed, current_decisions(run), check_dtype=False)
    untagged = renewed.loc[renewed["decision"] == "untag", "id"]
    assert {"m", "n", "o"} <= set(untagged)
