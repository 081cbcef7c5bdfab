"""`make demo` on a user's own pictures: what is found, and what wrong input is answered with."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from include.orchestration import home
from tests.support.small_collection import CLUSTERS, make_pictures

A_SHELL_OF_ANOTHER_COLLECTION = {COLLECTIONS_VARIABLE: "/nowhere", STORAGE_VARIABLE: "/nowhere"}


def demo(run: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "include.demo", *arguments],
        cwd=home.PROJECT,
        env={**os.environ, **A_SHELL_OF_ANOTHER_COLLECTION, "AIRFLOW_HOME": str(run / "airflow")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.airflow
def test_a_folder_of_ones_own_is_deduped_and_left_as_it_was(tmp_path: Path) -> None:
    pictures = tmp_path / "my pictures"
    make_pictures(pictures)
    (pictures / "fields.csv").unlink()
    (pictures / "broken.jpg").write_bytes(b"no picture")
    before = {path: path.stat().st_mtime_ns for path in pictures.rglob("*")}
    done = demo(tmp_path / "run", "--images", str(pictures))
    assert done.returncode == 0, done.stderr
    assert "broken.jpg" in done.stderr
    assert f"clusters     {len(CLUSTERS)} with {sum(map(len, CLUSTERS))} documents" in done.stdout
    report = Path(done.stdout.rpartition("report       ")[2].strip())
    assert report.is_file()
    assert report.is_relative_to(tmp_path / "run")
    assert {path: path.stat().st_mtime_ns for path in pictures.rglob("*")} == before
    assert not [
        one for one in psutil.process_iter(["cmdline"]) if str(pictures) in (one.info["cmdline"] or [])
    ]


def test_a_folder_without_pictures_is_answered_with_one_sentence(tmp_path: Path) -> None:
    for folder, words in [(tmp_path, "no picture"), (tmp_path / "nowhere", "nowhere")]:
        done = demo(tmp_path / "run", "--images", str(folder))
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    make_pictures(pictures)

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = demo(tmp_path / "run", "--images", str(pictures), "--port", str(port))
    assert done.returncode == 2
    assert f"Port {port} is in use" in done.stderr


@pytest.mark.parametrize("command", ["demo", "up"])
def test_make_takes_a_path_as_it_is_written(tmp_path: Path, command: str) -> None:
    folder = tmp_path / 'Anna\'s "best" pictures; true &'
    folder.mkdir()
    done = subprocess.run(
        ["make", "--assume-old=.venv/runtime", command, f"IMAGES={folder}"],
        cwd=home.PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert f"{folder} holds no picture" in done.stderr
