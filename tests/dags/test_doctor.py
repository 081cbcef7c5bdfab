"""What an Airflow lacks for its collections is told before a task waits for it for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.dedupe.settings.config import COLLECTIONS_VARIABLE

pytestmark = pytest.mark.airflow

SETTINGS = "flow: {connection: flow_doctor, collection: c, write_connection: flow_writer}\npool: scans\n"


@pytest.fixture
def collections(airflow: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path))
    (tmp_path / "photos.yaml").write_text(SETTINGS)
    return tmp_path


def test_missing_pools_and_connections_and_wrong_settings_are_told_with_what_to_do(
    collections: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from include.orchestration.doctor import main  # noqa: PLC0415 - after the settings are in place

    (collections / "broken.yaml").write_text("flow: [")
    assert main() == 1
    lines = capsys.readouterr().err.splitlines()
    assert any("broken.yaml" in line and "is no valid YAML" in line for line in lines)
    assert any("no pool 'scans'" in line and "airflow pools set scans 4" in line for line in lines)
    assert any("no connection 'flow_doctor'" in line for line in lines)
    assert any("no connection 'flow_writer'" in line for line in lines)


def test_nothing_is_told_where_all_is_there(
    collections: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from airflow.models.pool import Pool  # noqa: PLC0415

    from include.orchestration.doctor import main  # noqa: PLC0415

    monkeypatch.setenv("AIRFLOW_CONN_FLOW_DOCTOR", "http://localhost:8983")
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_WRITER", "http://localhost:8983")
    Pool.create_or_update_pool("scans", 4, "", include_deferred=False)
    try:
        assert main() == 0
    finally:
        Pool.delete_pool("scans")
    assert "Each collection has its pool" in capsys.readouterr().out


def test_a_database_that_was_not_created_yet_is_told(collections: Path, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "include.orchestration.doctor"],
        env={
            **os.environ,
            "AIRFLOW_HOME": str(tmp_path / "airflow"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/empty.db",
            COLLECTIONS_VARIABLE: str(collections),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert "airflow db migrate" in found.stderr
    assert "Traceback" not in found.stderr
