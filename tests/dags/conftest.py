"""An Airflow of the tests' own, in a folder that is thrown away."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.orchestration import home
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
