"""`sync` brings the index in line with a folder, whatever happened in between."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING

import requests
from PIL import Image

from tests.support.embedded_server import REPOSITORY, run_sync
from tests.unit.flow_server.conftest import picture
from tests.unit.flow_server.folder.conftest import stored, sync

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.embedded_server import EmbeddedServer


def kept_keypoints(server: EmbeddedServer) -> int:
    """Of how many pictures comparisons need not find them."""
    with closing(sqlite3.connect(server.data / "my-collection" / "keypoints.sqlite")) as connection:
        return int(connection.execute("SELECT COUNT(*) FROM keypoints").fetchone()[0])


def test_new_changed_and_gone_pictures_are_noticed(server: EmbeddedServer, root: Path) -> None:
    assert "3 new, 0 changed, 0 gone, 0 unchanged" in sync(server, root)
    before = stored(server)
    assert set(before) == {"a.png", "b.png", "sub/c.png"}
    assert kept_keypoints(server) == 3
    picture(7, 24).save(root / "d.png")
    picture(8, 30).save(root / "a.png")
    (root / "b.png").unlink()
    assert "1 new, 1 changed, 1 gone, 1 unchanged" in sync(server, root)
    after = stored(server)
    assert set(after) == {"a.png", "d.png", "sub/c.png"}
    assert after["a.png"]["width_i"] == 120
    assert after["sub/c.png"]["_version_"] == before["sub/c.png"]["_version_"]


def test_what_the_last_sync_left_out_is_told_by_the_server(server: EmbeddedServer, root: Path) -> None:
    assert requests.get(server.url, timeout=10).json()["left_out"] == []
    (root / "notes.txt").write_text("notes")
    sync(server, root)
    told = {"what": "other kinds: .txt", "count": 1, "examples": ["notes.txt"]}
    assert requests.get(server.url, timeout=10).json()["left_out"] == [told]
    (root / "notes.txt").unlink()
    sync(server, root)
    assert requests.get(server.url, timeout=10).json()["left_out"] == []
    (server.data / "my-collection" / "last_sync.json").write_text("[{")
    (told,) = requests.get(server.url, timeout=10).json()["left_out"]
    assert "is damaged, sync again" in told["what"]


def test_the_fields_of_a_picture_are_stored(server: EmbeddedServer, root: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2019:07:06 05:04:03"
    exif.get_ifd(0x8769)[0x9011] = "+02:00"
    picture(3, 24).save(root / "sub" / "taken.jpg", exif=exif)
    os.utime(root / "a.png", (1_500_000_000, 1_500_000_000))
    sync(server, root)
    documents = stored(server)
    taken = documents["sub/taken.jpg"]
    assert taken["date_dt"] == "2019-07-06T03:04:03Z"
    assert documents["a.png"]["date_dt"] == "2017-07-14T02:40:00Z"
    size = (root / "sub" / "taken.jpg").stat().st_size
    shown = {
        name: taken[name] for name in ("filename_s", "folder_s", "width_i", "height_i", "bytes_l", "format_s")
    }
    assert list(shown.values()) == ["taken.jpg", "sub", 96, 72, size, "JPEG"]
    assert documents["a.png"]["folder_s"] == "."


def test_a_touched_picture_is_read_but_not_changed(server: EmbeddedServer, root: Path) -> None:
    sync(server, root)
    before = stored(server)
    os.utime(root / "a.png", (1_500_000_000, 1_500_000_000))
    assert "0 changed, 0 gone, 3 unchanged" in sync(server, root)
    assert stored(server) == before


def test_a_sync_keeps_what_others_wrote_into_a_document(server: EmbeddedServer, root: Path) -> None:
    sync(server, root)
    solr = server.collection_url("my-collection", "/solr/")
    tag = [{"id": "a.png", "duplicate_of_s": {"set": "b.png"}}]
    requests.post(f"{solr}/update?commit=true", json=tag, timeout=60).raise_for_status()
    picture(9, 24).save(root / "a.png")
    sync(server, root)
    assert stored(server)["a.png"]["duplicate_of_s"] == "b.png"


def test_a_document_deleted_through_the_api_stays_away(server: EmbeddedServer, root: Path) -> None:
    sync(server, root)
    solr = server.collection_url("my-collection", "/solr/")
    requests.post(f"{solr}/update?commit=true", json={"delete": "a.png"}, timeout=60).raise_for_status()
    assert "1 deleted from the index earlier" in sync(server, root)
    os.utime(root / "a.png", (1_500_000_000, 1_500_000_000))
    assert "1 deleted from the index earlier" in sync(server, root)
    assert set(stored(server)) == {"b.png", "sub/c.png"}


def test_unreadable_pictures_are_listed_and_the_rest_is_indexed(server: EmbeddedServer, root: Path) -> None:
    (root / "empty.jpg").touch()
    (root / "text.png").write_text("not a picture")
    whole = (root / "a.png").read_bytes()
    (root / "cut.png").write_bytes(whole[: len(whole) // 2])
    (root / "out.png").symlink_to("/etc/hostname")
    said = sync(server, root, expect=3)
    for name in ("empty.jpg", "text.png", "cut.png", "out.png"):
        assert f"unreadable: {name}: " in said
    assert set(stored(server)) == {"a.png", "b.png", "sub/c.png"}
    assert "4 unreadable" in sync(server, root, "--skip-unreadable")
    (root / "text.png").unlink()
    picture(11, 24).save(root / "text.png")
    assert "1 new" in sync(server, root, "--skip-unreadable")


def test_a_folder_without_pictures_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    for folder in (tmp_path / "nothing", tmp_path / "missing"):
        done = run_sync(folder, tmp_path / "data", expect=2)
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_folder_that_became_empty_does_not_empty_the_index(server: EmbeddedServer, root: Path) -> None:
    sync(server, root)
    shutil.move(root, root.with_name("elsewhere"))
    root.mkdir()
    sync(server, root, expect=2)
    assert len(stored(server)) == 3


def test_a_killed_sync_goes_on_and_ends_as_one_that_was_not_killed(
    start_server: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    root = tmp_path / "many"
    root.mkdir()
    for seed in range(450):
        picture(seed, 8).save(root / f"{seed:03}.png")
    server = start_server(tmp_path / "data", images=root)
    command = [
        sys.executable,
        "-m",
        "include.flow_server",
        "sync",
        str(root),
        "--data",
        str(tmp_path / "data"),
    ]
    for attempt in range(3):
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(2 + random.Random(attempt).random())
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    said = sync(server, root)
    assert "0 changed, 0 gone" in said
    assert len(stored(server)) == 450
    assert "0 new, 0 changed, 0 gone, 450 unchanged" in sync(server, root)
    hits = requests.get(f"{server.url}/duplicate", {"rank.by.id": "007.png"}, timeout=60).json()["response"]
    assert hits["docs"][0]["id"] == "007.png"
