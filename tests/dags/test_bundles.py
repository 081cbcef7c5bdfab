"""The package in an Airflow beside what others have there: as bundles, and copied into a project."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.orchestration import home

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]

LOCAL = "airflow.dag_processing.bundles.local.LocalDagBundle"
GIT = "airflow.providers.git.bundles.git.GitDagBundle"
OURS = {"calibrate_photos", "dedupe_photos", "gate_photos", "dedupe_restore"}
SETTINGS = """
flow: {connection: flow_default, collection: photos, write_connection: flow_default}
gate: {incoming: /incoming}
"""
THEIR_DAG = """
from airflow.sdk import DAG
from include.theirs import NAME

with DAG(dag_id=NAME, schedule=None):
    pass
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of this project as after `make demo`: with what a run leaves, links in circles among it."""
    left_out = shutil.ignore_patterns(".git", ".venv", ".run", ".*_cache", "__pycache__", "photos", "*.png")
    made = shutil.copytree(home.PROJECT, tmp_path / "checkout", ignore=left_out)
    logs = made / ".run" / "airflow" / "logs" / "dag_processor"
    logs.mkdir(parents=True)
    (logs / "latest").symlink_to(logs.parent)
    (made / "include" / "collections" / "photos.yaml").write_text(SETTINGS)
    return made


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """A project of a team's own, as others lay theirs out: dags, include and plugins."""
    project = tmp_path / "team"
    for folder in ("dags", "include", "plugins"):
        (project / folder).mkdir(parents=True)
    (project / "include" / "__init__.py").write_text("OWNER = 'the team'\n")
    (project / "include" / "theirs.py").write_text("from include import OWNER\n\nNAME = 'their_dag'\n")
    (project / "dags" / "their_dag.py").write_text(THEIR_DAG)
    (project / "dags" / ".airflowignore").write_text("drafts/\n")
    (project / "plugins" / ".airflowignore").write_text("drafts/\n")
    (project / "plugins" / "their_plugin.py").write_text("import include.theirs\n")
    return project


def parse(
    folder: Path, airflow: Path, bundles: Mapping[str, Path | Mapping[str, str]], **environment: str
) -> tuple[set[str], Sequence[str]]:
    """Let Airflow's DAG processor read the bundles once; return the DAGs and the import errors."""
    config: list[dict[str, Any]] = [
        {"name": name, "classpath": LOCAL, "kwargs": {"path": str(where)}}
        if isinstance(where, Path)
        else {"name": name, "classpath": GIT, "kwargs": dict(where)}
        for name, where in bundles.items()
    ]
    database = folder / "airflow.db"
    with sqlite3.connect(airflow / "airflow.db") as migrated, sqlite3.connect(database) as copy:
        migrated.backup(copy)
    processed = subprocess.run(
        [Path(sys.executable).parent / "airflow", "dag-processor", "--num-runs", "1"],
        env=settings_of(folder, **environment)
        | {"AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(config)},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert processed.returncode == 0, processed.stdout + processed.stderr
    with sqlite3.connect(database) as told:
        dags = told.execute("select dag_id, bundle_name from dag").fetchall()
        errors = told.execute("select filename || ': ' || stacktrace from import_error").fetchall()
    return {dag_id for dag_id, bundle in dags if bundle in bundles}, [error for (error,) in errors]


def settings_of(folder: Path, **environment: str) -> dict[str, str]:
    """Return the environment of an Airflow that knows nothing of this project."""
    own = {"AIRFLOW__CORE__DAGS_FOLDER", "AIRFLOW__CORE__PLUGINS_FOLDER", "PYTHONPATH", COLLECTIONS_VARIABLE}
    return {
        **{name: value for name, value in os.environ.items() if name not in own},
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db",
        **environment,
    }


@pytest.mark.parametrize("subdir", [".", "dags"])
def test_a_checkout_is_a_bundle_as_a_whole_and_by_its_dags(
    tmp_path: Path, airflow: Path, checkout: Path, subdir: str
) -> None:
    assert parse(tmp_path, airflow, {"dedupe": checkout / subdir}) == (OURS, [])


@pytest.mark.parametrize("subdir", [None, "dags"])
def test_a_repository_is_a_bundle_of_git(
    tmp_path: Path, airflow: Path, checkout: Path, subdir: str | None
) -> None:
    author = ["-c", "user.name=Team", "-c", "user.email=team@example.com"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A", "-f"], [*author, "commit", "-qm", "Begin"]):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    bundle = {"repo_url": str(checkout), "tracking_ref": "main", **({"subdir": subdir} if subdir else {})}
    assert parse(tmp_path, airflow, {"dedupe": bundle}) == (OURS, [])


def test_a_package_include_of_the_teams_own_that_is_found_first_hides_nothing_and_is_not_hidden(
    tmp_path: Path, airflow: Path, checkout: Path, team: Path
) -> None:
    bundles = {"dedupe": checkout / "dags", "team": team / "dags"}
    assert parse(tmp_path, airflow, bundles, PYTHONPATH=str(team)) == (OURS | {"their_dag"}, [])


def test_copied_into_a_project_it_changes_no_file_and_both_are_read(
    tmp_path: Path, airflow: Path, checkout: Path, team: Path
) -> None:
    before = {path: path.read_bytes() for path in team.rglob("*") if path.is_file()}
    for command in ("cp -r dags/* $AIRFLOW_HOME/dags/", "cp -r include $AIRFLOW_HOME/"):
        assert command in (home.PROJECT / "README.md").read_text()
        copy(command, checkout, team)
    copy("cp -r plugins/. $AIRFLOW_HOME/plugins/", checkout, team)
    assert {path: path.read_bytes() for path in before} == before
    found = parse(
        tmp_path,
        airflow,
        {"team": team / "dags"},
        PYTHONPATH=str(team),
        AIRFLOW__CORE__PLUGINS_FOLDER=str(team / "plugins"),
    )
    assert found == (OURS | {"their_dag"}, [])


def test_the_page_finds_its_engine_beside_a_package_include_of_the_teams_own(
    tmp_path: Path, checkout: Path, team: Path
) -> None:
    shutil.copytree(checkout / "plugins", tmp_path / "apart" / "plugins")
    shutil.copytree(checkout / "include", tmp_path / "apart" / "include")
    plugins = tmp_path / "apart" / "plugins"
    shutil.copy(team / "plugins" / "their_plugin.py", plugins)
    script = """
from airflow.plugins_manager import _get_plugins
plugins, errors = _get_plugins()
assert not errors, errors
(ours,) = [one for one in plugins if one.name == "flow_dedupe"]
ours.fastapi_apps[0]["app"]._make()
import include.dedupe, include.theirs
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=settings_of(tmp_path, PYTHONPATH=str(team), AIRFLOW__CORE__PLUGINS_FOLDER=str(plugins)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_demo_is_no_collection_of_anybody_elses(tmp_path: Path, airflow: Path, checkout: Path) -> None:
    (checkout / "include" / "collections" / "photos.yaml").unlink()
    assert parse(tmp_path, airflow, {"dedupe": checkout}) == ({"dedupe_restore"}, [])


def copy(command: str, checkout: Path, project: Path) -> None:
    environment = {**os.environ, "AIRFLOW_HOME": str(project)}
    subprocess.run(["sh", "-c", command], cwd=checkout, env=environment, check=True)
