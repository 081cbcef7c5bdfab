"""Installing into an Airflow that is there already changes nothing of what it has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from include.orchestration import home

FIRST = """
apache-airflow==3.3.0
apache-airflow-core==3.3.0
apache-airflow-task-sdk==1.3.0
apache-airflow-providers-http==6.0.5
apache-airflow-providers-standard==1.16.0
aiohttp==3.14.3
fsspec==2026.7.0
jinja2==3.1.6
msgspec==0.21.1
numpy==2.5.1
pandas==3.0.5
psutil==7.2.2
pyarrow==25.0.0
pydantic==2.13.4
pyyaml==6.0.3
requests==2.34.2
scipy==1.18.0
tenacity==9.1.4
tqdm==4.70.0
uvloop==0.22.1
yarl==1.24.5
"""
"""What an image of Airflow 3.3.0 held when that came out."""


def resolve(requirements: str, constraints: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Resolve as an installer would, without installing."""
    (folder / "wanted.txt").write_text(requirements)
    (folder / "installed.txt").write_text(constraints)
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-annotate", "--no-header"]
    files = [folder / "wanted.txt", "--constraints", folder / "installed.txt", "--python-version", "3.12"]
    return subprocess.run([*command, *files], capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.parametrize("airflow", ["as it came out", "==3.3.0", ">=3.3,<4"])
def test_an_airflow_of_3_3_keeps_all_its_versions(tmp_path: Path, airflow: str) -> None:
    installed = FIRST
    if airflow != "as it came out":
        there = resolve(f"apache-airflow[http,standard]{airflow}", "", tmp_path)
        if there.returncode:
            pytest.skip(f"no package registry can be asked: {there.stderr[-300:]}")
        installed = there.stdout
    found = resolve((home.PROJECT / "requirements.txt").read_text(), installed, tmp_path)
    if "Failed to fetch" in found.stderr:
        pytest.skip(f"no package registry can be asked: {found.stderr[-300:]}")
    assert found.returncode == 0, found.stderr
    versions = dict(line.split("==") for line in found.stdout.splitlines())
    had = dict(line.split("==") for line in installed.split())
    assert {name: versions[name] for name in had if name in versions} == {
        name: version for name, version in had.items() if name in versions
    }
