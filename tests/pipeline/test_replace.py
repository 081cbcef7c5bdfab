"""Copies in a folder become hard links to the file that stays, from the sync to the restore."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from include.dedupe.acting.wanted import Wanted
from include.dedupe.prune import Ages, prune
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.dedupe.reviewing.state import open_state
from tests.support.acting import FIRST, outcomes, reasons
from tests.support.library import Library, jpeg, library, library_server, photo

__all__ = ["library", "library_server"]
CAT, RECODED = jpeg(photo()), jpeg(photo(), 75)
TAKEN = 1_000_000_000_000_000_000


def fill(library: Library, files: dict[str, bytes]) -> None:
    """Write files and bring the index in line with them."""
    library.acting.client(lambda client: client.delete(query="*:*"))
    for name, data in files.items():
        (library.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (library.folder / name).write_bytes(data)
    sync(library)


def sync(library: Library) -> str:
    arguments = ("--collection", "library", "--allow-missing", "--include-deleted", "--workers", "1")
    return library.acting.server.sync(library.folder, *arguments).stdout


def state(path: Path) -> tuple[int, int, int, bytes]:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_mode, path.read_bytes()


def links(library: Library) -> dict[str, object]:
    return {name: one.get("hard_link_s") for name, one in library.acting.documents().items()}


def test_copies_become_names_of_one_file_and_files_of_their_own_again(library: Library) -> None:
    fill(library, {"a.jpg": CAT, "in/b copy.jpg": CAT, "in/b copy.jpg.xmp": b"<x/>", "recoded.jpg": RECODED})
    copy, keeper = library.folder / "in/b copy.jpg", library.folder / "a.jpg"
    os.utime(copy, ns=(TAKEN, TAKEN))
    copy.chmod(0o640)
    sync(library)
    before, files, documents = state(copy), library.files(), library.acting.documents()
    digest = library.decided(do="replace")
    run = library.acting.run()
    assert library.apply(digest).done == 1
    assert outcomes(run) == {"in/b copy.jpg": ("replace", "done")}
    assert "its own come back with a restore: changed 2001-09-09" in reasons(run)["in/b copy.jpg"]
    assert copy.samefile(keeper)
    assert library.files() == files
    assert library.moved() == {"in/b copy.jpg": CAT}
    assert set(library.acting.documents()) == set(documents)
    assert links(library)["in/b copy.jpg"] == "a.jpg"
    assert open_state(run).kept.bytes == 0

    assert "0 new, 2 changed, 0 gone, 1 unchanged, 0 unreadable; 2 are files under several" in sync(library)
    library.decided("run-2", do="replace")
    report(library.acting.run("run-2"), FIRST, WebPictures(library.acting.server.base, ()))
    page = library.acting.run("run-2").storage.read("report/report.html").decode()
    assert "another name of it (a hard link), that frees nothing" in page
    assert "its file is not its keeper&#39;s byte for byte" in page

    assert {one.outcome for one in library.acting.restore(Wanted(runs=("run-1",)))} == {"restored"}
    assert state(copy) == before
    assert library.files() == files
    assert library.moved() == {}
    sync(library)
    assert library.acting.documents() == documents


def test_what_changed_since_it_was_decided_is_never_replaced(library: Library) -> None:
    names = ("a.jpg", "edited.jpg", "gone.jpg", "linked.jpg", "link.jpg", "recoded.jpg", "touched.jpg")
    fill(library, dict.fromkeys(names, CAT))
    digest = library.decided(do="replace")
    (library.folder / "edited.jpg").write_bytes(jpeg(photo("skimage-coffee.jpg")))
    (library.folder / "recoded.jpg").write_bytes(RECODED)
    (library.folder / "gone.jpg").unlink()
    (library.folder / "link.jpg").unlink()
    (library.folder / "link.jpg").symlink_to("touched.jpg")
    os.utime(library.folder / "touched.jpg", ns=(TAKEN, TAKEN))
    (library.folder / "linked.jpg").unlink()
    (library.folder / "linked.jpg").hardlink_to(library.folder / "a.jpg")
    before = library.files()
    library.apply(digest)
    run = library.acting.run()
    done = {"touched.jpg", "linked.jpg"}
    assert {name for name, (_, outcome) in outcomes(run).items() if outcome == "done"} == done
    told = reasons(run)
    assert "byte for byte" in told["edited.jpg"]
    assert "byte for byte" in told["recoded.jpg"]
    assert "gone" in told["gone.jpg"]
    assert "is a link" in told["link.jpg"]
    assert library.files() == before
    assert library.moved() == {"touched.jpg": CAT}
    library.acting.restore(Wanted(runs=("run-1",)))
    assert (library.folder / "linked.jpg").samefile(library.folder / "a.jpg"), "it was so before"
    assert (library.folder / "touched.jpg").stat().st_mtime_ns == TAKEN
    assert library.moved() == {}


@pytest.mark.parametrize("do", ["replace", "delete"])
def test_names_of_one_file_are_one_already_and_free_nothing(library: Library, do: str) -> None:
    fill(library, {"b.jpg": CAT})
    (library.folder / "a.jpg").hardlink_to(library.folder / "b.jpg")
    sync(library)
    config = library.acting.config(**library.settings(do))
    stats = library.acting.decide(library.acting.run(), config)
    assert stats.counts == {"keep": 2}
    kept = open_state(library.acting.run()).kept
    assert (kept.deletes, kept.bytes) == (0, 0)


def test_space_is_freed_when_the_old_file_is_pruned_and_a_copy_comes_back_then(library: Library) -> None:
    fill(library, {"a.jpg": CAT, "b.jpg": CAT})
    copy, keeper = library.folder / "b.jpg", library.folder / "a.jpg"
    os.utime(copy, ns=(TAKEN, TAKEN))
    assert library.apply(library.decided(do="replace")).done == 1
    config = library.acting.config(**library.settings("replace"))
    entries = library.acting.storage / "pictures" / "archive"
    for path in entries.rglob("*.json"):
        path.write_text(path.read_text().replace('"at": "20', '"at": "10'))
    storage = str(library.acting.storage)
    (gone,) = prune(storage, "pictures", config, Ages(quarantine=1), "somebody", dry_run=False)
    assert (gone.bytes, library.moved()) == (len(CAT), {})
    library.acting.restore(Wanted(runs=("run-1",)))
    assert (copy.samefile(keeper), copy.read_bytes(), copy.stat().st_mtime_ns) == (False, CAT, TAKEN)
