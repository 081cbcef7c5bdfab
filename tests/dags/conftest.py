"""An Airflow of the tests' own, in a folder that is thrown away."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from include.orchestration import home
from tests.support.acting import Acting
from tests.support.acting_dag import DOCUMENTS
from tests.support.collection_dags import DEMO
from tests.support.embedded_server import EmbeddedServer
from tests.support.small_collection import flow_server, server

__all__ = ["flow_server", "server"]

_folder = tempfile.TemporaryDirectory(prefix="flow-dedupe-airflow-")
HOME = Path(_folder.name)
home.use(HOME)  # before anything imports Airflow
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "WARNING"


@pytest.fixture(scope="session")
def airflow() -> Iterator[Path]:
    """Airflow's home, with a migrated metadata database."""
    home.migrate(HOME)
    yield HOME
    _folder.cleanup()


@pytest.fixture
def acting(
    airflow: Path, flow_server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Acting:
    (tmp_path / "collections").mkdir()
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path / "collections"))
    monkeypatch.setenv(STORAGE_VARIABLE, str(tmp_path / "storage"))
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_DEMO", flow_server.base)
    made = Acting(flow_server, tmp_path / "storage")
    made.fill(DOCUMENTS)
    flow_server.clear_counts()
    return made


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Answer the question at once, as the scheduler would resume the task; returns the questions."""

    def prepare(option: str, **params_input: Any) -> list[str]:
        from airflow.providers.standard.operators.hitl import HITLOperator  # noqa: PLC0415

        asked: list[str] = []

        def execute(self: Any, context: Any) -> Any:
            asked.append(self.body)
            event = {
                "chosen_options": [option],
                "params_input": params_input,
                "responded_at": dt.datetime.now(dt.UTC),
                "responded_by_user": {"id": "1", "name": "somebody"},
            }
            return self.execute_complete(context, event)

        monkeypatch.setattr(HITLOperator, "execute", execute)
        return asked

    return prepare


@pytest.fixture
def collections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of settings of the test's own, holding those of the demo."""
    folder = tmp_path / "collections"
    folder.mkdir()
    shutil.copy(DEMO, folder / "demo.yaml")
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(folder))
    monkeypatch.setenv(STORAGE_VARIABLE, str(tmp_path / "storage"))
    return folder
