"""The check tries every shape that the collection has, on documents that are its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from include.dedupe.acting.check import check
from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.acting.scratch import ADDS
from include.dedupe.acting.scratch_ids import FOLDER
from include.dedupe.acting.shapes import kinds
from include.dedupe.clustering.pair_rules import SCRATCH
from tests.pipeline.acting_fixture import CAT, COFFEE, acting, policies
from tests.support.acting import Acting, Document

__all__ = ["acting"]
PLAIN: Document = {"title_s": "t", "labels": ["x"], "rank_i": 1, "is_b": True}


def test_a_shape_is_its_fields_with_their_types() -> None:
    assert kinds({"id": "a", "n": 1}) != kinds({"id": "a", "n": 1.0})
    assert kinds({"id": "a", "l": ["x"]}) != kinds({"id": "a", "l": ["x", "y"]})
    assert kinds({"id": "a", "b": True}) == kinds({"id": "b", "b": False})


class Spoiling(ClientWriter):
    """Loses one field of whatever is added, as a Flow might that treats its name as its own."""

    async def add(self, document: Mapping[str, Any], analysis: Mapping[str, Any] | None) -> None:
        await super().add({name: value for name, value in document.items() if name != "score"}, analysis)


@pytest.mark.parametrize("position", [0, 5, 11])
def test_a_field_that_only_one_document_has_is_tried(acting: Acting, position: int) -> None:
    documents = {f"d{number:02}": (CAT, PLAIN) for number in range(12)}
    documents[f"d{position:02}"] = (CAT, {"score": 5})
    acting.fill(documents)
    before, config, lasting = acting.documents(), acting.config(**policies("delete")), acting.run().lasting
    steps = acting.ask(lambda one: check(Spoiling(one._client, one.reader), lasting, config))
    (step,) = [step for step in steps if step.problem]
    assert step.name == ADDS
    assert step.problem == f"these fields came back otherwise: score (a copy of 'd{position:02}')"
    assert not [step for step in acting.check(config) if step.problem]
    assert acting.documents() == before


def test_it_goes_on_past_a_document_whose_picture_cannot_be_had_and_names_it(acting: Acting) -> None:
    acting.fill({"a": (CAT, PLAIN), "b": (COFFEE, {"title_s": "x"})})
    gone = {"image": f"{acting.server.base}/images/gone.jpg", "import": acting.analyses[CAT]}
    acting.client(lambda one: one.update([{"id": "0 gone", **gone, **PLAIN, "only_s": "x"}], commit=True))
    steps = acting.check(acting.config(**policies("delete")))
    assert not [step for step in steps if step.problem]
    (step,) = [step for step in steps if step.name == ADDS]
    assert "'0 gone' has no picture to try with" in step.note


class TestIds:
    def test_a_document_whose_id_merely_begins_like_ours_is_somebodys(self, acting: Acting) -> None:
        names = [SCRATCH, f"{SCRATCH}0", f"{SCRATCH}mine", f"{SCRATCH}{'0' * 32}"]
        acting.fill({"cat": (CAT, {}), **{name: (CAT, {"title_s": name}) for name in names}})
        before = acting.documents()
        assert not [step for step in acting.check(acting.config(**policies("delete"))) if step.problem]
        assert acting.documents() == before

    def test_what_a_killed_check_has_left_behind_is_removed_by_the_next_and_nothing_else(
        self, acting: Acting
    ) -> None:
        class Killed(BaseException):
            pass

        class Dying(ClientWriter):
            async def set_fields(self, document_id: str, version: int, fields: Mapping[str, Any]) -> None:
                raise Killed

            async def delete(self, document_id: str, version: int) -> None:
                raise Killed

        before, config, lasting = (
            acting.documents(),
            acting.config(**policies("delete")),
            acting.run().lasting,
        )
        with pytest.raises(Killed):
            acting.ask(lambda one: check(Dying(one._client, one.reader), lasting, config))
        (left,) = acting.documents().keys() - before.keys()
        assert [left] == lasting.names(FOLDER)
        assert not [step for step in acting.check(config) if step.problem]
        assert acting.documents() == before
        assert not lasting.names(FOLDER)

    def test_a_scratch_id_that_somebody_has_taken_is_left_alone(
        self, acting: Acting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("include.dedupe.acting.check.new_id", lambda _: "coffee")
        before = acting.documents()
        steps = acting.check(acting.config(**policies("delete")))
        assert [step.name for step in steps if step.problem] == [ADDS]
        assert acting.documents() == before
