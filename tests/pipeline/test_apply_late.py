"""Apply against the live server: what people, runs and other storages say counts until the write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.acting.apply import ApplyStats, apply
from include.dedupe.acting.archive import read_entries
from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.acting.lease import hold_lease, stop_writing
from include.dedupe.acting.marker import take_claim
from include.dedupe.acting.wanted import Wanted
from include.dedupe.deciding.supersede import register_decisions
from include.dedupe.errors import ClaimError, StoppedError
from include.dedupe.flow import MARKER
from include.dedupe.planning.plan import read_plan
from include.dedupe.reviewing.speaking import say
from tests.pipeline.acting_fixture import CAT, DOCUMENTS, acting, policies
from tests.pipeline.meddling import Meddled, apply_meddled, decided
from tests.support.acting import FIRST, LATE, Acting, reasons

__all__ = ["acting"]
TAKEN_IN = {"labels": "union", "rating_i": "max", "place_s": "fill"}


def doing(what: Callable[[], Any]) -> Callable[[Any], Awaitable[None]]:
    async def meddle(_: Any) -> None:
        what()

    return meddle


@pytest.mark.parametrize("call", ["analyze", "delete"])
@pytest.mark.parametrize("kind", ["keep", "reject"])
def test_a_verdict_counts_until_the_write(acting: Acting, call: str, kind: str) -> None:
    """It comes while pictures are analysed, or while another document of the batch is being deleted."""
    acting.fill({f"cat {number:02}": (CAT, {}) for number in range(12)})
    digest = decided(acting)
    verdict = doing(lambda: say(acting.run(), kind, ("cat 11",), "somebody"))
    stats = apply_meddled(acting, digest, call, verdict)
    assert "cat 11" in acting.documents()
    assert stats.skipped >= 1
    assert "verdict after the approval" in reasons(acting.run())["cat 11"]


@pytest.mark.parametrize("call", ["analyze", "delete"])
def test_a_newer_run_counts_until_the_write(acting: Acting, call: str) -> None:
    acting.fill({f"cat {number:02}": (CAT, {}) for number in range(12)})
    digest = decided(acting)
    newer = acting.run("run-2")
    stats = acting.decide(newer, acting.config(**policies("tag")))
    register = doing(lambda: register_decisions(newer, read_plan(newer), stats.hash))
    apply_meddled(acting, digest, call, register)
    assert "cat 11" in acting.documents()
    assert "run run-2 has decided anew" in reasons(acting.run())["cat 11"]


@pytest.mark.parametrize("call", ["analyze", "delete"])
def test_a_stop_counts_until_the_write_and_what_was_done_is_known(acting: Acting, call: str) -> None:
    acting.fill({f"cat {number:02}": (CAT, {}) for number in range(12)})
    before = acting.documents()
    digest = decided(acting)
    with pytest.raises(StoppedError):
        apply_meddled(acting, digest, call, doing(lambda: stop_writing(acting.writers, "somebody")))
    left = acting.documents()
    assert "cat 11" in left
    acting.writers.remove("stop.json")
    acting.restore(Wanted(runs=("run-1",)))
    assert acting.documents() == before


class TestMerge:
    """A keeper holds the fields of documents that were merged into it, and of no others."""

    def merged(self, acting: Acting, call: str, change: dict[str, Any], *, after: bool) -> ApplyStats:
        acting.fill({**DOCUMENTS, "cat third": (CAT, {"labels": ["third"], "rating_i": 9})})
        digest = decided(acting, **policies("merge", merge_fields=TAKEN_IN))
        return apply_meddled(
            acting, digest, call, lambda client: client.update([change], commit=True), after=after
        )

    def test_what_stays_gives_nothing(self, acting: Acting) -> None:
        change = {"id": "cat third", "rating_i": {"set": 1}}
        stats = self.merged(acting, "set_fields", change, after=True)
        documents = acting.documents()
        assert (stats.done, stats.skipped) == (1, 1)
        assert (documents["cat"]["labels"], documents["cat"]["rating_i"]) == (["animal", "pet"], 5)
        assert documents["cat third"]["rating_i"] == 1

    def test_the_keeper_of_which_all_stay_is_as_before(self, acting: Acting) -> None:
        acting.fill(DOCUMENTS)
        digest = decided(acting, **policies("merge", merge_fields=TAKEN_IN))
        before = acting.documents()["cat"]
        change = {"id": "cat copy", "labels": {"set": ["changed"]}}
        update = lambda client: client.update([change], commit=True)  # noqa: E731
        assert apply_meddled(acting, digest, "set_fields", update, after=True).skipped == 1
        assert acting.documents()["cat"] == before

    def test_what_was_taken_in_all_the_same_can_be_taken_back(self, acting: Acting) -> None:
        self.merged(acting, "set_fields", {"id": "cat third", "rating_i": {"set": 1}}, after=True)
        acting.restore(Wanted(runs=("run-1",)), remember=False)
        documents = acting.documents()
        assert (documents["cat"]["labels"], documents["cat"]["rating_i"]) == (["animal"], 2)
        assert documents["cat copy"]["labels"] == ["pet"]

    def test_a_document_that_only_meets_a_write_is_merged_at_the_second_try(self, acting: Acting) -> None:
        stats = self.merged(acting, "set_fields", {"id": "cat third", "views_i": {"set": 1}}, after=True)
        assert stats.done == 2, reasons(acting.run())
        assert sorted(acting.documents()["cat"]["labels"]) == ["animal", "pet", "third"]


class TestClaim:
    """The collection itself says which storage may write to it."""

    def other(self, acting: Acting, tmp_path: Path) -> Acting:
        return Acting(acting.server, tmp_path / "another storage", analyses=acting.analyses)

    def test_another_storage_is_refused(self, acting: Acting, tmp_path: Path) -> None:
        decided(acting)
        other = self.other(acting, tmp_path)
        steps = other.check(other.config(**policies("delete")))
        assert [step.name for step in steps if step.problem] == ["no other storage writes to the collection"]
        assert str(acting.storage) in steps[-1].problem

    def test_it_is_moved_by_a_person_and_then_the_first_one_is_refused(
        self, acting: Acting, tmp_path: Path
    ) -> None:
        digest = decided(acting)
        other = self.other(acting, tmp_path)
        config = other.config(**policies("delete"), tags={"cluster": "group_s"})

        async def take(writer: ClientWriter) -> None:
            with hold_lease(other.writers, "The claim"):
                await take_claim(writer, other.writers, config)

        other.ask(take)
        with pytest.raises(ClaimError, match="another storage"):
            acting.apply(acting.run(), digest)
        assert set(acting.documents()) == set(DOCUMENTS)
        assert not [step for step in other.check(config) if step.problem]

    def test_moved_in_the_middle_of_a_run_it_ends_the_run(self, acting: Acting, tmp_path: Path) -> None:
        digest = decided(acting, **policies("delete", "tag"))
        other = self.other(acting, tmp_path)

        async def act(writer: ClientWriter) -> ApplyStats:
            async def take() -> None:
                await take_claim(writer, other.writers, other.config())

            meddled = Meddled(writer, "set_fields", take, after=True)
            return await apply(meddled, acting.run(), FIRST, digest, LATE, dry_run=False)

        with pytest.raises(ClaimError):
            acting.ask(act)
        assert set(acting.documents()) == set(DOCUMENTS)

    def test_the_first_to_write_claims_what_nobody_has(self, acting: Acting, tmp_path: Path) -> None:
        digest = decided(acting)
        acting.client(lambda client: client.delete([MARKER], commit=True))
        assert acting.apply(acting.run(), digest).done == 1
        other = self.other(acting, tmp_path)
        assert str(acting.storage) in other.check(other.config())[-1].problem

    def test_nobody_scans_counts_or_deletes_the_marker(self, acting: Acting) -> None:
        digest = decided(acting)
        run = acting.run()
        assert read_plan(run).documents == len(DOCUMENTS)
        acting.apply(run, digest)
        acting.restore(Wanted(runs=("run-1",)))

        async def seen(writer: ClientWriter) -> list[str]:
            return [one["id"] async for page in writer.reader.iterate(fq=(), fl=("id",)) for one in page.docs]

        assert MARKER not in acting.ask(seen)
        assert MARKER in acting.ask(lambda writer: writer.read([MARKER], ("id",)))
        assert not [one for one in read_entries(run.lasting, "run-1") if one.id == MARKER]
