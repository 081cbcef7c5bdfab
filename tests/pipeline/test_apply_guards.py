"""Apply against the live server: what stops it."""

from __future__ import annotations

import pytest

from include.dedupe.acting.lease import allow_writing, hold_lease, stop_writing
from include.dedupe.errors import ApprovalError, CheckError, GuardError, StoppedError
from include.dedupe.rundir import Attempt
from tests.pipeline.acting_fixture import DOCUMENTS, acting, policies
from tests.support.acting import Acting, reasons

__all__ = ["acting"]
RETRY = Attempt(0, 2)


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
        assert acting.apply(acting.run(), stats.hash, dry_run=True, attempt=Attempt(1, 1)).planned == 1

    def test_a_run_that_scans_nothing_is_measured_by_the_whole_scope(self, acting: Acting) -> None:
        config = acting.config(**policies("delete"))
        acting.check(config)
        acting.decide(acting.run("found-it"), config)
        stats = acting.decide(acting.run(), config, known=True)
        assert (stats.counts["delete"], stats.problems) == (1, [])
        small = acting.config(**{**policies("delete"), "guards": {"max_delete_share": 0.1}})
        (problem,) = acting.decide(acting.run("run-2"), small, known=True).problems
        assert "1 of the 5 documents in the scope" in problem
        assert acting.apply(acting.run(), stats.hash).done == 1

    def test_what_was_not_scanned_stops_deletion_unless_the_settings_allow_it(self, acting: Acting) -> None:
        """One of five searches fails; the pair of cat and its copy is seen from the other side."""
        scan = {**policies("delete")["scan"], "self_join": False, "max_failed_share": 1.0}  # type: ignore[dict-item]
        config = acting.config(**{**policies("delete"), "scan": scan})
        acting.check(config)
        acting.server.fault("malformed", handler="duplicate", skip=4, times=1)
        stats = acting.decide(acting.run(), config)
        assert (
            "4 of 5 documents were scanned, less than the share guards.min_coverage 1.0" in stats.problems[0]
        )
        with pytest.raises(GuardError, match=r"guards\.min_coverage 1\.0 that deletion needs"):
            acting.apply(acting.run(), stats.hash)
        assert set(acting.documents()) == set(DOCUMENTS)
        guards = {"min_coverage": 0.8, "delete_threshold": 0.7}
        config = acting.config(**{**policies("delete"), "scan": scan, "guards": guards})
        acting.server.fault("malformed", handler="duplicate", skip=4, times=1)
        stats = acting.decide(acting.run("run-2"), config)
        assert not stats.problems
        assert acting.apply(acting.run("run-2"), stats.hash).done == 1

    def test_tagging_needs_no_full_coverage(self, acting: Acting) -> None:
        scan = {"exact_threshold": 0.9999, "self_join": False, "max_failed_share": 1.0}
        config = acting.config(**{**policies("tag"), "scan": scan})
        acting.check(config)
        acting.server.fault("malformed", handler="duplicate", skip=4, times=1)
        stats = acting.decide(acting.run(), config)
        assert not stats.problems
        assert acting.apply(acting.run(), stats.hash).done == 1

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
        stop_writing(acting.writers, "somebody")
        with pytest.raises(StoppedError, match="somebody has stopped all writing"):
            acting.apply(acting.run(), digest)
        allow_writing(acting.writers)
        assert acting.apply(acting.run(), digest).done == 1

    def test_while_somebody_else_writes_apply_waits(self, acting: Acting) -> None:
        config = acting.config(**policies("delete"))
        acting.check(config)
        digest = acting.decide(acting.run(), config).hash
        with (
            hold_lease(acting.writers, "A restore by somebody"),
            pytest.raises(Exception, match=r"A restore by somebody .* is writing"),
        ):
            acting.apply(acting.run(), digest)
        assert acting.apply(acting.run(), digest, attempt=RETRY).done == 1

    def test_what_cannot_be_analysed_is_not_deleted(self, acting: Acting) -> None:
        config = acting.config(**policies("delete"))
        acting.check(config)
        digest = acting.decide(acting.run(), config).hash
        acting.server.fault("malformed", handler="analyze", times=20)
        assert acting.apply(acting.run(), digest).skipped == 1
        assert "picture cannot be read: analyze" in reasons(acting.run())["cat copy"]
