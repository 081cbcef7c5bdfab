"""Apply against the live server: each policy, everything that may have changed meanwhile, and guards."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path

import pytest

from include.dedupe.archive import read_tombstones
from include.dedupe.check import require_check
from include.dedupe.errors import ApprovalError, CheckError, GuardError, StoppedError
from include.dedupe.lease import allow_writing, hold_lease, stop_writing
from include.dedupe.pictures import WebPictures
from include.dedupe.plan import read_plan
from include.dedupe.record import record
from include.dedupe.report import report
from include.dedupe.restore import Wanted
from include.dedupe.review import say
from include.dedupe.rundir import Attempt
from include.dedupe.supersede import register_decisions
from tests.pipeline.acting_fixture import CAT, DOCUMENTS, MOOSE, acting, policies
from tests.support.acting import FIRST, Acting, outcomes, reasons

__all__ = ["acting"]
RETRY = Attempt(0, 2)


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
        acting.act("run-2", **policies("tag", "tag"), ignore_pairs={"different": ["nothing_s"]})
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


class TestDryRun:
    def test_it_judges_everything_and_makes_no_update_call(self, acting: Acting) -> None:
        run = acting.run()
        digest = acting.decide(run, acting.config(**policies("delete", "tag"))).hash
        acting.server.clear_counts()
        assert acting.apply(run, digest, dry_run=True).planned == 2
        assert acting.server.counts().get("update", 0) == 0
        assert not acting.run().lasting.names("lease")


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

    def test_a_person_may_keep_another_one(self, acting: Acting) -> None:
        digest = self.decided(acting)
        _, stats = say(acting.run(), "keep", ("cat copy",), "a test")
        assert acting.apply(acting.run(), stats.hash).done == 1
        assert set(acting.documents()) == set(DOCUMENTS) - {"cat"}
        assert digest != stats.hash

    def test_an_approval_after_a_newer_run_has_decided_does_nothing(self, acting: Acting) -> None:
        digest = self.decided(acting)
        newer = acting.run("run-2")
        config = acting.config(**policies("delete"))
        stats = acting.decide(newer, config)
        register_decisions(newer, read_plan(newer), stats.hash)
        assert acting.apply(acting.run(), digest).skipped == 1
        assert "run run-2 has decided anew" in reasons(acting.run())["cat copy"]
        assert acting.apply(newer, stats.hash).done == 1

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


class TestGuards:
    def test_too_many_deletions_stop_before_anything_is_written(self, acting: Acting) -> None:
        settings = {**policies("delete"), "guards": {"max_delete_count": 0}}
        config = acting.config(**settings)
        acting.check(config)
        stats = acting.decide(acting.run(), config)
        assert "max_delete_count" in stats.problems[0]
        with pytest.raises(GuardError, match=r"more than guards\.max_delete_count 0"):
            acting.apply(acting.run(), stats.hash)
        assert set(acting.documents()) == set(DOCUMENTS)

    def test_without_the_check_nothing_is_written(self, acting: Acting) -> None:
        stats = acting.decide(acting.run(), acting.config(**policies("delete")))
        with pytest.raises(CheckError, match="Nothing has shown yet"):
            acting.apply(acting.run(), stats.hash)

    def test_a_hash_of_other_decisions_is_refused(self, acting: Acting) -> None:
        acting.decide(acting.run(), acting.config(**policies("delete")))
        with pytest.raises(ApprovalError, match="has no decisions"):
            acting.apply(acting.run(), "0123456789abcdef")

    def test_decisions_that_were_changed_on_disk_are_refused(self, acting: Acting) -> None:
        one = acting.decide(acting.run(), acting.config(**policies("delete"))).hash
        other = acting.decide(acting.run("run-2"), acting.config(**policies("tag"))).hash
        storage = acting.run().storage
        storage.write(
            f"decide/decisions-{one}.parquet",
            acting.run("run-2").storage.read(f"decide/decisions-{other}.parquet"),
        )
        with pytest.raises(ApprovalError, match="was changed after it was decided"):
            acting.apply(acting.run(), one)

    def test_the_stop_switch_holds_until_it_is_lifted(self, acting: Acting) -> None:
        config = acting.config(**policies("delete"))
        acting.check(config)
        digest = acting.decide(acting.run(), config).hash
        stop_writing(acting.run().lasting, "somebody")
        with pytest.raises(StoppedError, match="somebody has stopped all writing"):
            acting.apply(acting.run(), digest)
        allow_writing(acting.run().lasting)
        assert acting.apply(acting.run(), digest).done == 1

    def test_while_somebody_else_writes_apply_waits(self, acting: Acting) -> None:
        config = acting.config(**policies("delete"))
        acting.check(config)
        digest = acting.decide(acting.run(), config).hash
        with (
            hold_lease(acting.run().lasting, "A restore by somebody"),
            pytest.raises(Exception, match=r"A restore by somebody .* is writing"),
        ):
            acting.apply(acting.run(), digest)
        assert acting.apply(acting.run(), digest, attempt=RETRY).done == 1

    def test_what_cannot_be_archived_is_not_deleted(self, acting: Acting) -> None:
        config = acting.config(**policies("delete"))
        acting.check(config)
        digest = acting.decide(acting.run(), config).hash
        acting.server.fault("malformed", handler="analyze", times=20)
        assert acting.apply(acting.run(), digest).skipped == 1
        assert "cannot be archived" in reasons(acting.run())["cat copy"]


class TestCheck:
    def test_it_passes_and_leaves_nothing_behind(self, acting: Acting) -> None:
        before = acting.documents()
        config = acting.config(**policies("delete"))
        assert not [step for step in acting.check(config) if step.problem]
        require_check(acting.run().lasting, config)
        assert acting.documents() == before

    def test_other_settings_of_fields_need_another_check(self, acting: Acting) -> None:
        acting.check(acting.config(**policies("delete")))
        other = acting.config(**policies("delete"), tags={"of": "same_as_s"})
        with pytest.raises(CheckError, match="have changed since they were checked"):
            require_check(acting.run().lasting, other)

    def test_a_field_of_another_type_is_named(self, acting: Acting) -> None:
        config = acting.config(**policies("tag"), tags={"of": "of_i"})
        (problem,) = [step.problem for step in acting.check(config) if step.problem]
        assert problem
        with pytest.raises(CheckError, match="fields can be set and are found"):
            require_check(acting.run().lasting, config)
        assert set(acting.documents()) == set(DOCUMENTS)


class TestQuarantine:
    def test_the_file_is_moved_and_comes_back_byte_for_byte(self, acting: Acting, tmp_path: Path) -> None:
        library = tmp_path / "library"
        (library / "pets").mkdir(parents=True)
        (library / "pets" / "b.jpg").write_bytes(b"\x00picture")
        acting.fill({"pets/a.jpg": (CAT, {}), "pets/b.jpg": (CAT, {})})
        before = acting.documents()
        folders = {"library": str(library), "folder": str(tmp_path / "away")}
        acting.act(**policies("delete"), quarantine=folders)
        assert not (library / "pets" / "b.jpg").exists()
        assert (tmp_path / "away" / "run-1" / "pets" / "b.jpg").read_bytes() == b"\x00picture"
        acting.restore(Wanted(ids=("pets/b.jpg",)))
        assert (library / "pets" / "b.jpg").read_bytes() == b"\x00picture"
        assert acting.documents() == before


def test_awkward_ids_survive_every_step(acting: Acting) -> None:
    names = ["a,b", 'say "hi"', "new\nline", "x:y", "two words", "🐟", "ü" * 1000, "back\\slash", "{!term}"]
    documents = {name: (CAT, {"group_s": str(number)}) for number, name in enumerate(names)}
    documents |= {f"{name}~": (CAT, {"group_s": str(number)}) for number, name in enumerate(names)}
    acting.fill(documents)
    before = acting.documents()
    stats = acting.act(**policies("delete"), only_pairs={"same": ["group_s"]})
    assert stats.done == len(names)
    assert set(acting.documents()) == set(names)
    record(acting.run(), FIRST, None)
    assert json.loads(acting.run().storage.read("record/record.json"))["outcomes"] == {"done": len(names)}
    acting.restore(Wanted(runs=("run-1",)))
    assert acting.documents() == before


class TestReport:
    def test_it_says_what_is_to_become_of_each_document_and_why(self, acting: Acting) -> None:
        stats = acting.decide(acting.run(), acting.config(**policies("delete", "tag")))
        report(acting.run(), FIRST, WebPictures(acting.server.base, ()))
        storage = acting.run().storage
        assert json.loads(storage.read("report/summary.json"))["decisions"]["hash"] == stats.hash
        rows = list(csv.DictReader(io.StringIO(storage.read("report/decisions.csv").decode(), newline="")))
        said = {row["id"]: (row["decision"], row["rule"], row["keeper_id"]) for row in rows}
        assert said["cat copy"] == ("delete", "id", "cat")
        assert said["cat"][0] == "keep"
        redirects = storage.read("report/redirects.csv").decode().splitlines()
        assert redirects == ["duplicate,keeper,score,class", "cat copy,cat,1.0,exact"]
        page = storage.read("report/report.html").decode()
        assert '<b class="decision delete">delete</b>' in page
        assert "keeper by rule: id" in page
        assert "policy for exact duplicates" in page
        nodes = json.loads(storage.read("report/graph.json"))["elements"]["nodes"]
        assert {node["data"]["cluster"] for node in nodes} == {row["cluster_id"] for row in rows}
