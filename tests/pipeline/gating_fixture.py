"""The fixture of the tests of the gate: a collection of a cat, a coffee and a moose."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.acting_fixture import CAT, COFFEE, MOOSE
from tests.support.acting import Acting
from tests.support.embedded_server import EmbeddedServer
from tests.support.gating import Gating

DOCUMENTS = {
    "cat": (CAT, {"title_s": "a cat", "labels": ["animal"]}),
    "coffee": (COFFEE, {"status_s": "rejected"}),
    "moose": (MOOSE, {}),
}


@pytest.fixture
def gating(flow_server: EmbeddedServer, tmp_path: Path) -> Gating:
    acting = Acting(flow_server, tmp_path / "storage")
    acting.fill(DOCUMENTS)
    flow_server.clear_counts()
    return Gating(acting, tmp_path / "incoming")
