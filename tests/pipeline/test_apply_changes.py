"""Apply against the live server: everything that may have changed since the decision."""

from __future__ import annotations

import pytest

from include.dedupe.deciding.decide import decide
from include.dedupe.deciding.supersede import register_decisions
from include.dedupe.errors import ApprovalError
from include.dedupe.planning.plan import read_plan
from include.dedupe.reviewing.approving import answer
from include.dedupe.reviewing.asking import question, shown_hash
from include.dedupe.reviewing.speaking import say
from include.dedupe.rundir import Attempt
from tests.pipeline.acting_fixture import CAT, DOCUMENTS, MOOSE, SMALL_CAT, acting, policies
from tests.support.acting import Acting, outcomes, reasons

__all__ = ["acting"]


class TestWhatHasChangedMeanwhile:
    """Between the decision and its action."""

    def decided(self, acting: Acting, **settings: object) -> str:
        config = acting.config(**(settings or policies("delete")))
        assert not [step for step in acting.check(config) if step.problem]
        return acting.decide(acting.run(), config).hash

    def test_an_unrelated_field_does_not_count(self, acting: Acting) -> None:
        digest = self.decided(acting)
        acting.change(*({"id": name, "views_i": {"set": 7}} for name in DOCUMENTS))
        assert acting.apply(acting.run(), digest).done == 1
        assert "cat copy" not in acting.documents()

    @pytest.mark.parametrize(("changed", "reason"), [("cat copy", "has changed"), ("cat", "its keeper has")])
    def test_another_picture_is_left_alone(self, acting: Acting, changed: str, reason: str) -> None:
        digest = self.decided(acting)
        image = f"{acting.server.base}/images/{MOOSE}"
        acting.change({"id": changed, "image": image, "import": acting.analyses[MOOSE]})
        assert acting.apply(acting.run(), digest).skipped == 1
        assert reason in reasons(acting.run())["cat copy"]
        assert "cat copy" in acting.documents()

    def test_another_picture_at_the_same_address_is_left_alone(self, acting: Acting) -> None:
        digest = self.decided(acting)
        fields = acting.documents()["cat copy"]
        acting.change({**fields, "import": acting.analyses[MOOSE]})
        assert acting.apply(acting.run(), digest).skipped == 1
        assert "does not look like its keeper" in reasons(acting.run())["cat copy"]

    def test_a_field_that_the_decision_rests_on_counts(self, acting: Acting) -> None:
        rules = {"rules": [{"rule": "highest", "field": "rating_i"}]}
        digest = self.decided(acting, **policies("delete"), keeper=rules)
        acting.change({"id": "cat", "rating_i": {"set": 9}})
        assert acting.apply(acting.run(), digest).skipped == 1
        assert set(acting.documents()) == set(DOCUMENTS)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"id": "cat", "duplicate_role_s": {"set": "condemned"}}, "its keeper is condemned"),
            ({"id": "cat copy", "category_s": {"set": "masters"}}, "protected"),
        ],
    )
    def test_a_condemned_keeper_and_a_protected_document_stop_it(
        self, acting: Acting, change: dict[str, object], reason: str
    ) -> None:
        keeper = {"protected": ["category_s:masters"]}
        digest = self.decided(acting, **policies("delete"), keeper=keeper)
        acting.change(change)
        assert acting.apply(acting.run(), digest).skipped == 1
        assert reason in reasons(acting.run())["cat copy"]

    def test_a_keeper_that_is_protected_by_now_takes_in_no_fields(self, acting: Acting) -> None:
        keeper = {"protected": ["category_s:masters"]}
        settings = policies("merge", merge_fields={"labels": "union"})
        digest = self.decided(acting, **settings, keeper=keeper)
        acting.change({"id": "cat", "category_s": {"set": "masters"}})
        before = acting.documents()
        assert acting.apply(acting.run(), digest).skipped == 1
        assert "its keeper is protected" in reasons(acting.run())["cat copy"]
        assert acting.documents() == before

    def test_what_others_link_to_is_not_deleted(self, acting: Acting) -> None:
        digest = self.decided(acting)
        acting.change({"id": "moose", "canonical_id_s": {"set": "cat copy"}})
        assert acting.apply(acting.run(), digest).skipped == 1
        assert "'moose' links to it" in reasons(acting.run())["cat copy"]

    @pytest.mark.parametrize("gone", ["cat", "cat copy"])
    def test_what_is_gone_stops_it(self, acting: Acting, gone: str) -> None:
        digest = self.decided(acting)
        acting.client(lambda client: client.delete([gone], commit=True))
        assert acting.apply(acting.run(), digest).skipped == 1
        assert len(acting.documents()) == len(DOCUMENTS) - 1

    def test_a_verdict_after_the_approval_takes_the_action_away(self, acting: Acting) -> None:
        digest = self.decided(acting)
        _, stats = say(acting.run(), "not_duplicate", ("cat copy", "cat"), "a test")
        assert stats.hash != digest
        assert acting.apply(acting.run(), digest) == acting.apply(acting.run(), digest)
        assert set(acting.documents()) == set(DOCUMENTS)

    def test_an_undone_verdict_gives_the_decisions_back(self, acting: Acting) -> None:
        digest = self.decided(acting)
        verdict, _ = say(acting.run(), "reject", ("cat copy",), "a test")
        _, stats = say(acting.run(), "undo", (verdict.name,), "a test")
        assert stats.hash == digest
        assert acting.apply(acting.run(), digest).done == 1

    def test_the_answer_carries_the_hash_that_the_person_has_seen(self, acting: Acting) -> None:
        digest = self.decided(acting)
        assert answer(acting.run(), digest, approve=True) == {
            "chosen_options": ["Approve"],
            "params_input": {"decisions": digest},
        }
        _, stats = say(acting.run(), "reject", ("cat copy",), "a test")
        with pytest.raises(ApprovalError, match=f"The decisions are {stats.hash} by now, not {digest}"):
            answer(acting.run(), digest, approve=True)
        assert answer(acting.run(), digest, approve=False)["chosen_options"] == ["Reject"]

    def test_the_question_shows_counts_the_weakest_and_some_others(self, acting: Acting) -> None:
        acting.fill({f"cat `{n}`|": (CAT, {}) for n in range(40)} | {"small\ncat": (SMALL_CAT, {})})
        digest = self.decided(acting, **policies("delete", "delete"))
        text = question(acting.run(), digest)
        weakest, others = text.split("**The weakest deletions**")[1].split("**Some deletions at random**")
        assert "| delete | exact | 39 |" in text
        assert f"Decisions: `{digest}`" in text
        assert f"{acting.run().address}/report/report.html" in text
        assert "`small cat`" in weakest.splitlines()[4]
        assert [part.count("| delete |") for part in (weakest, others)] == [10, 10]
        assert question(acting.run(), digest) == text

    def test_a_person_may_keep_another_one(self, acting: Acting) -> None:
        digest = self.decided(acting)
        _, stats = say(acting.run(), "keep", ("cat copy",), "a test")
        assert acting.apply(acting.run(), stats.hash).done == 1
        assert set(acting.documents()) == set(DOCUMENTS) - {"cat"}
        assert digest != stats.hash

    def test_an_answer_means_the_decisions_of_the_first_question(self, acting: Acting) -> None:
        """Airflow keeps the text of a question also when its task is cleared and the run decided anew."""
        first = self.decided(acting)
        assert shown_hash(acting.run(), first) == first
        say(acting.run(), "keep", ("cat copy",), "a test")
        second = decide(acting.run(), Attempt(1, 2)).hash
        assert second != first
        assert shown_hash(acting.run(), second) == first
        assert acting.apply(acting.run(), first).done == 0
        assert set(acting.documents()) == set(DOCUMENTS)

    def test_an_approval_after_a_newer_run_has_decided_does_nothing(self, acting: Acting) -> None:
        digest = self.decided(acting)
        newer = acting.run("run-2")
        config = acting.config(**policies("delete"))
        stats = acting.decide(newer, config)
        register_decisions(newer, read_plan(newer), stats.hash)
        assert acting.apply(acting.run(), digest).skipped == 1
        assert "run run-2 has decided anew" in reasons(acting.run())["cat copy"]
        assert acting.apply(newer, stats.hash).done == 1

    @pytest.mark.parametrize("at", ["2026-05-01 12:00:00.000001+00:00", "2026-05-01T14:00:00+02:00"])
    def test_which_came_first_does_not_depend_on_how_the_moment_is_written(
        self, acting: Acting, monkeypatch: pytest.MonkeyPatch, at: str
    ) -> None:
        digest = self.decided(acting)
        newer = acting.run("run-2")
        stats = acting.decide(newer, acting.config(**policies("delete")))
        monkeypatch.setattr("include.dedupe.deciding.supersede.now", lambda: "2026-05-01T12:00:00+00:00")
        register_decisions(newer, read_plan(newer), stats.hash)
        assert acting.apply(acting.run(), digest, approved_at=at).skipped == 1

    def test_what_a_newer_run_does_not_decide_any_more_is_not_done(self, acting: Acting) -> None:
        digest = self.decided(acting)
        newer, config = (
            acting.run("run-2"),
            acting.config(**policies("delete"), only_pairs={"same": ["place_s"]}),
        )
        stats = acting.decide(newer, config)
        assert not stats.counts
        register_decisions(newer, read_plan(newer), stats.hash)
        acting.apply(acting.run(), digest, approved_at="2000-01-01T00:00:00+00:00")
        assert "run run-2 has decided anew" in reasons(acting.run())["cat copy"]
        assert set(acting.documents()) == set(DOCUMENTS)

    def test_an_approval_before_a_newer_run_does_what_both_say(self, acting: Acting) -> None:
        digest = self.decided(acting, **policies("delete", "tag"))
        newer = acting.run("run-2")
        stats = acting.decide(newer, acting.config(**policies("delete")))
        register_decisions(newer, read_plan(newer), stats.hash)
        acting.apply(acting.run(), digest, approved_at="2000-01-01T00:00:00+00:00")
        assert outcomes(acting.run()) == {"cat copy": ("delete", "done"), "cat small": ("tag", "skipped")}

    def test_two_approved_runs_with_opposite_keepers_leave_one_document(self, acting: Acting) -> None:
        acting.fill({"a": (CAT, {"n_i": 1}), "b": (CAT, {"n_i": 2})})
        runs = [acting.run("run-1"), acting.run("run-2")]
        digests = []
        for run, rule in zip(runs, ("highest", "lowest"), strict=True):
            config = acting.config(**policies("delete"), keeper={"rules": [{"rule": rule, "field": "n_i"}]})
            acting.check(config)
            digests.append(acting.decide(run, config).hash)
        done = [acting.apply(run, digest).done for run, digest in zip(runs, digests, strict=True)]
        assert done == [1, 0]
        assert set(acting.documents()) == {"b"}
