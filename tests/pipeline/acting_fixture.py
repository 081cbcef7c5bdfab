"""The fixture of the tests that change a collection."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.acting import Acting, Document
from tests.support.embedded_server import EmbeddedServer

CAT, COFFEE, MOOSE = "animals/cat.jpg", "things/coffee.jpg", "animals/moose.jpg"
SMALL_CAT = "animals/cat%2C%20%22small%22.png"
EXACT = {"exact_threshold": 0.9999}
"""Copies of the same picture are exact then, a resized one is near."""

DOCUMENTS: dict[str, tuple[str, Document]] = {
    "cat": (CAT, {"title_s": "a cat", "labels": ["animal"], "rating_i": 2}),
    "cat copy": (CAT, {"labels": ["pet"], "rating_i": 5, "place_s": "home"}),
    "cat small": (SMALL_CAT, {"title_s": "a small cat"}),
    "coffee": (COFFEE, {}),
    "moose": (MOOSE, {"category_s": "masters"}),
}


@pytest.fixture
def acting(flow_server: EmbeddedServer, tmp_path: Path) -> Acting:
    made = Acting(flow_server, tmp_path / "storage")
    made.fill(DOCUMENTS)
    return made


def policies(exact: str, near: str = "report", **exact_settings: object) -> dict[str, object]:
    return {
        "policies": {"exact": {"do": exact, **exact_settings}, "near": {"do": near}},
        "scan": EXACT,
        "guards": {"delete_threshold": 0.7},
    }
