from __future__ import annotations

import pytest

from include.dedupe.deciding.decide import current_decisions
from include.dedupe.deciding.decisions import read_decisions, still_standing
from include.dedupe.deciding.supersede import register_decisions
from include.dedupe.errors import ApprovalError, GuardError, UnknownError
from include.dedupe.planning.plan import read_plan
from include.dedupe.reviewing.approving import ChangedError, answer, effect
from include.dedupe.reviewing.asking import question, shown_hash
from include.dedupe.reviewing.clusters import list_clusters
from include.dedupe.reviewing.filtering import Filters
from include.dedupe.reviewing.judging import judge, take_back
from include.dedupe.rundir import RunDir
from tests.support.made import Made


def name_of(run: RunDir, document: str) -> str:
    rows = list_clusters(run, Filters(judged=None)).rows
    return next(row.name for row in rows if document in {one.id for one in row.members})


def test_the_effect_is_compared_with_what_the_question_showed(made: Made) -> None:
    run = made.make()
    asked = shown_hash(run, run.result("decide").result["hash"])
    found = effect(run)
    assert (found.hash, found.compared, found.changed) == (asked, asked, 0)
    assert (found.deletes, found.acts, found.bytes_to_free, found.bytes_unknown) == (4, 5, 1040, 1)
    judge(run, "reject", name_of(run, "x"), "me")
    found = effect(run)
    assert found.compared == asked != found.hash
    assert (found.deletes, found.bytes_to_free) == (3, 40)
    assert [(one.id, one.before, one.now) for one in found.changes] == [("y", "delete", "keep")]
    counts = {(one.decision, one.duplicates): (one.documents, one.before) for one in found.counts}
    assert counts["delete", "exact"] == (3, 4)
    assert counts["keep", "exact"] == (1, 0)


def test_only_the_newest_decisions_are_approved(made: Made) -> None:
    run = made.make()
    seen = effect(run)
    said = judge(run, "reject", name_of(run, "x"), "me").said
    with pytest.raises(ChangedError, match="look at them again") as caught:
        answer(run, seen.hash, approve=True)
    assert [one.id for one in caught.value.effect.changes] == ["y"]
    assert answer(run, seen.hash, approve=False)["chosen_options"] == ["Reject"]
    newest = caught.value.effect.hash
    params = {"decisions": newest}
    assert answer(run, newest, approve=True) == {"chosen_options": ["Approve"], "params_input": params}
    take_back(run, [said.name], "me")
    assert effect(run).hash == seen.hash
    with pytest.raises(ApprovalError, match="no decisions"):
        answer(run, "nonsense", approve=True)


def test_what_a_guard_forbids_or_a_newer_run_has_decided_is_not_approved(made: Made) -> None:
    run = made.make(guards={"max_delete_count": 1, "max_delete_share": 1.0})
    found = effect(run)
    assert found.problems
    with pytest.raises(GuardError, match="max_delete_count"):
        answer(run, found.hash, approve=True)
    older = made.make(run_id="run-2", created_at="2026-01-02T00:00:00+00:00")
    newer = made.make(run_id="run-3", created_at="2026-01-03T00:00:00+00:00")
    register_decisions(newer, read_plan(newer), effect(newer).hash)
    found = effect(older)
    assert found.superseded_by == "run-3"
    with pytest.raises(ApprovalError, match="Run run-3 has decided anew"):
        answer(older, found.hash, approve=True)


def test_a_run_that_has_not_decided_is_told(made: Made) -> None:
    with pytest.raises(UnknownError):
        effect(made.make(policies=None, keeper={}))


def test_the_question_leads_to_the_page(made: Made) -> None:
    run = made.make()
    text = question(run, effect(run).hash, "http://airflow/page")
    assert "](http://airflow/page)" in text
    assert "](" not in question(run, effect(run).hash)


def test_a_verdict_after_the_approval_only_takes_away(made: Made) -> None:
    run = made.make()
    approved = read_decisions(run, effect(run).hash)
    judge(run, "keep", name_of(run, "a"), "me", ids=["c"])
    standing = still_standing(approved, current_decisions(run))
    assert set(standing["id"]) == {"m", "n", "y"}


def test_a_part_is_approved_and_the_rest_stays_open(made: Made) -> None:
    run = made.make()
    whole = effect(run)
    assert (whole.part.acts, whole.part.deletes) == (whole.acts, whole.deletes)
    given = {"only_clusters": [name_of(run, "x")]}
    found = effect(run, given=given)
    assert (found.acts, found.part.acts, found.part.deletes) == (5, 1, 1)
    assert found.part.bytes_to_free == 1000
    said = answer(run, found.hash, approve=True, given=given)["params_input"]
    assert said == {"decisions": found.hash, **given}
    with pytest.raises(ApprovalError, match="Nothing that was decided is in the part"):
        answer(run, found.hash, approve=True, given={"score_to": 0.1})
    assert answer(run, found.hash, approve=False, given={"score_to": 0.1})["chosen_options"] == ["Reject"]


def test_a_part_may_keep_to_a_guard_that_all_would_break(made: Made) -> None:
    run = made.make(guards={"max_delete_count": 1, "max_delete_share": 1.0})
    given = {"only_clusters": [name_of(run, "x")]}
    assert answer(run, effect(run).hash, approve=True, given=given)["chosen_options"] == ["Approve"]


def test_the_question_says_the_bytes_and_shows_the_weakest_deletions(made: Made) -> None:
    run = made.make()
    text = question(run, effect(run).hash, "http://airflow/plugin/duplicates/runs/one/approval")
    assert "4 documents would be deleted: 1,040 bytes" in text
    assert "1 of them tell no size" in text
    assert "[Report](http://airflow/plugin/duplicates/runs/one/report)" in text
    weakest = text.partition("**The weakest deletions**")[2].partition("**Some")[0]
    assert weakest.count("| delete |") == 4
    assert "| tag |" not in weakest
