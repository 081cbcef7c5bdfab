"""The vendor's own programs run unchanged against the embedded server.

DUPE_SCANNER names a checkout of github.com/pixolution/dupe-scanner (its pyvis has to be installed),
FLOW_DOCUMENTATION a text copy of Flow's page on duplicates. Without them the tests skip: none of it is ours.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import requests
from PIL import Image

from tests.contract.seed_script import repaired
from tests.support.embedded_server import start_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.embedded_server import EmbeddedServer

__all__ = ["start_server"]
pytestmark = pytest.mark.elsewhere
COPIES = {"one.png", "one-small.jpg", "one-again.png"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures; three of them show the same."""
    root = tmp_path / "pictures"
    root.mkdir()
    for seed, name in enumerate(["one", "two", "three"]):
        small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(small).resize((640, 480), Image.Resampling.BICUBIC)
        picture.save(root / f"{name}.png")
        if name == "one":
            picture.save(root / "one-again.png")
            picture.resize((480, 360)).save(root / "one-small.jpg", quality=92)
    return root


def named(variable: str) -> Path:
    """The path in an environment variable; the test skips where it is not set."""
    if not os.environ.get(variable):
        pytest.skip(f"{variable} does not say where it is")
    return Path(os.environ[variable])


def test_dupe_scanner_indexes_scans_and_clears(
    start_server: Callable[..., EmbeddedServer], folder: Path, tmp_path: Path
) -> None:
    tool = named("DUPE_SCANNER")
    if importlib.util.find_spec("pyvis") is None:
        pytest.skip("the dupe-scanner needs pyvis")
    server = start_server()

    def run(*arguments: str) -> str:
        command = [sys.executable, str(tool / "scanner.py"), "--host", server.base, *arguments]
        environment = {**os.environ, "BROWSER": "true", "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "up and runnning" in run("status")
    assert "could not be indexed" not in run("index", "--dir", str(folder))
    assert " 5 images" in run("status")
    run("scan", "--threshold", "0.7")
    groups = json.loads((tmp_path / "duplicates.json").read_text())
    assert [{Path(path).name for path in group} for group in groups.values()] == [COPIES]
    run("clear")
    assert " 0 images" in run("status")


def test_the_documented_script_finds_the_copies(
    start_server: Callable[..., EmbeddedServer], folder: Path, tmp_path: Path
) -> None:
    page = named("FLOW_DOCUMENTATION")
    server = start_server(images=folder)
    server.sync(folder)
    script = tmp_path / "find-duplicates.py"
    script.write_text(repaired(page, server.url), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Found 3 duplicates" in done.stdout
    with (tmp_path / "duplicates.csv").open(newline="") as lines:
        assert [set(row) for row in csv.reader(lines)] == [COPIES]
    graph = json.loads((tmp_path / "graph.json").read_text())
    pictures = [node["data"]["image"] for node in graph["elements"]["nodes"]]
    assert all(requests.get(address, timeout=5).status_code == 200 for address in pictures)
