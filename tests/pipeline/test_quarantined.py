"""Pictures and what belongs to them, moved away and back: all of it or none, whatever is in the way."""

from __future__ import annotations

import errno
import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from include.dedupe.acting import batch
from include.dedupe.acting.quarantine import plan_move
from include.dedupe.acting.wanted import Wanted
from tests.support.acting import reasons
from tests.support.library import Library, jpeg, library, library_server, photo

__all__ = ["library", "library_server"]
CAT, ROCKET = jpeg(photo()), jpeg(photo("skimage-rocket.jpg"))
FILES = {"a.jpg": CAT, "b.jpg": CAT, "b.jpg.xmp": b"words"}
RUN_1 = Wanted(runs=("run-1",))


def all_is_as_before(library: Library, files: dict[str, bytes] = FILES) -> bool:
    pictures = {name for name in files if name.endswith(".jpg")}
    return library.files() == files and set(library.acting.documents()) == pictures


def test_names_that_differ_in_little_go_and_come_back_as_often_as_one_likes(library: Library) -> None:
    composed, apart = (unicodedata.normalize(form, "é/ä.jpg") for form in ("NFC", "NFD"))
    names = (composed, apart, "A.jpg", "a.jpg", "dir /x .jpg", "-rf.jpg", "a\nb.jpg", "%2e%2e.jpg", "con.jpg")
    files = dict.fromkeys(names, CAT)
    library.fill(files)
    before = library.acting.documents()
    for run_id in ("run-1", "run-2"):
        assert library.apply(library.decided(run_id), run_id).done == len(names) - 1
        assert library.files() | library.moved(run_id) == files
        for expected in ("restored", "untouched"):
            found = library.acting.restore(Wanted(runs=(run_id,)), remember=False)
            assert {one.outcome for one in found} == {expected}
        assert (library.files(), library.acting.documents()) == (files, before)


@pytest.mark.parametrize("name", ["b.jpg", "b.jpg.xmp"])
@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_where_something_else_is_in_its_place_it_is_not_deleted(
    library: Library, name: str, kind: str
) -> None:
    library.fill(FILES)
    digest = library.decided()
    place = library.away / "run-1" / name
    place.parent.mkdir(parents=True)
    if kind == "file":
        place.write_bytes(b"another one")
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to("nowhere")
    assert library.apply(digest).skipped == 1
    assert "exists already" in reasons(library.acting.run())["b.jpg"]
    assert all_is_as_before(library)


def test_where_its_folder_cannot_be_made_it_is_not_deleted(library: Library) -> None:
    files = {"a.jpg": CAT, "p/b.jpg": CAT}
    library.fill(files)
    digest = library.decided()
    (library.away / "run-1").mkdir(parents=True)
    (library.away / "run-1" / "p").write_bytes(b"a file")
    assert library.apply(digest).skipped == 1
    assert all_is_as_before(library, files)


def test_side_files_do_not_come_back_beside_another_picture(library: Library) -> None:
    library.fill(FILES)
    library.apply(library.decided())
    (library.folder / "b.jpg").write_bytes(ROCKET)
    assert [one.outcome for one in library.acting.restore(RUN_1, remember=False)] == ["failed"]
    assert library.files() == {"a.jpg": CAT, "b.jpg": ROCKET}
    assert library.moved() == {"b.jpg": CAT, "b.jpg.xmp": b"words"}
    (library.folder / "b.jpg").unlink()
    assert [one.outcome for one in library.acting.restore(RUN_1, remember=False)] == ["restored"]
    assert all_is_as_before(library)


def test_what_has_gone_out_of_the_quarantine_fails_the_restore_and_brings_back_no_document(
    library: Library,
) -> None:
    library.fill(FILES)
    library.apply(library.decided())
    shutil.rmtree(library.away)
    assert [one.outcome for one in library.acting.restore(RUN_1, remember=False)] == ["failed"]
    assert set(library.acting.documents()) == {"a.jpg"}


@pytest.mark.parametrize("beside", ["b.jpg.xmp", "B.AAE", "b.mov"])
def test_what_is_written_beside_a_picture_at_the_last_moment_keeps_it(
    library: Library, monkeypatch: pytest.MonkeyPatch, beside: str
) -> None:
    library.fill(FILES)
    digest = library.decided()

    def archived(*given: object) -> object:
        found = plan_move(*given)  # type: ignore[arg-type]
        (library.folder / beside).write_bytes(b"written by another program")
        return found

    monkeypatch.setattr(batch, "plan_move", archived)
    assert library.apply(digest).skipped == 1
    assert library.files() == {**FILES, beside: b"written by another program"}
    assert set(library.acting.documents()) == {"a.jpg", "b.jpg"}


def test_a_full_disk_leaves_all_where_it_is_and_the_document_comes_back(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.fill(FILES)
    digest = library.decided()
    rename: Callable[[Path, Path], Path] = Path.rename

    def to_another_disk(self: Path, target: Path) -> Path:
        if self.is_relative_to(library.folder):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return rename(self, target)

    def full(_: Path, target: Path) -> None:
        target.write_bytes(b"a part")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", to_another_disk)
        patched.setattr(shutil, "copy2", full)
        assert library.apply(digest).failed == 1
    assert "its file was not: " in reasons(library.acting.run())["b.jpg"]
    assert library.moved() == {}
    library.acting.restore(RUN_1, remember=False)
    assert all_is_as_before(library)
