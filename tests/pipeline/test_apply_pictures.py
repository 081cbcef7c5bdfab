"""Apply against the live server and a folder: a document's picture is what lies behind it now."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.acting import reasons
from tests.support.library import Library, jpeg, library, library_server, photo

__all__ = ["library", "library_server"]

CAT = jpeg(photo())
OTHER = jpeg(photo("gcompris-moose.jpg"))
PAGE = b"<!doctype html><title>404 Not Found</title>" + b" " * 5000


def link_to_the_copy(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.with_name("b.jpg"))


def hard_link_to_the_copy(path: Path) -> None:
    path.unlink()
    os.link(path.with_name("b.jpg"), path)


def same_size_and_time(path: Path) -> None:
    before = path.stat()
    path.write_bytes(OTHER[: before.st_size].ljust(before.st_size, b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


LOST: dict[str, tuple[Callable[[Path], object], str]] = {
    "removed": (Path.unlink, "picture is gone"),
    "renamed": (lambda path: path.rename(path.with_name("z.jpg")), "picture is gone"),
    "empty": (lambda path: path.write_bytes(b""), "picture is gone: its file is empty"),
    "cut": (lambda path: path.write_bytes(CAT[:2000]), "picture cannot be read"),
    "a page": (lambda path: path.write_bytes(PAGE), "picture cannot be read"),
    "another": (lambda path: path.write_bytes(OTHER), "picture is another one by now"),
    "another of one size": (same_size_and_time, "picture "),
    "recoded": (lambda path: path.write_bytes(jpeg(photo(), 40)), "picture is another one by now"),
    "a folder": (lambda path: (path.unlink(), path.mkdir()), "not the plain path of a file"),
}
TIED = {
    "link": (link_to_the_copy, "is a link"),
    "hard link": (hard_link_to_the_copy, "its keeper's file is its own file"),
}


@pytest.mark.parametrize("what", [*LOST, *TIED])
def test_a_keeper_without_the_picture_that_was_judged_is_no_keeper(library: Library, what: str) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": CAT, "c.jpg": jpeg(photo(), 80)})
    digest = library.decided()
    change, reason = (LOST | TIED)[what]
    change(library.folder / "a.jpg")
    stats = library.apply(digest)
    assert (stats.done, stats.skipped) == ((1, 1) if what == "hard link" else (0, 2))
    assert reason in reasons(library.acting.run())["b.jpg"]
    assert "keeper" in reasons(library.acting.run())["b.jpg"] or what in TIED or what == "a folder"
    assert library.files()["b.jpg"] == CAT
    assert "b.jpg" in library.acting.documents()


@pytest.mark.parametrize("what", LOST)
def test_a_copy_that_is_not_what_was_judged_stays(library: Library, what: str) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": CAT})
    digest = library.decided()
    change, reason = LOST[what]
    change(library.folder / "b.jpg")
    left = library.files()
    assert library.apply(digest).skipped == 1
    assert reason in reasons(library.acting.run())["b.jpg"]
    assert (library.files(), library.moved()) == (left, {})
    assert "b.jpg" in library.acting.documents()


def test_files_that_were_only_touched_go(library: Library) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": CAT})
    digest = library.decided()
    for name in ("a.jpg", "b.jpg"):
        os.utime(library.folder / name, (1, 1))
    assert library.apply(digest).done == 1
    assert (set(library.files()), library.moved()) == ({"a.jpg"}, {"b.jpg": CAT})


@pytest.mark.parametrize(("do", "what"), [("delete", "removed"), ("merge", "another"), ("link", "a page")])
@pytest.mark.parametrize("changed", ["a.jpg", "b.jpg"])
def test_without_a_library_the_pictures_are_read_at_their_addresses(
    library: Library, do: str, what: str, changed: str
) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": CAT})
    digest = library.decided(do=do, quarantine=None)
    before = library.acting.documents()
    LOST[what][0](library.folder / changed)
    assert library.apply(digest).skipped == 1
    whose = "its keeper's picture " if changed == "a.jpg" else "the picture "
    assert reasons(library.acting.run())["b.jpg"].startswith(whose)
    assert library.acting.documents() == before


def test_a_keeper_with_no_address_of_a_picture_is_none(library: Library) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": CAT})
    analysis = library.acting.client(lambda client: client.analyze(data=CAT))
    library.acting.change({"id": "a.jpg", "import": analysis})
    digest = library.decided(quarantine=None)
    assert library.apply(digest).skipped == 1
    assert "its keeper's picture is gone: there is no address" in reasons(library.acting.run())["b.jpg"]


@pytest.mark.parametrize("do", ["delete", "merge"])
@pytest.mark.parametrize("name", [" ", "nul\0.jpg", "0" * 300, "0/a/b.jpg", "http://a/b.jpg"])
def test_a_keeper_that_shows_the_file_of_its_duplicate_is_none(library: Library, do: str, name: str) -> None:
    """It has no file of its own in the library; its address leads to that of the other document."""
    library.fill({"a.jpg": CAT, "b.jpg": CAT})
    before = library.files()
    library.acting.change({**library.document("b.jpg"), "id": name})
    library.acting.client(lambda client: client.delete(["a.jpg"], commit=True))
    rules = {"keeper": {"rules": [{"rule": "prefer", "field": "id", "values": [name]}]}}
    assert library.apply(library.decided(do=do, **rules)).skipped == 1
    assert "its keeper has no file in the library" in reasons(library.acting.run())["b.jpg"]
    assert (library.files(), set(library.acting.documents())) == (before, {name, "b.jpg"})


def test_a_copy_that_was_cropped_and_indexed_again_is_no_exact_one_any_more(library: Library) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": CAT})
    digest = library.decided(guards={"delete_threshold": 0.7})
    picture = photo()
    cropped = jpeg(picture.crop((20, 20, picture.width - 20, picture.height)))
    (library.folder / "b.jpg").write_bytes(cropped)
    library.index_again("b.jpg")
    assert library.apply(digest).skipped == 1
    assert "they are no exact duplicates any more" in reasons(library.acting.run())["b.jpg"]
    assert library.files()["b.jpg"] == cropped


@pytest.mark.parametrize("names", [("b.jpg",), ("a.jpg", "b.jpg")])
def test_another_exact_pair_in_their_place_was_never_judged(library: Library, names: tuple[str, ...]) -> None:
    library.fill({"a.jpg": CAT, "b.jpg": CAT})
    digest = library.decided()
    for name in names:
        (library.folder / name).write_bytes(OTHER if len(names) > 1 else jpeg(photo(), 60))
        library.index_again(name)
    left = library.files()
    assert library.apply(digest).skipped == 1
    assert "picture is another one by now" in reasons(library.acting.run())["b.jpg"]
    assert library.files() == left


def test_a_picture_that_changes_while_others_are_archived_stays(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    from include.dedupe.acting import batch  # noqa: PLC0415 - to be patched

    library.fill({"a.jpg": CAT, "b.jpg": CAT, "c.jpg": CAT})
    digest = library.decided()
    archive = batch.write_entries

    def slowly(*arguments: object) -> None:
        archive(*arguments)  # type: ignore[arg-type]
        (library.folder / "b.jpg").write_bytes(OTHER)

    monkeypatch.setattr(batch, "write_entries", slowly)
    stats = library.apply(digest)
    assert (stats.done, stats.skipped) == (1, 1)
    assert reasons(library.acting.run())["b.jpg"] == "the picture is another one by now"
    assert library.files() == {"a.jpg": CAT, "b.jpg": OTHER}
