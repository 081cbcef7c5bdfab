"""A Flow behind a password: all that a run and its page fetch there goes by the connection."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from include.dedupe.flow import MARKER
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reviewing.clusters import list_clusters
from include.dedupe.reviewing.filtering import Filters
from include.dedupe.reviewing.pictures import Pictures
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from include.flow_client import FlowAddress, FlowClient
from tests.support.acting import Acting
from tests.support.acting_dag import load_dag, run, states
from tests.support.embedded_server import EmbeddedServer, start_server
from tests.support.gating import CHELSEA, Gating
from tests.support.small_collection import make_pictures

__all__ = ["start_server"]
pytestmark = pytest.mark.airflow
PASSWORD = "pa/ss w0rd-7"
LOGIN = f"robot:{quote(PASSWORD, safe='')}"
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
    monkeypatch.setenv("FLOW_BASIC_AUTH", f"robot:{PASSWORD}")
    server = start_server(images=tmp_path / "pictures")
    server.sync(tmp_path / "pictures")
    (tmp_path / "collections").mkdir()
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path / "collections"))
    monkeypatch.setenv(STORAGE_VARIABLE, str(tmp_path / "storage"))
    made = Acting(server, tmp_path / "storage", "pictures")
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_DEMO", with_login(made))
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_WRITER", with_login(made))
    return made


def with_login(locked: Acting) -> str:
    return locked.server.base.replace("://", f"://{LOGIN}@")


def documents(locked: Acting) -> dict[str, Any]:
    """Return what the collection holds but for the marker."""

    async def read() -> dict[str, Any]:
        async with FlowClient(FlowAddress.parse(with_login(locked), "my-collection")) as client:
            pages = [page async for page in client.iterate(fl=("*",))]
            return {doc["id"]: doc | {"_version_": 0} for page in pages for doc in page.docs}

    found = asyncio.run(read())
    found.pop(MARKER, None)
    return found


def told(folder: Path, output: str) -> list[str]:
    """Return where the password is told, in whichever form: in files below a folder, or in an output."""
    login = f"robot:{PASSWORD}".encode()
    forms = (PASSWORD.encode(), quote(PASSWORD, safe="").encode(), base64.b64encode(login).rstrip(b"="))
    written = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    told_by = {**written, "output": output.encode()}
    return [name for name, data in told_by.items() for form in forms if form in data]


def test_a_whole_life_of_a_collection_tells_the_password_nowhere(
    locked: Acting, airflow: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Plan to record, the page's pictures, the restore, and a gate: all of it with the login."""
    before = documents(locked)
    settings = SETTINGS + "gate: {near: index}\n"
    dag_run = run(load_dag(locked, base=settings), scope="full")
    assert dag_run.state == "success", states(dag_run)
    found = RunDir(str(locked.storage), "pictures", dag_run.run_id)
    summary = json.loads(found.storage.read("report/summary.json"))
    assert summary["pictures"] == {"count": 7, "missing": 0, "problem": ""}
    gone = before.keys() - documents(locked).keys()
    assert gone
    (row, *_) = list_clusters(found, Filters(judged=None), "size", limit=1).rows
    pictures = Pictures(tmp_path / "kept")
    assert {pictures.show(found, row.name, one.id).problem for one in row.members} == {""}
    taken = {"collection": "pictures", "runs": [dag_run.run_id], "dry_run": "no"}
    restored = run(load_dag(locked, base=settings, name="dedupe_restore"), **taken)
    assert restored.state == "success", states(restored)
    assert documents(locked).keys() == before.keys()
    gating = Gating(locked, tmp_path / "incoming")
    rows = [{"id": "new", "image": gating.picture("new.png", seed=1)}]
    rows.append({"id": "copy", "image": gating.picture("copy.jpg", CHELSEA)})
    let_in = run(load_dag(locked, base=settings, name="gate_pictures"), incoming=gating.manifest(rows))
    assert let_in.state == "success", states(let_in)
    assert documents(locked).keys() == {*before, "new"}
    assert [
        place for place in told(tmp_path, "".join(capfd.readouterr())) if "pictures.yaml" not in place
    ] == []
    assert told(airflow, "") == []


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
    output = "".join(capfd.readouterr())
    assert "flow.write_connection 'flow_writer' does not write" in output
    assert "robot:wrong" not in output
    assert told(locked.storage, output) == []
