"""Every command of the runbook, in its order, against a live collection of which a run deleted something."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from include.orchestration import home
from tests.support.embedded_server import EmbeddedServer, launch, run_sync
from tests.support.library import jpeg, photo

RUNBOOK = home.PROJECT / "include" / "deploy" / "RUNBOOK.md"
SETTINGS = """
flow: {connection: flow_photos, write_connection: flow_photos, collection: my-collection}
policies: {exact: {do: delete}}
guards: {max_delete_share: 1.0}
approval: {mode: none}
dry_run: false
"""
PICTURES = {"a.jpg": "skimage-chelsea.jpg", "b.jpg": "skimage-chelsea.jpg", "c.jpg": "gcompris-moose.jpg"}


def blocks() -> list[tuple[str, str]]:
    """Return heading and commands of each block of the runbook, whatever it is indented by."""
    found, heading = [], ""
    for part in re.split(r"^[ ]*```", RUNBOOK.read_text(), flags=re.MULTILINE):
        if part.startswith("sh\n"):
            found.append((heading, "\n".join(line.strip() for line in part.splitlines()[1:])))
        else:
            heading = (re.findall(r"^## (.+)$", part, flags=re.MULTILINE) or [heading])[-1]
    return found


@dataclass
class Shell:
    """The shell of the person on call: what was said in it, block by block."""

    environment: dict[str, str]
    told: dict[str, list[str]] = field(default_factory=dict)

    def run(self, commands: str) -> str:
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", commands],
            cwd=home.PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\nends with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    folder = tmp_path_factory.mktemp("runbook")
    (folder / "pictures").mkdir()
    for name, original in PICTURES.items():
        (folder / "pictures" / name).write_bytes(jpeg(photo(original)))
    run_sync(folder / "pictures", folder / "data")
    running = launch(folder / "data", images=folder / "pictures", arguments=("--allow-host", "127.0.0.1"))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def shell(server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    folder = tmp_path_factory.mktemp("on-call")
    (folder / "collections").mkdir()
    (folder / "collections" / "photos.yaml").write_text(SETTINGS)
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    names: Mapping[str, str] = {
        "PATH": programs,
        "FLOW_DEDUPE_COLLECTIONS": str(folder / "collections"),
        "FLOW_DEDUPE_STORAGE": str(folder / "storage"),
        "AIRFLOW_CONN_FLOW_PHOTOS": server.base,
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "COLLECTION": "photos",
        "ID": "b.jpg",
        "FLOW_DATA": str(server.data),
        "PICTURES": str(server.images),
        "FLOW_COLLECTION": "my-collection",
        "FLOW_PORT": server.base.rpartition(":")[2],
        "NEW_PASSWORD": "n3w/+",
    }
    made = Shell({**os.environ, **home.settings(folder / "airflow"), **names})
    made.run("airflow db migrate && airflow dags reserialize")
    made.run("python -m include.dedupe check photos")
    told = made.run("python -m include.orchestration.run_once photos --scope full")
    made.environment["RUN"] = re.findall(r"--runs (\S+)", told)[0]
    return made


@pytest.mark.timeout(2400)
def test_every_command_does_what_the_runbook_says(shell: Shell) -> None:
    for heading, commands in blocks():
        shell.told.setdefault(heading, []).append(shell.run(commands))
    told = {heading: "".join(texts) for heading, texts in shell.told.items()}
    assert "writing  allowed" in told["First look"]
    assert "restored  delete   b.jpg" in told["A bad deletion"]
    assert told["A bad deletion"].index("planned") < told["A bad deletion"].index("restored")
    assert "a.jpg" in told["Flow is down"]
    assert "analysed anew" in told["Another version of the detector"]
    assert "report " in told["Another threshold"]
    assert "a.jpg" in told["Credentials were rotated"]
    assert "Nothing stays behind in the storage." in told["A person asks to be forgotten"]
    assert "known pairs are one" in told["The storage grows"]


def test_no_command_stands_outside_of_a_block() -> None:
    prose = re.sub(r"^[ ]*```sh\n.*?^[ ]*```$", "", RUNBOOK.read_text(), flags=re.MULTILINE | re.DOTALL)
    programs = (
        "python -m",
        "airflow dags",
        "airflow tasks",
        "airflow connections",
        "airflow db",
        "kubectl",
        "docker",
    )
    assert not [one for one in programs if one in prose]
