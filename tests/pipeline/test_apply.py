"""Apply against the live server: what each policy does."""

from __future__ import annotations

import datetime as dt

import pytest

from include.dedupe.acting.archive import read_tombstones
from include.dedupe.acting.record import record
from include.dedupe.reviewing.speaking import say
from tests.pipeline.acting_fixture import CAT, acting, policies
from tests.support.acting import FIRST, Acting, outcomes

__all__ = ["acting"]


class TestPolicies:
    def test_tag_marks_the_duplicate_and_leaves_the_keeper_untouched(self, acting: Acting) -> None:
        before = acting.documents()
        acting.act(**policies("tag", "tag"))
        after = acting.documents()
        assert after["cat"] == before["cat"]
        assert after["cat copy"]["duplicate_of_s"] == "cat"
        assert after["cat copy"]["duplicate_role_s"] == "duplicate"
        assert after["cat copy"]["duplicate_score_d"] == 1.0
        assert after["cat small"]["duplicate_cluster_s"] == after["cat copy"]["duplicate_cluster_s"]

    def test_tags_are_removed_when_they_are_no_longer_true(self, acting: Acting) -> None:
        before = acting.documents()
        acting.act(**policies("tag", "tag"))
        acting.act("run-2", **policies("tag", "tag"), ignore_pairs={"different": ["place_s"]})
        assert outcomes(acting.run("run-2")) == {
            "cat copy": ("tag", "done"),
            "cat small": ("tag", "done"),
        }
        say(acting.run("run-2"), "not_duplicate", ("cat", "cat small"), "a test")
        say(acting.run("run-2"), "not_duplicate", ("cat copy", "cat small"), "a test")
        acting.act("run-3", **policies("tag", "tag"))
        assert outcomes(acting.run("run-3")) == {
            "cat copy": ("tag", "done"),
            "cat small": ("untag", "done"),
        }
        assert acting.documents()["cat small"] == before["cat small"]

    def test_a_tag_that_is_there_is_not_written_again(self, acting: Acting) -> None:
        acting.act(**policies("tag"))
        settings = acting.config(**policies("tag"))
        run = acting.run("run-2")
        digest = acting.decide(run, settings).hash
        version = acting.ask(lambda writer: writer.read(["cat copy"], ("id", "_version_")))
        acting.apply(run, digest)
        assert acting.ask(lambda writer: writer.read(["cat copy"], ("id", "_version_"))) == version

    def test_link_keeps_the_document_and_leads_to_its_keeper(self, acting: Acting) -> None:
        acting.act(**policies("link"))
        assert acting.documents()["cat copy"]["canonical_id_s"] == "cat"

    def test_merge_brings_the_fields_together_and_deletes_the_duplicates(self, acting: Acting) -> None:
        rules = {"labels": "union", "rating_i": "max", "place_s": "fill", "title_s": "keep"}
        settings = policies("merge", "merge", merge_fields=rules)
        settings["policies"]["near"]["merge_fields"] = {"title_s": "join"}  # type: ignore[index]
        acting.act(**settings)
        after = acting.documents()
        assert set(after) == {"cat", "coffee", "moose"}
        assert after["cat"]["labels"] == ["animal", "pet"]
        assert (after["cat"]["rating_i"], after["cat"]["place_s"]) == (5, "home")
        assert after["cat"]["title_s"] == "a cat\na small cat"

    def test_delete_leaves_a_tombstone_and_a_redirect(self, acting: Acting) -> None:
        acting.act(**policies("delete"))
        assert set(acting.documents()) == {"cat", "cat small", "coffee", "moose"}
        (stone,) = read_tombstones(acting.run().lasting).values()
        assert (stone.id, stone.keeper_id, stone.run_id, stone.restored_at) == (
            "cat copy",
            "cat",
            "run-1",
            "",
        )
        assert record(acting.run(), FIRST, None) == {"done": 1}
        assert b"cat copy,cat,1.0,delete" in acting.run().storage.read("record/redirects.csv")

    @pytest.mark.parametrize("kind", ["report", "review", "export"])
    def test_what_only_informs_writes_nothing(self, acting: Acting, kind: str) -> None:
        before = acting.documents()
        config = acting.config(**policies(kind, kind))
        acting.server.clear_counts()
        run = acting.run()
        digest = acting.decide(run, config).hash
        acting.check(config)
        acting.server.clear_counts()
        acting.apply(run, digest)
        assert acting.server.counts().get("update", 0) == 0
        assert acting.documents() == before

    def test_a_grace_period_condemns_first_and_deletes_in_a_later_run(self, acting: Acting) -> None:
        acting.act(**policies("delete", after_days=7))
        assert acting.documents()["cat copy"]["duplicate_role_s"] == "condemned"
        acting.act("run-2", **policies("delete", after_days=7))
        assert "cat copy" in acting.documents()
        week_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=8)
        since = week_ago.isoformat(timespec="seconds").replace("+00:00", "Z")
        acting.change({"id": "cat copy", "duplicate_since_dt": {"set": since}})
        acting.act("run-3", **policies("delete", after_days=7))
        assert "cat copy" not in acting.documents()

    def test_a_grace_period_starts_anew_when_the_document_has_changed(self, acting: Acting) -> None:
        rules = {"rules": [{"rule": "lowest", "field": "rating_i"}]}
        acting.act(**policies("delete", after_days=7), keeper=rules)
        since = "2020-01-01T00:00:00Z"
        acting.change({"id": "cat copy", "duplicate_since_dt": {"set": since}, "rating_i": {"set": 6}})
        acting.act("run-2", **policies("delete", after_days=7), keeper=rules)
        assert acting.documents()["cat copy"]["duplicate_since_dt"] != since


class TestScope:
    def test_a_document_that_the_scope_leaves_out_stays_and_is_not_touched(self, acting: Acting) -> None:
        """Also where the rules would rather keep the one that was scanned."""
        acting.fill({"old": (CAT, {"n_i": 1}), "new": (CAT, {"n_i": 2, "inbox_b": True})})
        rules = {"rules": [{"rule": "highest", "field": "n_i"}]}
        acting.act(**policies("delete"), scope=["inbox_b:true"], keeper=rules)
        assert set(acting.documents()) == {"old"}

    def test_one_that_has_left_the_scope_since_is_left_alone(self, acting: Acting) -> None:
        acting.fill({"old": (CAT, {}), "snow": (CAT, {"inbox_b": True})})
        config = acting.config(**policies("delete"), scope=["inbox_b:true"])
        acting.check(config)
        digest = acting.decide(acting.run(), config).hash
        acting.change({"id": "snow", "inbox_b": {"set": False}})
        assert acting.apply(acting.run(), digest).skipped == 1
        assert set(acting.documents()) == {"old", "snow"}


class TestDryRun:
    def test_it_judges_everything_and_makes_no_update_call(self, acting: Acting) -> None:
        run = acting.run()
        digest = acting.decide(run, acting.config(**policies("delete", "tag"))).hash
        acting.server.clear_counts()
        assert acting.apply(run, digest, dry_run=True).planned == 2
        assert acting.server.counts().get("update", 0) == 0
        assert not acting.writers.names("lease")
