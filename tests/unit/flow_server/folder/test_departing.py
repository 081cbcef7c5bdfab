"""Pictures that went, came back, or cannot be read any more; documents that others deleted."""

from __future__ import annotations

import os
import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from tests.unit.flow_server.conftest import picture
from tests.unit.flow_server.folder.conftest import hits, stored, sync, update

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.embedded_server import EmbeddedServer


@pytest.fixture
def library(root: Path) -> Path:
    """The three pictures and fourteen more below part/, of which 0.png and 1.png show what a.png shows."""
    (root / "part").mkdir()
    for number in range(14):
        picture(number if number > 1 else 0, 24).save(root / "part" / f"{number}.png")
    return root


def test_a_picture_that_cannot_be_read_any_more_finds_nothing(server: EmbeddedServer, root: Path) -> None:
    shutil.copy(root / "a.png", root / "copy.png")
    sync(server, root)
    whole = (root / "a.png").read_bytes()
    assert hits(server, "copy.png") == ["a.png", "copy.png"]
    for bad in (b"", whole[: len(whole) // 2], b"<html>not found</html>"):
        (root / "a.png").write_bytes(bad)
        said = sync(server, root, expect=3)
        assert "1 unreadable (1 of them have a document" in said
        document = stored(server)["a.png"]
        assert document["unreadable_s"] in said
        assert hits(server, "copy.png") == ["copy.png"]
        sync(server, root, expect=3)
        assert stored(server)["a.png"]["_version_"] == document["_version_"]
    (root / "a.png").write_bytes(whole)
    assert "1 changed" in sync(server, root)
    assert "unreadable_s" not in stored(server)["a.png"]
    assert hits(server, "copy.png") == ["a.png", "copy.png"]


def test_a_document_whose_file_is_now_a_broken_link_is_marked_and_others_go(
    server: EmbeddedServer, root: Path
) -> None:
    sync(server, root)
    (root / "a.png").unlink()
    (root / "a.png").symlink_to("nothing")
    (root / "b.png").unlink()
    (root / "b.png").symlink_to("sub/c.png")
    said = sync(server, root, expect=3)
    assert "left out: b.png: it is a link to sub/c.png" in said
    assert set(stored(server)) == {"a.png", "sub/c.png"}
    assert "leads nowhere" in stored(server)["a.png"]["unreadable_s"]


def test_a_deletion_is_remembered_while_the_picture_cannot_be_read_or_is_away(
    server: EmbeddedServer, root: Path
) -> None:
    sync(server, root)
    whole = (root / "a.png").read_bytes()
    update(server, {"delete": {"id": "a.png"}})
    (root / "a.png").write_bytes(b"")
    sync(server, root, expect=3)
    (root / "a.png").unlink()
    assert "0 gone" in sync(server, root)
    (root / "a.png").write_bytes(whole)
    for _ in range(2):
        assert "1 deleted from the index earlier and left out (--include-deleted)" in sync(server, root)
        assert "a.png" not in stored(server)
    assert "1 new" in sync(server, root, "--include-deleted")
    assert hits(server, "a.png") == ["a.png"]
    assert "3 unchanged, 0 unreadable" in sync(server, root)


def test_a_deleted_document_stays_away_when_its_cells_change(server: EmbeddedServer, root: Path) -> None:
    table = root / "fields.csv"
    table.write_text("path,date_dt,note_s\na.png,2020-01-01,x\n")
    sync(server, root)
    update(server, {"delete": {"id": "a.png"}})
    table.write_text("path,date_dt,note_s\na.png,,y\n")
    assert "1 deleted from the index earlier" in sync(server, root)
    assert "a.png" not in stored(server)


def test_other_content_under_a_deleted_name_is_a_new_picture(server: EmbeddedServer, root: Path) -> None:
    sync(server, root)
    update(server, {"delete": {"id": "a.png"}})
    picture(20, 24).save(root / "a.png")
    assert "1 new" in sync(server, root)
    assert "a.png" in stored(server)


def test_a_document_that_was_restored_is_a_document_again(server: EmbeddedServer, root: Path) -> None:
    sync(server, root)
    before = stored(server)["a.png"]
    update(server, {"delete": {"id": "a.png"}})
    (root / "a.png").rename(root.parent / "a.png")
    sync(server, root)
    (root.parent / "a.png").rename(root / "a.png")
    fields = {name: value for name, value in before.items() if name != "_version_"}
    update(server, [{**fields, "image": f"{server.base}/images/a.png"}])
    restored = stored(server)["a.png"]
    assert "0 new, 0 changed, 0 gone, 3 unchanged, 0 unreadable" in sync(server, root)
    assert stored(server)["a.png"] == restored
    assert hits(server, "a.png") == ["a.png"]
    (root / "a.png").unlink()
    assert "1 gone" in sync(server, root)


def test_a_library_that_is_partly_away_is_refused_and_loses_nothing(
    server: EmbeddedServer, library: Path
) -> None:
    (library / "fields.csv").write_text("path,note_s\npart/3.png,mine\nb.png,yours\n")
    sync(server, library)
    update(server, [{"id": f"part/{number}.png", "tag_s": {"set": f"t{number}"}} for number in range(13)])
    update(server, {"delete": {"id": "part/13.png"}})
    before = stored(server)
    (library / "part").rename(library.parent / "part")
    said = sync(server, library, expect=2)
    assert "13 of 16 documents would be removed" in said
    assert "first 'part/0.png'" in said
    assert "give --allow-missing" in said
    assert stored(server) == before
    assert "13 gone" in sync(server, library, "--allow-missing")
    assert len(stored(server)) == 3
    (library.parent / "part").rename(library / "part")
    said = sync(server, library)
    assert "13 new" in said
    assert "1 deleted from the index earlier" in said
    after = stored(server)
    assert {i: {k: v for k, v in d.items() if k != "_version_"} for i, d in after.items()} == {
        i: {k: v for k, v in d.items() if k != "_version_"} for i, d in before.items()
    }
    assert hits(server, "a.png") == ["a.png", "part/0.png", "part/1.png"]


def test_names_that_are_now_left_out_do_not_empty_the_index(server: EmbeddedServer, library: Path) -> None:
    sync(server, library)
    said = sync(server, library, "--leave-out", "part", expect=2)
    assert "(14 are there, but to be left out)" in said
    assert "14 gone" in sync(server, library, "--leave-out", "part", "--allow-missing")


def test_a_few_missing_pictures_are_removed_without_asking(server: EmbeddedServer, library: Path) -> None:
    sync(server, library)
    for number in range(10):
        (library / "part" / f"{number}.png").unlink()
    assert "10 gone" in sync(server, library)


def test_other_bytes_of_the_same_size_and_time_are_noticed(server: EmbeddedServer, root: Path) -> None:
    picture(1, 24).save(root / "a.bmp")
    picture(2, 24).save(root / "new.bmp")
    sync(server, root)
    before = stored(server)["a.bmp"]
    status = (root / "a.bmp").stat()
    (root / "new.bmp").rename(root / "a.bmp")
    os.utime(root / "a.bmp", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert (root / "a.bmp").stat().st_size == status.st_size
    assert "1 changed, 1 gone" in sync(server, root)
    after = stored(server)["a.bmp"]
    assert after["file_sha256_s"] != before["file_sha256_s"]
    assert after["indexed_dt"] == before["indexed_dt"]
    _pretend_unchanged(server, root / "sub" / "c.png", "sub/c.png")
    assert "0 changed" in sync(server, root)
    assert "1 changed" in sync(server, root, "--verify")


def _pretend_unchanged(server: EmbeddedServer, file: Path, path: str) -> None:
    """Another picture at a path, as a file system would show it that notes nothing of a change."""
    picture(30, 24).save(file)
    status = file.stat()
    _alter(server, "stamp", f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}", path)


def _alter(server: EmbeddedServer, column: str, value: str, path: str) -> None:
    """Changes what the last sync kept of a picture."""
    connection = sqlite3.connect(server.data / "my-collection" / "folder.sqlite")
    with connection:
        connection.execute(f"UPDATE pictures SET {column} = ? WHERE path = ?", (value, path))  # noqa: S608
    connection.close()


@pytest.mark.parametrize("document_is_removed", [True, False])
def test_a_sync_that_died_while_removing_is_no_deletion(
    server: EmbeddedServer, root: Path, document_is_removed: bool
) -> None:
    sync(server, root)
    theirs = {"tag_s": "theirs", "date_dt": "2001-02-03T04:05:06Z"}
    update(server, [{"id": "a.png", **{name: {"set": value} for name, value in theirs.items()}}])
    (root / "a.png").rename(root.parent / "a.png")
    if document_is_removed:
        sync(server, root)
    _alter(server, "state", "going", "a.png")
    assert f"{int(not document_is_removed)} gone" in sync(server, root)
    (root.parent / "a.png").rename(root / "a.png")
    assert "1 new" in sync(server, root)
    assert theirs.items() <= stored(server)["a.png"].items()


def test_hard_links_are_told_in_the_documents(server: EmbeddedServer, root: Path) -> None:
    os.link(root / "b.png", root / "sub" / "same.png")
    assert "2 are files under several names (hard links)" in sync(server, root)
    documents = stored(server)
    assert documents["b.png"]["hard_link_s"] == documents["sub/same.png"]["hard_link_s"] == "b.png"
    assert "hard_link_s" not in documents["a.png"]
    (root / "b.png").unlink()
    sync(server, root)
    assert "hard_link_s" not in stored(server)["sub/same.png"]


def test_an_index_of_an_earlier_version_is_taken_over(server: EmbeddedServer, root: Path) -> None:
    sync(server, root)
    update(server, {"delete": {"id": "b.png"}})
    update(server, [{"id": "a.png", "file_sha256_s": {"set": None}, "indexed_dt": {"set": None}}])
    with sqlite3.connect(server.data / "my-collection" / "folder.sqlite") as connection:
        connection.execute("CREATE TABLE seen (path TEXT PRIMARY KEY, size, mtime_ns, content, columns)")
        connection.execute("INSERT INTO seen SELECT path, 1, 1, content, columns FROM pictures")
        connection.execute("DROP TABLE pictures")
    connection.close()
    said = sync(server, root)
    assert "0 new, 0 changed, 0 gone, 2 unchanged, 1 deleted from the index earlier" in said
    document = stored(server)["a.png"]
    assert {"file_sha256_s", "indexed_dt"} <= document.keys()
    sync(server, root)
    assert stored(server)["a.png"] == document
