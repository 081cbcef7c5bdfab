"""The check before trust, the quarantine, and awkward ids."""

from __future__ import annotations

import csv
import io
import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.acting.check import check, require_check
from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.acting.record import record
from include.dedupe.acting.wanted import Wanted
from include.dedupe.clustering.pair_rules import SCRATCH
from include.dedupe.connect import ClientReader
from include.dedupe.errors import CheckError
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.flow_client import Page
from tests.pipeline.acting_fixture import CAT, DOCUMENTS, acting, policies
from tests.support.acting import FIRST, Acting

__all__ = ["acting"]


class TestCheck:
    def test_it_passes_and_leaves_nothing_behind(self, acting: Acting) -> None:
        before = acting.documents()
        config = acting.config(**policies("delete"))
        assert not [step for step in acting.check(config) if step.problem]
        require_check(acting.run().lasting, config)
        assert acting.documents() == before

    def test_a_replica_that_shows_later_than_another_one_is_asked_again(
        self, acting: Acting, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first answers to the search for the field that was set, and for hits, are of the one behind."""
        asked: Counter[str] = Counter()
        select, hits = ClientReader.select, ClientReader.hits

        async def selected(reader: ClientReader, **question: Any) -> Page:
            page = await select(reader, **question)
            about = [one for one in question.get("fq", ()) if "duplicate_of_s" in one and "115" in one]
            asked["select"] += bool(about)
            return page._replace(num_found=0, docs=()) if about and asked["select"] <= 2 else page

        async def found(reader: ClientReader, *args: Any, **question: Any) -> Page:
            page = await hits(reader, *args, **question)
            asked["hits"] += not question["fq"]
            return page if question["fq"] or asked["hits"] % 2 == 0 else page._replace(docs=())

        monkeypatch.setattr("include.dedupe.acting.seeing.LOOK_EACH_S", 0.01)
        monkeypatch.setattr(ClientReader, "select", selected)
        monkeypatch.setattr(ClientReader, "hits", found)
        assert not [step for step in acting.check(acting.config(**policies("delete"))) if step.problem]
        assert asked == {"select": 5, "hits": 6}  # three documents are tried with, hits of one

    def test_what_a_killed_check_has_left_behind_takes_no_place(self, acting: Acting) -> None:
        """The copy would be the keeper, by its id."""
        left = f"{SCRATCH}{uuid.uuid4().hex}"
        acting.fill({"zebra": (CAT, {"title_s": "the real one"}), left: (CAT, {"title_s": "a copy"})})
        assert acting.decide(acting.run(), acting.config(**policies("delete"))).counts == {}

    def test_a_document_whose_id_begins_like_a_copy_of_the_check_is_a_duplicate_like_any(
        self, acting: Acting
    ) -> None:
        acting.fill({"zebra": (CAT, {}), f"{SCRATCH}holiday": (CAT, {}), f"{SCRATCH}{'0' * 32}": (CAT, {})})
        counts = acting.decide(acting.run(), acting.config(**policies("delete"))).counts
        assert counts == {"delete": 2, "keep": 1}

    def test_other_settings_of_fields_need_another_check(self, acting: Acting) -> None:
        acting.check(acting.config(**policies("delete")))
        other = acting.config(**policies("delete"), tags={"of": "same_as_s"})
        with pytest.raises(CheckError, match="have changed since they were checked"):
            require_check(acting.run().lasting, other)

    @pytest.mark.parametrize("tags", [{"of": "of_i"}, {"score": "score_f"}, {"since": "since_i"}])
    def test_a_field_of_another_type_is_named(
        self, acting: Acting, tags: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("include.dedupe.acting.seeing.VISIBLE_WITHIN_S", 1.0)
        config = acting.config(**policies("tag"), tags=tags)
        (problem,) = [step.problem for step in acting.check(config) if step.problem]
        assert problem
        with pytest.raises(CheckError, match="fields can be set and are found"):
            require_check(acting.run().lasting, config)
        assert set(acting.documents()) == set(DOCUMENTS)

    def test_a_field_that_comes_back_otherwise_is_named(self, acting: Acting) -> None:
        """As where Flow's schema copies one stored field into another."""

        class Copying(ClientWriter):
            async def add(self, document: Mapping[str, Any], analysis: Mapping[str, Any] | None) -> None:
                labels = [*document.get("labels", ()), *document.get("labels", ())]
                await super().add({**document, "labels": labels}, analysis)

        before, config, lasting = (
            acting.documents(),
            acting.config(**policies("delete")),
            acting.run().lasting,
        )
        steps = acting.ask(lambda one: check(Copying(one._client, one.reader), lasting, config))
        (problem,) = [step.problem for step in steps if step.problem]
        assert problem == "these fields came back otherwise: labels"
        with pytest.raises(CheckError, match="came back otherwise: labels"):
            require_check(lasting, config)
        assert acting.documents() == before


class TestMergedFields:
    def test_all_that_merging_will_write_is_tried(self, acting: Acting) -> None:
        before = acting.documents()
        rules = {"labels": "union", "rating_i": "max", "title_s": "join", "place_s": "fill"}
        config = acting.config(**policies("merge", merge_fields=rules))
        assert not [step for step in acting.check(config) if step.problem]
        assert acting.documents() == before

    @pytest.mark.parametrize(
        ("rules", "wrong"),
        [
            ({"labels": "union", "title_s": "union"}, ["title_s"]),
            ({"rating_i": "join", "title_s": "union"}, ["rating_i", "title_s"]),
        ],
    )
    def test_a_field_that_can_not_hold_what_its_rule_makes_is_named(
        self, acting: Acting, rules: dict[str, str], wrong: list[str]
    ) -> None:
        """Such as a list in a field of one value, or two numbers as text in a field of numbers."""
        config = acting.config(**policies("merge", merge_fields=rules))
        *passed, step = acting.check(config)
        assert not [one for one in passed if one.problem]
        told = [f"{name} does not take what the rule {rules[name]}" for name in wrong]
        assert step.name == "merged fields can be written"
        assert [one in step.problem for one in told] == [True] * len(told)
        assert "labels" not in step.problem
        with pytest.raises(CheckError, match=told[0]):
            require_check(acting.run().lasting, config)
        assert set(acting.documents()) == set(DOCUMENTS)

    def test_a_policy_that_does_not_merge_needs_no_merged_fields(self, acting: Acting) -> None:
        config = acting.config(**policies("delete", merge_fields={"title_s": "union"}))
        assert not [step for step in acting.check(config) if step.problem]


class TestUnreturnedFields:
    """As on a Solr whose schema has fields that are searched and not stored."""

    def test_writing_is_refused_while_documents_have_one_and_it_is_named(self, acting: Acting) -> None:
        acting.server.fault("unstored", handler="schema", field="title_s")
        config, before = acting.config(**policies("tag")), acting.documents()
        acting.server.clear_counts()
        (step,) = acting.check(config)
        assert "does not return title_s:" in step.problem
        assert acting.server.counts()["update"] == 0
        with pytest.raises(CheckError, match=r"does not return title_s: .* fields.may_be_lost"):
            require_check(acting.run().lasting, config)
        assert acting.documents() == before
        accepted = acting.config(**policies("tag"), fields={"may_be_lost": ["title_*"]})
        assert not [step for step in acting.check(accepted) if step.problem]

    def test_a_field_that_no_document_has_can_not_be_lost(self, acting: Acting) -> None:
        acting.server.fault("unstored", handler="schema", field="location")
        assert not [step for step in acting.check(acting.config(**policies("delete"))) if step.problem]

    def test_a_dynamic_name_is_named_though_nobody_can_tell_its_fields(self, acting: Acting) -> None:
        acting.server.fault("unstored", handler="schema", field="*_txt")
        (step,) = acting.check(acting.config(**policies("delete")))
        assert "does not return *_txt:" in step.problem

    @pytest.mark.parametrize("kind", ["missing", "unauthorized"])
    def test_a_flow_that_does_not_tell_its_schema_is_written_to_only_if_the_settings_accept_it(
        self, acting: Acting, kind: str
    ) -> None:
        acting.server.fault(kind, handler="schema")
        (step,) = acting.check(acting.config(**policies("delete")))
        assert "does not tell its schema" in step.problem
        accepted = acting.config(**policies("delete"), fields={"may_be_lost": ["*"]})
        assert not [step for step in acting.check(accepted) if step.problem]

    def test_a_schema_that_has_changed_since_the_check_stops_apply(self, acting: Acting) -> None:
        config = acting.config(**policies("delete"))
        acting.check(config)
        run = acting.run()
        digest = acting.decide(run, config).hash
        acting.server.fault("unstored", handler="schema", field="title_s")
        with pytest.raises(CheckError, match="does not return title_s"):
            acting.apply(run, digest)
        assert set(acting.documents()) == set(DOCUMENTS)


class TestQuarantine:
    def test_the_file_is_moved_and_comes_back_byte_for_byte(self, acting: Acting, tmp_path: Path) -> None:
        library = tmp_path / "library"
        (library / "pets").mkdir(parents=True)
        picture = (acting.server.images / CAT).read_bytes()
        for name in ("a.jpg", "b.jpg"):
            (library / "pets" / name).write_bytes(picture)
        acting.fill({"pets/a.jpg": (CAT, {}), "pets/b.jpg": (CAT, {})})
        before = acting.documents()
        folders = {"library": str(library), "folder": str(tmp_path / "away")}
        acting.act(**policies("delete"), quarantine=folders)
        assert not (library / "pets" / "b.jpg").exists()
        assert (tmp_path / "away" / "run-1" / "pets" / "b.jpg").read_bytes() == picture
        acting.restore(Wanted(ids=("pets/b.jpg",)))
        assert (library / "pets" / "b.jpg").read_bytes() == picture
        assert acting.documents() == before


AWKWARD = [
    "a,b",
    'say "hi"',
    "new\nline",
    "x:y",
    "two words",
    "🐟",
    "ü" * 1000,
    "back\\slash",
    "{!term}",
    "*",
]


@pytest.mark.parametrize(
    ("kind", "settings", "gone"),
    [
        ("delete", {}, True),
        ("merge", {"merge_fields": {"labels": "union"}}, True),
        ("tag", {}, False),
        ("link", {}, False),
        ("delete", {"after_days": 7}, False),
    ],
)
def test_awkward_ids_survive_every_step(
    acting: Acting, kind: str, settings: dict[str, Any], gone: bool
) -> None:
    documents = {one: (CAT, {"group_s": str(n), "labels": [one]}) for n, one in enumerate(AWKWARD)}
    documents |= {f"{one}~": (CAT, {"group_s": str(n), "labels": ["~"]}) for n, one in enumerate(AWKWARD)}
    acting.fill(documents)
    before = acting.documents()
    stats = acting.act(**policies(kind, **settings), only_pairs={"same": ["group_s"]})
    assert stats.done == len(AWKWARD)
    after = acting.documents()
    assert set(after) == (set(AWKWARD) if gone else set(documents))
    if not gone:
        field = "canonical_id_s" if kind == "link" else "duplicate_of_s"
        assert {after[f"{name}~"][field] for name in AWKWARD} == set(AWKWARD)
    report(acting.run(), FIRST, WebPictures(acting.server.base, ()))
    record(acting.run(), FIRST, None)
    storage = acting.run().storage
    for name in ("report/decisions.csv", "record/actions.csv"):
        rows = csv.DictReader(io.StringIO(storage.read(name).decode(), newline=""))
        assert {row["id"] for row in rows} >= {f"{one}~" for one in AWKWARD}
    clusters = list(csv.reader(io.StringIO(storage.read("report/duplicates.csv").decode(), newline="")))
    assert {frozenset(row) for row in clusters} == {frozenset({one, f"{one}~"}) for one in AWKWARD}
    acting.restore(Wanted(runs=("run-1",)))
    assert acting.documents() == before
    acting.act("run-2", **policies(kind, **settings), only_pairs={"same": ["group_s"]})
    assert acting.documents() == before
