"""Commands beside an Airflow find Flow where its tasks do, and single runs take the DAG's parameters."""

from __future__ import annotations

import os
import runpy
import subprocess
from pathlib import Path

import pytest

from include.dedupe.__main__ import main
from include.dedupe.progress import BARS_VARIABLE
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from include.orchestration import home, run_once
from tests.support.embedded_server import EmbeddedServer

pytestmark = pytest.mark.airflow
CAT = "animals/cat.jpg"


@pytest.fixture
def collection(airflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings whose connection is in nobody's environment."""
    settings = "flow: {connection: flow_shelved, collection: my-collection}\nfields: {category: category}\n"
    (tmp_path / "pictures.yaml").write_text(settings)
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path))
    monkeypatch.setenv(STORAGE_VARIABLE, str(tmp_path / "storage"))
    monkeypatch.delenv("AIRFLOW_CONN_FLOW_SHELVED", raising=False)
    return tmp_path / "pictures.yaml"


def test_a_command_reads_the_connection_that_airflow_keeps(
    collection: Path, flow_server: EmbeddedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    from airflow.models.connection import Connection  # noqa: PLC0415 - after the settings are in place
    from airflow.utils.session import create_session  # noqa: PLC0415

    assert main(["find", "pictures", CAT]) == 2
    assert "connection 'flow_shelved' to Airflow, which has none" in capsys.readouterr().err
    host, _, port = flow_server.base.rpartition(":")
    with create_session() as session:
        session.add(Connection(conn_id="flow_shelved", conn_type="http", host=host, port=int(port)))
    try:
        assert main(["find", "pictures", CAT]) == 0
    finally:
        with create_session() as session:
            session.query(Connection).filter_by(conn_id="flow_shelved").delete()
    assert 'animals/cat, "small".png' in capsys.readouterr().out


def test_a_schedule_that_airflow_refuses_is_told_before_it_reads_the_file(
    collection: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    collection.write_text(
        f"{collection.read_text()}schedule: often\n".replace("{category", "{date: d, category")
    )
    assert main(["validate", "pictures"]) == 1
    assert "schedule: Airflow refuses 'often'" in capsys.readouterr().out


def test_the_arguments_of_a_single_run_are_the_parameters_of_the_dag() -> None:
    params = runpy.run_path(str(home.PROJECT / "dags" / "dedupe_collection.py"))["PARAMS"]
    own = {action.dest for action in run_once._parser()._actions} - {"help", "collection"}
    assert own <= set(params)


def test_a_single_run_takes_its_range(
    collection: Path,
    flow_server: EmbeddedServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_SHELVED", flow_server.base)
    monkeypatch.delenv(BARS_VARIABLE, raising=False)
    assert run_once.main(["pictures", "--categories", "animals", "--threshold", "0.8"]) == 0
    assert "documents    3 of 3 scanned" in capfd.readouterr().out
    assert run_once.main(["pictures", "--scope", "known"]) == 0
    assert "documents    0 of 0 scanned" in capfd.readouterr().out
    with pytest.raises(SystemExit):
        run_once.main(["pictures", "--dry-run", "maybe"])
    assert BARS_VARIABLE not in os.environ


def test_make_passes_the_arguments_on() -> None:
    done = subprocess.run(
        ["make", "-n", "--assume-old=.venv/runtime", "run", "COLLECTION=x", "ARGS=--from 2026-04-01"],
        cwd=home.PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'run_once "$COLLECTION" --from 2026-04-01' in done.stdout
