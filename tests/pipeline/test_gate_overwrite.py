"""What overwriting at the gate looks at and keeps: no picture goes that does not come back."""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from include.dedupe.acting.restore import Restored
from include.dedupe.acting.wanted import Wanted
from include.dedupe.gating.analyze import analyze
from include.dedupe.gating.check import check
from include.dedupe.gating.decide import Row, decide
from include.dedupe.gating.index import index
from include.dedupe.gating.report import read_outcomes
from include.dedupe.rundir import Attempt
from tests.support.acting import FIRST
from tests.support.gating import Gating
from tests.support.killing import kill_after_writes
from tests.support.library import Library, jpeg, library, library_server, photo

__all__ = ["library", "library_server"]
NAME = "a.jpg"
OLD, NEW = jpeg(photo(side=200)), jpeg(photo(side=320))
NO_LIBRARY: dict[str, Any] = {"quarantine": None}
GATE = {"exact": "overwrite"}
LENIENT = {"scan": {"exact_threshold": 0.75}, "guards": {"delete_threshold": 0.7}}


@pytest.fixture
def gating(library: Library, tmp_path: Path) -> Gating:
    library.fill({NAME: OLD}, {NAME: {"title_s": "old", "width_i": 200, "score": 7}})
    return Gating(library.acting, tmp_path / "incoming")


def come(gating: Gating, data: bytes, settings: Mapping[str, Any], run_id: str = "run-1", **row: Any) -> Row:
    """Let a larger picture come to the gate; return what became of it."""
    gating.folder.mkdir(exist_ok=True)
    (gating.folder / "new.jpg").write_bytes(data)
    rows = [{"id": "new", "image": "new.jpg", "title_s": "new", **row}]
    rules = {"keeper": {"rules": [{"rule": "highest", "field": "width_i"}]}}
    return gating.go(rows, GATE, run_id, **{**rules, **settings})["new"]


def taken_back(gating: Gating) -> Restored:
    found = gating.acting.restore(Wanted(runs=("gate__run-1",)))
    return next(one for one in found if one.action == "overwrite")


def with_library(library: Library) -> dict[str, Any]:
    return {"quarantine": {"library": str(library.folder), "folder": str(library.away)}}


def stamped() -> bytes:
    picture = photo(side=320)
    ImageDraw.Draw(picture).text((220, 190), "2024 11 28", fill=(255, 140, 20))
    return jpeg(picture)


def test_a_change_that_thumbnails_miss_is_held_and_says_where_it_is(gating: Gating) -> None:
    before = gating.acting.documents()
    row = come(gating, stamped(), {**NO_LIBRARY, **LENIENT})
    assert row.outcome == "held"
    assert "it differs from the new one by more than coding and scaling: at " in row.reason
    assert gating.acting.documents() == before
    assert gating.run_dir().lasting.names("replaced") == []


def test_the_replaced_picture_is_in_the_storage_and_what_it_was_comes_back(
    library: Library, gating: Gating
) -> None:
    before = gating.acting.documents()
    assert come(gating, NEW, NO_LIBRARY).outcome == "overwritten"
    lasting = gating.run_dir().lasting
    kept = f"replaced/{hashlib.sha256(OLD).hexdigest()}"
    assert lasting.read(kept) == OLD
    (library.folder / NAME).write_bytes(NEW)
    assert "score" not in gating.acting.documents()[NAME]
    restored = taken_back(gating)
    assert gating.acting.documents() == before
    assert restored.outcome == "restored"
    assert restored.reason == (
        f"{before[NAME]['image']} does not lead to its picture any more (another one); a copy of it is "
        f"{lasting.path(kept)}"
    )


def test_what_was_written_into_any_field_since_keeps_it_as_it_is(gating: Gating) -> None:
    assert come(gating, NEW, NO_LIBRARY).outcome == "overwritten"
    gating.acting.change({"id": NAME, "score": {"set": 8}})
    restored = taken_back(gating)
    assert (restored.outcome, restored.reason) == ("untouched", "it has changed since it was indexed")
    assert gating.acting.documents()[NAME]["score"] == 8


def test_the_file_of_a_library_goes_with_its_side_files_and_comes_back(
    library: Library, gating: Gating
) -> None:
    (library.folder / f"{NAME}.xmp").write_bytes(b"about it")
    before, files = gating.acting.documents(), library.files()
    assert come(gating, NEW, with_library(library)).outcome == "overwritten"
    assert library.files() == {}
    assert library.moved("gate__run-1") == files
    restored = taken_back(gating)
    assert (restored.outcome, restored.reason) == ("restored", "")
    assert (gating.acting.documents(), library.files()) == (before, files)


@pytest.mark.parametrize("with_files", [True, False])
def test_an_address_that_does_not_serve_the_picture_any_more_is_held(
    library: Library, gating: Gating, with_files: bool
) -> None:
    settings = with_library(library) if with_files else NO_LIBRARY
    (library.folder / NAME).unlink()
    before = gating.acting.documents()
    row = come(gating, NEW, settings)
    assert row.outcome == "held"
    assert f"but {NAME!r} is not overwritten: its picture" in row.reason
    (library.folder / NAME).write_bytes(jpeg(photo("skimage-coffee.jpg")))
    row = come(gating, NEW, settings, "run-2")
    assert row.outcome == "held"
    (library.folder / NAME).write_bytes(
        jpeg(photo(side=200), 60)
    )  # the same once more, but not what Flow saw
    row = come(gating, NEW, settings, "run-3")
    assert (row.outcome, "is not the one that Flow knows" in row.reason) == ("held", True)
    assert gating.acting.documents() == before


def test_what_belongs_to_a_picture_and_cannot_go_with_it_is_for_a_person(
    library: Library, gating: Gating
) -> None:
    (library.folder / "a.mov").write_bytes(b"a film")
    row = come(gating, NEW, with_library(library))
    assert (row.outcome, "a.mov belongs to it" in row.reason) == ("held", True)
    assert set(library.files()) == {NAME, "a.mov"}


def test_a_document_of_the_same_file_does_not_move_it_away(library: Library, gating: Gating) -> None:
    gating.folder = library.folder
    place = gating.manifest([{"id": "new", "file": NAME, "image": "http://127.0.0.1/a", "width_i": 900}])
    rules = {"keeper": {"rules": [{"rule": "highest", "field": "width_i"}]}}
    run = gating.take(place, gating.config(GATE, **rules, **with_library(library)))
    gating.go_on(run)
    (row,) = read_outcomes(run)
    assert (row.outcome, "its file is that of the new one" in row.reason) == ("held", True)
    assert library.files()[NAME] == OLD


def test_a_new_picture_that_has_changed_since_it_was_analysed_replaces_nothing(gating: Gating) -> None:
    gating.folder.mkdir()
    (gating.folder / "new.jpg").write_bytes(NEW)
    rules = {"keeper": {"rules": [{"rule": "highest", "field": "width_i"}]}}
    run = gating.take(gating.manifest([{"id": "new", "image": "new.jpg"}]), gating.config(GATE, **rules))
    gating.acting.ask(lambda writer: analyze(writer, run, FIRST, "00000"))
    gating.acting.ask(lambda writer: check(writer.reader, run, FIRST, "00000"))
    decide(run, FIRST)
    Image.new("RGB", (320, 200)).save(gating.folder / "new.jpg")
    before = gating.acting.documents()
    gating.acting.ask(lambda writer: index(writer, run, FIRST))
    (row,) = read_outcomes(run)
    assert (row.outcome, "another picture than the one that was analysed" in row.reason) == ("held", True)
    assert gating.acting.documents() == before


def test_killed_anywhere_the_file_goes_once_and_comes_back(library: Library, gating: Gating) -> None:
    gating.folder.mkdir()
    (gating.folder / "new.jpg").write_bytes(NEW)
    place = gating.manifest([{"id": "new", "image": "new.jpg", "title_s": "new"}])
    rules = {"keeper": {"rules": [{"rule": "highest", "field": "width_i"}]}}
    config = gating.config(GATE, **rules, **with_library(library))
    for writes in itertools.count(1):
        shutil.rmtree(gating.acting.storage, ignore_errors=True)
        shutil.rmtree(library.away, ignore_errors=True)
        library.fill({NAME: OLD, f"{NAME}.xmp": b"about it"}, {NAME: {"title_s": "old", "width_i": 200}})
        before, files = gating.acting.documents(), library.files()
        run = gating.take(place, config)
        was_killed = kill_after_writes(writes, lambda run=run: gating.go_on(run))  # type: ignore[misc]
        gating.go_on(run, Attempt(0, 2))
        (row,) = read_outcomes(run)
        assert (row.outcome, row.match_id) == ("overwritten", NAME), writes
        assert (library.files(), library.moved("gate__run-1")) == ({}, files), writes
        assert taken_back(gating).outcome == "restored", writes
        assert (gating.acting.documents(), library.files()) == (before, files), writes
        if not was_killed:
            break
    assert writes > 15
