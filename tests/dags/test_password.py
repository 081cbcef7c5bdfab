"""A Flow behind a password: all that a run and its page fetch there goes by the connection."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reviewing.clusters import list_clusters
from include.dedupe.reviewing.filtering import Filters
from include.dedupe.reviewing.pictures import Pictures
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from tests.support.acting import Acting
from tests.support.acting_dag import load_dag, run, states
from tests.support.embedded_server import EmbeddedServer, start_server
from tests.support.small_collection import make_pictures

__all__ = ["start_server"]
pytestmark = pytest.mark.airflow
LOGIN = "robot:pa%2Fss"
SETTINGS = """
flow: {connection: flow_demo, write_connection: flow_writer, collection: my-collection}
dry_run: false
approval: {mode: none}
policies: {exact: {do: delete}}
guards: {max_delete_share: 1.0}
"""


@pytest.fixture
def locked(
    airflow: Path,
    tmp_path: Path,
    start_server: Callable[..., EmbeddedServer],
    monkeypatch: pytest.MonkeyPatch,
) -> Acting:
    """The small collection behind a password, and settings whose policies write."""
    make_pictures(tmp_path / "pictures")
    monkeypatch.setenv("FLOW_BASIC_AUTH", "robot:pa/ss")
    server = start_server(images=tmp_path / "pictures")
    server.sync(tmp_path / "pictures")
    (tmp_path / "collections").mkdir()
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path / "collections"))
    monkeypatch.setenv(STORAGE_VARIABLE, str(tmp_path / "storage"))
    with_login = server.base.replace("://", f"://{LOGIN}@")
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_DEMO", with_login)
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_WRITER", with_login)
    return Acting(server, tmp_path / "storage", "pictures")


def run_dir(locked: Acting, dag_run: Any) -> RunDir:
    return RunDir(str(locked.storage), "pictures", dag_run.run_id)


def test_report_page_and_last_look_show_the_pictures(locked: Acting, tmp_path: Path) -> None:
    dag_run = run(load_dag(locked, base=SETTINGS), scope="full")
    assert dag_run.state == "success", states(dag_run)
    found = run_dir(locked, dag_run)
    summary = json.loads(found.storage.read("report/summary.json"))
    assert summary["pictures"] == {"count": 7, "missing": 0, "problem": ""}
    assert json.loads(found.storage.read("record/record.json"))["outcomes"]["done"] > 0
    pictures = Pictures(tmp_path / "kept")
    (row, *_) = list_clusters(found, Filters(judged=None), "size", limit=1).rows
    assert pictures.show(found, row.name, row.members[0].id).problem == ""


def test_a_report_without_the_login_says_how_many_pictures_it_lacks_and_why(locked: Acting) -> None:
    without = WebPictures(locked.server.base, ())
    address = f"{locked.server.base}/images/animals/cat.jpg"
    assert "401 Unauthorized" in without.thumbnails([address])[address].problem


def test_a_wrong_password_for_writing_fails_the_plan(
    locked: Acting, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = locked.server.base.replace("://", "://robot:wrong@")
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_WRITER", wrong)
    dag_run = run(load_dag(locked, base=SETTINGS), scope="full")
    assert states(dag_run)["plan"] == "failed"
    assert locked.server.counts().get("duplicates", 0) == 0
    assert "flow.write_connection 'flow_writer' does not write" in "".join(capfd.readouterr())
