"""Apply against the live server while others do the worst at the worst moment: never are both gone."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.acting.apply import ApplyStats, apply
from include.dedupe.acting.archive import read_entries, read_tombstones
from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.acting.wanted import Wanted
from include.dedupe.reviewing.speaking import say
from include.dedupe.rundir import Attempt, RunDir
from include.flow_client import FlowRequestError
from tests.pipeline.acting_fixture import CAT, DOCUMENTS, acting, policies
from tests.pipeline.dying import DyingWriter, kill_at
from tests.pipeline.meddling import apply_meddled, decided
from tests.support.acting import FIRST, LATE, Acting, outcomes, reasons

__all__ = ["acting"]
TWO = {"a": (CAT, {"n_i": 1, "labels": ["x"]}), "b": (CAT, {"n_i": 2, "labels": ["y"]})}


def by(rule: str) -> dict[str, Any]:
    return {"keeper": {"rules": [{"rule": rule, "field": "n_i"}]}}


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", ["delete", "merge"])
def test_opposite_keepers_leave_exactly_one_in_any_interleaving(
    acting: Acting, kind: str, after: bool
) -> None:
    """A merge that was killed in the middle changes its keeper: then the other run leaves both alone."""
    settings = policies(kind, **({"merge_fields": {"labels": "union"}} if kind == "merge" else {}))
    acting.fill(TWO)
    acting.check(acting.config(**settings))
    for call in itertools.count(1):
        acting.fill(TWO)
        one, other = acting.run(f"one-{call}"), acting.run(f"other-{call}")
        first = acting.decide(one, acting.config(**settings, **by("highest"))).hash
        second = acting.decide(other, acting.config(**settings, **by("lowest"))).hash
        was_killed = kill_at(acting, one.run_id, first, call, after=after)
        acting.apply(other, second)
        acting.apply(one, first, attempt=Attempt(0, 2))
        left = len(acting.documents())
        assert left == 1 or (left == 2 and kind == "merge"), call
        acting.restore(Wanted(runs=(one.run_id, other.run_id)), remember=False)
        assert set(acting.documents()) == {"a", "b"}, call
        if not was_killed:
            return


def test_a_keeper_that_goes_while_the_duplicate_is_archived_saves_the_duplicate(acting: Acting) -> None:
    digest = decided(acting)
    stats = apply_meddled(acting, digest, "analyze", lambda client: client.delete(["cat"], commit=True))
    assert (stats.done, stats.skipped) == (0, 1)
    assert "its keeper no longer exists" in reasons(acting.run())["cat copy"]
    assert "cat copy" in acting.documents()


def test_a_keeper_whose_deletion_nobody_has_committed_saves_the_duplicate(acting: Acting) -> None:
    digest = decided(acting)
    acting.client(lambda client: client.delete(["cat"]))
    assert "cat" in acting.documents()
    assert acting.apply(acting.run(), digest).skipped == 1
    assert set(acting.documents()) == set(DOCUMENTS) - {"cat"}


def test_a_keeper_that_is_condemned_while_the_duplicate_is_archived_saves_the_duplicate(
    acting: Acting,
) -> None:
    digest = decided(acting)
    change = [{"id": "cat", "duplicate_role_s": {"set": "condemned"}}]
    assert apply_meddled(acting, digest, "analyze", lambda one: one.update(change, commit=True)).skipped == 1
    assert "cat copy" in acting.documents()


def test_a_keeper_of_which_an_unrelated_field_changes_lets_the_deletion_go_on(acting: Acting) -> None:
    digest = decided(acting)
    change = [{"id": "cat", "views_i": {"set": 8}}]
    assert apply_meddled(acting, digest, "analyze", lambda one: one.update(change, commit=True)).done == 1


def test_a_keeper_that_goes_at_the_very_moment_is_reported_and_the_duplicate_comes_back(
    acting: Acting,
) -> None:
    digest = decided(acting)
    stats = apply_meddled(
        acting, digest, "delete", lambda client: client.delete(["cat"], commit=True), after=True
    )
    assert stats.failed == 1
    assert "somebody else removed its keeper; restore it" in reasons(acting.run())["cat copy"]
    acting.restore(Wanted(ids=("cat copy",)))
    assert "cat copy" in acting.documents()


def test_a_deletion_that_somebody_else_was_faster_with_is_no_failure(acting: Acting) -> None:
    digest = decided(acting)
    assert (
        apply_meddled(acting, digest, "delete", lambda one: one.delete(["cat copy"], commit=True)).done == 1
    )
    acting.restore(Wanted(ids=("cat copy",)))
    assert "cat copy" in acting.documents()


def test_what_becomes_visible_too_late_is_reported_and_can_be_restored(
    acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.dedupe.acting.seeing.VISIBLE_WITHIN_S", 0.0)
    before = acting.documents()
    digest = decided(acting)

    class Late(ClientWriter):
        async def commit(self) -> None:
            """The collection makes writes visible when it likes."""

    async def act(writer: ClientWriter) -> ApplyStats:
        late = Late(writer._client, writer.reader)
        return await apply(late, acting.run(), FIRST, digest, LATE, dry_run=False)

    assert acting.ask(act).failed == 1
    assert "cannot be seen" in reasons(acting.run())["cat copy"]
    acting.client(lambda client: client.commit())
    assert "cat copy" not in acting.documents()
    assert read_tombstones(acting.run().lasting)["cat copy"].run_id == "run-1"
    acting.restore(Wanted(runs=("run-1",)))
    assert acting.documents() == before


def apply_while_it_arrives(acting: Acting, run: RunDir, digest: str, version: int, call: int) -> bool:
    """Start an apply again; at one of its calls a deletion of "b" arrives. Tell whether it came so far."""

    async def act(writer: ClientWriter) -> bool:
        async def arrive() -> None:
            with contextlib.suppress(FlowRequestError):  # the next try was faster
                await writer._client.delete(["b"], version=version, commit=True)

        late = DyingWriter(writer, call, arrive, after=True)
        await apply(late, run, Attempt(0, 2), digest, LATE, dry_run=False)
        return not late.is_due

    return acting.ask(act)


@pytest.mark.parametrize("kind", ["delete", "merge"])
def test_a_deletion_of_a_killed_try_that_arrives_at_any_call_of_the_next_one_is_its_own(
    acting: Acting, kind: str
) -> None:
    """The request was still on its way when its sender died."""
    acting.check(acting.config(**policies(kind)))
    for call in itertools.count(1):
        acting.fill(TWO)
        run = acting.run(f"run-{call}")
        digest = acting.decide(run, acting.config(**policies(kind))).hash
        calls = itertools.count(1)
        while not (archived := [one for one in read_entries(run.lasting, run.folder) if one.analysis]):
            kill_at(acting, run.run_id, digest, next(calls), after=False)
        has_arrived = apply_while_it_arrives(acting, run, digest, archived[0].before["_version_"], call)
        assert outcomes(run)["b"] == (kind, "done"), (call, reasons(run))
        assert read_tombstones(run.lasting)["b"].run_id == run.run_id
        if not has_arrived:
            return


@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_and_never_started_again_it_can_be_taken_back(acting: Acting, after: bool) -> None:
    documents = {**DOCUMENTS, "cat 3": (CAT, {"n_i": 3})}
    rules = {"merge_fields": {"labels": "union"}}
    acting.check(acting.config(**policies("merge", "tag", **rules)))
    for call in itertools.count(1):
        acting.fill(documents)
        before = acting.documents()
        run = acting.run(f"killed-{call}")
        digest = acting.decide(run, acting.config(**policies("merge", "tag", **rules))).hash
        was_killed = kill_at(acting, run.run_id, digest, call, after=after)
        acting.restore(Wanted(runs=(run.run_id,)), remember=False)
        assert acting.documents() == before, call
        if not was_killed:
            return


def test_an_attempt_that_runs_twice_under_one_number_loses_nothing_of_the_archive(acting: Acting) -> None:
    acting.fill({**DOCUMENTS, "cat 3": (CAT, {"n_i": 3})})
    before = acting.documents()
    digest = decided(acting)
    for call in itertools.count(1):
        if not kill_at(acting, "run-1", digest, call, after=True):
            break
    archived = {entry.id for entry in read_entries(acting.run().lasting, "run-1")}
    assert archived == set(before) - set(acting.documents()) == {"cat copy", "cat 3"}
    acting.restore(Wanted(runs=("run-1",)))
    assert acting.documents() == before


def test_what_another_run_deleted_meanwhile_is_not_claimed(acting: Acting) -> None:
    digest = decided(acting)
    calls = itertools.count(1)
    while not read_entries(acting.run().lasting, "run-1"):
        kill_at(acting, "run-1", digest, next(calls), after=False)
    assert "cat copy" in acting.documents()
    assert acting.apply(acting.run("run-2"), decided(acting, "run-2")).done == 1
    assert acting.apply(acting.run(), digest, attempt=Attempt(0, 2)).skipped == 1
    assert read_tombstones(acting.run().lasting)["cat copy"].run_id == "run-2"


def test_a_verdict_that_is_given_while_apply_begins_counts(
    acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    from include.dedupe.acting import apply as module  # noqa: PLC0415 - to be patched

    digest = decided(acting)
    asked = itertools.count()
    decide = module.current_decisions

    def slowly(run: Any) -> Any:
        found = decide(run)
        if next(asked) == 1:  # the first one is for the orders, before anything is held
            say(run, "reject", ("cat copy",), "somebody quick")
        return found

    monkeypatch.setattr(module, "current_decisions", slowly)
    assert acting.apply(acting.run(), digest).skipped == 1
    assert "cat copy" in acting.documents()


def test_a_file_that_cannot_be_moved_does_not_stop_the_others(
    acting: Acting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.dedupe.acting.batch.WRITES_AT_ONCE", 1)
    library = tmp_path / "library"
    library.mkdir()
    picture = (acting.server.images / CAT).read_bytes()
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (library / name).write_bytes(picture)
    acting.fill({name: (CAT, {}) for name in ("a.jpg", "b.jpg", "c.jpg")})
    before = acting.documents()
    digest = decided(acting, quarantine={"library": str(library), "folder": str(tmp_path / "away")})

    async def replace(_: Any) -> None:
        (library / "b.jpg").write_bytes(b"another picture")

    stats = apply_meddled(acting, digest, "delete", replace)
    assert (stats.done, stats.failed) == (1, 1)
    assert "its file was not" in reasons(acting.run())["b.jpg"]
    assert set(read_tombstones(acting.run().lasting)) == {"b.jpg", "c.jpg"}
    assert (library / "b.jpg").read_bytes() == b"another picture"
    (library / "b.jpg").write_bytes(picture)
    acting.restore(Wanted(runs=("run-1",)))
    assert acting.documents() == before
    assert {path.name: path.read_bytes() for path in library.iterdir()} == dict.fromkeys(
        ("a.jpg", "b.jpg", "c.jpg"), picture
    )


def test_a_link_in_the_library_is_not_deleted_with_the_file_it_leads_to(
    acting: Acting, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    (library / "a.jpg").write_bytes(b"the only one")
    (library / "b.jpg").symlink_to(library / "a.jpg")
    acting.fill({name: (CAT, {}) for name in ("a.jpg", "b.jpg")})
    digest = decided(acting, quarantine={"library": str(library), "folder": str(tmp_path / "away")})
    assert acting.apply(acting.run(), digest).skipped == 1
    assert (library / "a.jpg").read_bytes() == b"the only one"
    assert set(acting.documents()) == {"a.jpg", "b.jpg"}
