"""What an archive holds comes back as it was, whatever a document's shape, and never an older state of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.dedupe.acting import batch
from include.dedupe.acting.archive import Entry, read_entries, read_tombstones, write_entries
from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.acting.restore import Restored, restore
from include.dedupe.acting.wanted import Wanted
from include.flow_client import FlowUnavailableError
from tests.pipeline.acting_fixture import CAT, acting, policies
from tests.support.acting import Acting, Document

__all__ = ["acting"]

FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "score": st.integers(0, 9),
        "title_s": st.sampled_from(["a", "", "\x1b[31m\u202e"]),
        "labels": st.lists(st.sampled_from(["x", "y", "z"]), min_size=1, max_size=3, unique=True),
        "rating_d": st.sampled_from([0.5, -1e300]),
        "seen_dt": st.sampled_from(["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"]),
        "is_b": st.booleans(),
        "width_i": st.sampled_from([None, 7]),
        "format_s": st.none(),
        "note_txt": st.lists(st.sampled_from(["one", "one", "two"]), min_size=1, max_size=2),
        "count_l": st.just(2**62),
    },
)


@given(st.lists(FIELDS, min_size=2, max_size=4))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_documents_of_any_shape_come_back_as_they_were(acting: Acting, shapes: list[Document]) -> None:
    acting.fill({f"d{number}": (CAT, fields) for number, fields in enumerate(shapes)})
    before = acting.documents()
    run = acting.run(f"run-{dt.datetime.now(dt.UTC).timestamp()}")
    acting.act(run.run_id, **policies("delete"))
    assert len(acting.documents()) == 1
    assert {one.outcome for one in acting.restore(Wanted(runs=(run.run_id,)), remember=False)} == {"restored"}
    assert acting.documents() == before


class TestOrder:
    """By the sequence in which it was archived, whatever clocks say."""

    @pytest.mark.parametrize("hours", [2, -2])
    def test_a_worker_with_another_clock_hinders_no_later_restore(
        self, acting: Acting, monkeypatch: pytest.MonkeyPatch, hours: int
    ) -> None:
        before = acting.documents()
        shifted = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
        with monkeypatch.context() as patched:
            patched.setattr(batch, "now", lambda: shifted.isoformat(timespec="microseconds"))
            acting.act("run-1", **policies("delete"))
        assert outcomes(acting.restore(Wanted(runs=("run-1",)), remember=False)) == {"restored"}
        acting.act("run-2", **policies("delete"))
        assert "cat copy" not in acting.documents()
        assert outcomes(acting.restore(Wanted(runs=("run-2",)), remember=False)) == {"restored"}
        assert acting.documents() == before

    def test_numbers_rise_over_entries_and_tombstones(self, acting: Acting) -> None:
        acting.act("run-1", **policies("delete"))
        acting.restore(Wanted(runs=("run-1",)), remember=False)
        (entry,) = read_entries(acting.run().lasting, "run-1")
        stone = read_tombstones(acting.run().lasting)["cat copy"]
        assert 0 < entry.sequence < stone.sequence
        assert stone.restored_at


class Failing(ClientWriter):
    """Cannot add the first document."""

    is_down = True

    async def add(self, document: Mapping[str, Any], analysis: Mapping[str, Any] | None) -> None:
        if self.is_down:
            self.is_down = False
            raise FlowUnavailableError("busy")
        await super().add(document, analysis)


class TestOlderState:
    @pytest.fixture(autouse=True)
    def archived_twice(self, acting: Acting) -> dict[str, Document]:
        """As after a try that was archived and could not delete, before the document changed."""
        old = acting.documents()["cat copy"] | {"place_s": "as it was before"}
        at = dt.datetime.now(dt.UTC).isoformat(timespec="microseconds")
        entry = Entry("run-1", "cat copy", "delete", "", "cat", "", at, old, acting.analyses[CAT])
        write_entries(acting.run(), "try-1", [entry])
        before = acting.documents()
        acting.act("run-1", **policies("delete"))
        return before

    def test_does_not_come_back_while_the_newer_one_cannot(
        self, acting: Acting, archived_twice: dict[str, Document]
    ) -> None:
        lasting, config = acting.run().lasting, acting.config()

        async def take_back(writer: ClientWriter) -> list[Restored]:
            failing = Failing(writer._client, writer.reader)
            return await restore(failing, lasting, config, Wanted(runs=("run-1",)), "a test", dry_run=False)

        found = acting.ask(take_back)
        assert [one.outcome for one in found] == ["failed", "untouched"]
        assert "cat copy" not in acting.documents()
        acting.restore(Wanted(runs=("run-1",)))
        assert acting.documents() == archived_twice

    def test_is_never_taken_for_the_newer_one(
        self, acting: Acting, archived_twice: dict[str, Document]
    ) -> None:
        acting.restore(Wanted(runs=("run-1",)))
        assert acting.documents() == archived_twice
        acting.client(lambda client: client.delete(["cat copy"], commit=True))
        assert outcomes(acting.restore(Wanted(runs=("run-1",)))) == {"untouched"}


def test_what_does_not_come_back_as_it_was_is_no_success(acting: Acting) -> None:
    class Spoiling(ClientWriter):
        async def add(self, document: Mapping[str, Any], analysis: Mapping[str, Any] | None) -> None:
            await super().add({**document, "place_s": "another"}, analysis)

    acting.act("run-1", **policies("delete"))
    lasting, config = acting.run().lasting, acting.config()

    async def take_back(writer: ClientWriter) -> list[Restored]:
        spoiling = Spoiling(writer._client, writer.reader)
        return await restore(spoiling, lasting, config, Wanted(runs=("run-1",)), "a test", dry_run=False)

    (one,) = acting.ask(take_back)
    assert (one.outcome, one.reason) == ("failed", "it is back, but not all of it is as it was: place_s")


def outcomes(found: list[Restored]) -> set[str]:
    return {one.outcome for one in found}
