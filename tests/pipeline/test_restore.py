"""Do, then restore: the collection is as before, and what changed since is left alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest

from include.dedupe.acting.archive import read_tombstones
from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.acting.lease import hold_lease
from include.dedupe.acting.restore import Restored, restore
from include.dedupe.acting.wanted import Wanted
from include.dedupe.errors import DedupeError, LeaseError
from tests.pipeline.acting_fixture import CAT, COFFEE, DOCUMENTS, MOOSE, SMALL_CAT, acting, policies
from tests.support.acting import Acting, Document, outcomes

__all__ = ["acting"]
LONG_AGO, SOON = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (2000, 2999))


def found(restored: list[Restored]) -> dict[str, tuple[str, str]]:
    return {one.id: (one.action, one.outcome) for one in restored}


def test_500_documents_with_all_policies_mixed_come_back_field_by_field(acting: Acting) -> None:
    documents: dict[str, tuple[str, Document]] = {}
    for number in range(500):
        group = number // 5
        picture = SMALL_CAT if number % 5 == 4 else (CAT, CAT, COFFEE, MOOSE)[group % 4]
        fields = {
            "group_s": f"g{group}",
            "category": f"part {group % 3}",
            "rank_i": number % 5,
            "labels": [f"label {number % 7}", f"label {number % 3}"],
            "seen_dt": "2026-04-01T12:00:00Z",
            "score_d": number / 7,
            "is_b": number % 2 == 0,
            "note_s": f'"{number}", \n ü 🐟' if number % 2 else "",
        }
        documents[f"d {number:03}"] = (picture, {k: v for k, v in fields.items() if v != ""})
    acting.fill(documents)
    before = acting.documents()
    rest = {"only_pairs": {"same": ["group_s"]}, "fields": {"category": "category"}}
    rules = {"merge_fields": {"labels": "union", "rank_i": "max", "note_s": "fill"}}
    runs = {
        "run-1": ("part 0", policies("delete", "tag")),
        "run-2": ("part 1", policies("merge", "link", **rules)),
        "run-3": ("part 2", policies("delete", "tag", after_days=7)),
        "run-4": ("part 2", policies("tag", "link")),
    }
    for run_id, (part, settings) in runs.items():
        acting.act(run_id, (part,), **settings, **rest)
    did = {decision for run in runs for decision, outcome in outcomes(acting.run(run)).values()}
    assert {"delete", "tag", "merge", "link", "condemn"} <= did
    assert len(acting.documents()) < 420
    restored = acting.restore(Wanted(runs=tuple(runs)))
    assert {one.outcome for one in restored} <= {"restored", "untouched"}
    assert acting.documents() == before
    assert all(stone.restored_at for stone in read_tombstones(acting.run().lasting).values())
    assert {one.outcome for one in acting.restore(Wanted(runs=tuple(runs)))} == {"untouched"}


def test_a_dry_run_says_what_it_would_do_and_writes_nothing(acting: Acting) -> None:
    acting.act(**policies("delete", "tag"))
    acting.server.clear_counts()
    restored = acting.restore(Wanted(runs=("run-1",)), dry_run=True)
    assert found(restored) == {"cat copy": ("delete", "planned"), "cat small": ("tag", "planned")}
    assert acting.server.counts().get("update", 0) == 0


def test_what_has_changed_since_is_left_alone(acting: Acting) -> None:
    acting.act(**policies("delete", "tag"))
    acting.change({"id": "cat small", "duplicate_of_s": {"set": "by hand"}})
    acting.fill({**DOCUMENTS, "cat small": (SMALL_CAT, {"duplicate_of_s": "by hand"})})
    restored = acting.restore(Wanted(runs=("run-1",)))
    assert found(restored) == {"cat copy": ("delete", "untouched"), "cat small": ("tag", "untouched")}
    assert acting.documents()["cat small"]["duplicate_of_s"] == "by hand"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Wanted(ids=("cat copy",)), {"cat copy"}),
        (Wanted(runs=("run-1",)), {"cat copy", "cat small"}),
        (Wanted(since=SOON), set()),
        (Wanted(since=LONG_AGO, until=SOON), {"cat copy", "cat small"}),
        (Wanted(until=LONG_AGO), set()),
    ],
)
def test_only_what_is_wanted_is_taken_back(acting: Acting, wanted: Wanted, expected: set[str]) -> None:
    acting.act(**policies("delete", "tag"))
    assert set(found(acting.restore(wanted))) == expected


def test_a_cluster_is_taken_back_by_its_name(acting: Acting) -> None:
    acting.act(**policies("delete", "tag"))
    name = acting.documents()["cat small"]["duplicate_cluster_s"]
    assert set(found(acting.restore(Wanted(clusters=(name,))))) == {"cat copy", "cat small"}


def test_while_somebody_else_writes_only_a_dry_run_goes_on(acting: Acting) -> None:
    acting.act(**policies("delete"))
    with hold_lease(acting.writers, "Run run-9"):
        assert acting.restore(Wanted(runs=("run-1",)), dry_run=True)[0].outcome == "planned"
        with pytest.raises(LeaseError, match="Run run-9"):
            acting.restore(Wanted(runs=("run-1",)))
    assert "cat copy" not in acting.documents()


@pytest.mark.parametrize(
    "wanted",
    [Wanted(runs=("run-1", "run-7")), Wanted(ids=("cat copy", "moose")), Wanted(clusters=("c-0",))],
)
def test_what_was_never_changed_is_named(acting: Acting, wanted: Wanted) -> None:
    acting.act(**policies("delete", "tag"))
    with pytest.raises(DedupeError, match=r"Nothing was ever done with the .*; the archive .* runs run-1\."):
        acting.restore(wanted)
    assert "cat copy" not in acting.documents()


def test_nothing_named_is_an_error(acting: Acting) -> None:
    with pytest.raises(DedupeError, match="Say what to restore"):
        acting.restore(Wanted())


def test_what_was_taken_back_is_no_duplicate_in_later_runs(acting: Acting) -> None:
    rules = {"rules": [{"rule": "most_complete", "fields": ["rating_i"]}]}
    acting.act(**policies("delete", "tag"), keeper=rules)
    acting.restore(Wanted(ids=("cat copy",)))
    acting.act("run-2", **policies("delete", "tag"), keeper=rules)
    assert "cat copy" in acting.documents()
    assert outcomes(acting.run("run-2"))["cat small"] == ("tag", "done")


@pytest.mark.parametrize("one_by_one", [False, True])
def test_what_was_taken_back_is_not_deleted_for_another_that_was_taken_back(
    acting: Acting, one_by_one: bool
) -> None:
    acting.fill({name: (CAT, {}) for name in ("a", "b", "c")})
    acting.act(**policies("delete"))
    assert set(acting.documents()) == {"a"}
    for wanted in [Wanted(ids=("b",)), Wanted(ids=("c",))] if one_by_one else [Wanted(runs=("run-1",))]:
        acting.restore(wanted)
    acting.act("run-2", **policies("delete"))
    assert set(acting.documents()) == {"a", "b", "c"}


def test_a_restore_that_is_killed_has_remembered_what_it_brought_back(acting: Acting) -> None:
    acting.act(**policies("delete"))
    lasting, config = acting.run().lasting, acting.config()

    class Killed(BaseException):
        pass

    class Dying(ClientWriter):
        async def add(self, document: Mapping[str, Any], analysis: Mapping[str, Any] | None) -> None:
            await super().add(document, analysis)
            raise Killed

    async def take_back(writer: ClientWriter) -> None:
        dying = Dying(writer._client, writer.reader)
        await restore(dying, lasting, config, Wanted(runs=("run-1",)), "a test", dry_run=False)

    with pytest.raises(Killed):
        acting.ask(take_back)
    acting.client(lambda client: client.commit())
    acting.act("run-2", **policies("delete"))
    assert "cat copy" in acting.documents()


def test_a_document_of_a_merge_comes_back_and_the_others_lose_nothing(acting: Acting) -> None:
    before = {name: (CAT, {"labels": [name]}) for name in ("a", "b", "c")}
    acting.fill(before)
    first = acting.documents()
    acting.act(**policies("merge", merge_fields={"labels": "union"}))
    acting.restore(Wanted(ids=("b",)))
    after = acting.documents()
    assert (after["a"]["labels"], after["b"]) == (["a", "b", "c"], first["b"])
    acting.restore(Wanted(runs=("run-1",)))
    assert acting.documents() == first


def test_a_document_that_was_added_anew_under_its_id_is_left_alone(acting: Acting) -> None:
    acting.act(**policies("delete"))
    acting.client(lambda one: one.update([{"id": "cat copy", "title_s": "another"}], commit=True))
    assert found(acting.restore(Wanted(runs=("run-1",))))["cat copy"] == ("delete", "untouched")
    assert acting.documents()["cat copy"] == {"id": "cat copy", "title_s": "another"}


def test_what_two_runs_deleted_comes_back_as_the_last_one_found_it(acting: Acting) -> None:
    acting.act(**policies("delete"))
    acting.fill({**DOCUMENTS, "cat copy": (CAT, {"title_s": "added anew"})})
    before = acting.documents()
    acting.act("run-2", **policies("delete"))
    assert "cat copy" not in acting.documents()
    (first,) = [one for one in acting.restore(Wanted(runs=("run-1",))) if one.id == "cat copy"]
    assert first.reason == "run run-2 deleted it later; restore that run"
    acting.restore(Wanted(ids=("cat copy",)))
    assert acting.documents() == before
