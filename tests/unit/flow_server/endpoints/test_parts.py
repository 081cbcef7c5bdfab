"""The server finds a picture in others, by one search and by the self-join, also after a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from include.detector.imaging import analyze
from tests.support.embedded_server import EmbeddedServer, launch
from tests.support.pasted import BESIDE, pasted, photo_file

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 60


def document(name: str, data: bytes) -> dict[str, Any]:
    return {"id": name, "import": analyze(data).to_outputs()}


def update(server: EmbeddedServer, documents: list[dict[str, Any]]) -> None:
    answer = requests.post(f"{server.url}/update?commit=true", json=documents, timeout=SECONDS)
    answer.raise_for_status()


def delete(server: EmbeddedServer, name: str) -> None:
    address = server.collection_url("my-collection", "/solr/")
    answer = requests.post(f"{address}/update?commit=true", json={"delete": {"id": name}}, timeout=SECONDS)
    answer.raise_for_status()


def hits(server: EmbeddedServer, name: str, level: str = "off") -> dict[str, float]:
    asked = {"rank.by.id": name, "fl": "id,score", "rows": "100", "rank.smartfilter": level}
    answer = requests.get(f"{server.url}/duplicate", asked, timeout=SECONDS)
    answer.raise_for_status()
    return {hit["id"]: hit["score"] for hit in answer.json()["response"]["docs"] if hit["id"] != name}


def pairs(server: EmbeddedServer) -> dict[frozenset[str], float]:
    page = requests.get(f"{server.url}/duplicates", {"rows": 100, "fl": "id,score"}, timeout=SECONDS)
    page.raise_for_status()
    documents = page.json()["response"]["docs"]
    return {frozenset((one["id"], hit["id"])): hit["score"] for one in documents for hit in one["hits"]}


@pytest.fixture(scope="module")
def copies() -> dict[str, dict[str, Any]]:
    return {name: document(name, data) for name, data in pasted().items()}


def test_a_picture_is_found_in_others_until_they_are_replaced_or_deleted(
    tmp_path: Path, copies: dict[str, dict[str, Any]]
) -> None:
    server = launch(tmp_path)
    whole = document("whole", photo_file())
    update(server, [whole, document("moose", photo_file(BESIDE[0])), *copies.values()])
    found = hits(server, "whole")
    assert found.keys() == copies.keys()
    assert all(0.70 <= score < 0.95 for score in found.values())
    assert "collage of 3" not in hits(server, "whole", "high")
    joined = pairs(server)
    assert {pair: joined[pair] for pair in joined if "whole" in pair} == {
        frozenset(("whole", name)): score for name, score in found.items()
    }
    server.stop()

    again = launch(tmp_path)
    assert hits(again, "whole") == found
    assert pairs(again) == joined
    update(again, [whole | {"id": "collage of 3"}, copies["post"] | {"id": "late post"}])
    delete(again, "on a background")
    now = hits(again, "whole")
    assert now.keys() == {"collage of 2", "collage of 3", "post", "late post"}
    assert now["collage of 3"] == 1
    assert now["late post"] == found["post"]
    update(again, [document("whole", photo_file(BESIDE[1]))])
    assert "post" not in hits(again, "whole")
    again.stop()
