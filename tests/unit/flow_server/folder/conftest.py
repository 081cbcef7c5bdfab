"""A small folder of pictures, a server over it, and the sync that brings both together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.embedded_server import launch, run_sync
from tests.unit.flow_server.conftest import picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.embedded_server import EmbeddedServer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with three small pictures, one of them in a folder below."""
    (tmp_path / "pictures" / "sub").mkdir(parents=True)
    for seed, name in enumerate(["a.png", "b.png", "sub/c.png"]):
        picture(seed, 24).save(tmp_path / "pictures" / name)
    return tmp_path / "pictures"


@pytest.fixture
def server(root: Path, tmp_path: Path) -> Iterator[EmbeddedServer]:
    running = launch(tmp_path / "data", images=root)
    yield running
    running.stop()


def stored(server: EmbeddedServer) -> dict[str, dict[str, Any]]:
    answer = requests.get(f"{server.url}/select", {"rows": "1000"}, timeout=10).json()
    return {document["id"]: document for document in answer["response"]["docs"]}


def sync(server: EmbeddedServer, root: Path, *arguments: str, expect: int = 0) -> str:
    done = run_sync(root, server.data, "--workers", "1", *arguments, expect=expect)
    return done.stdout + done.stderr


def update(server: EmbeddedServer, command: Any) -> None:
    """What another program writes through the API."""
    address = server.collection_url("my-collection", "/solr/")
    requests.post(f"{address}/update?commit=true", json=command, timeout=10).raise_for_status()


def hits(server: EmbeddedServer, document_id: str) -> list[str]:
    """The ids that a search by the picture of a document finds."""
    answer = requests.get(f"{server.url}/duplicate", {"rank.by.id": document_id, "fl": "id"}, timeout=10)
    return [document["id"] for document in answer.json()["response"]["docs"]]
