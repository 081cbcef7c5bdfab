"""Requests and answers as the Flow and Solr documents show them, one file each in cases/.

They run against the embedded server, with each of its stores, or against a real Flow where FLOW_URL is set
(for example http://localhost:8983/api/cores/my-collection). There documents `contract-1` to `contract-4` are
added and removed again, and counts are only right in a collection without others: use a scratch one.

A case: `request` (path below the collection, prefix, query as it stands in a URL, json: the body of a POST),
`status`, `answer` (what must be in the answer: objects may have more members, lists and values are equal),
`has` (members that must exist), `documented` (where).
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from PIL import Image

from tests.contract.solr.gateways import Cloud
from tests.support.embedded_server import launch

if TYPE_CHECKING:
    from collections.abc import Iterator

CASES = sorted((Path(__file__).parent / "cases").glob("*.json"))
DOCUMENTS = [
    {"id": "contract-1", "labels": ["door"], "taken_dt": "2023-04-12T00:00:00Z"},
    {"id": "contract-2", "labels": ["door", "front door"], "taken_dt": "2024-02-29T12:00:00Z"},
    {"id": "contract-3", "labels": ["violet"]},
    {"id": "contract-4"},
]
SECONDS = 20


@pytest.fixture(scope="module", params=["SQLite", "SolrCloud"])
def collection(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a collection with the four documents."""
    folder = tmp_path_factory.mktemp("pictures")
    Image.radial_gradient("L").convert("RGB").save(folder / "gradient.png")
    server = None
    url = os.environ.get("FLOW_URL")
    if not url and request.param == "SolrCloud":
        cloud: Cloud = request.getfixturevalue("cloud")
        url = cloud.gateway(cloud.collection("my-collection"), images=folder).url
    elif not url:
        server = launch(tmp_path_factory.mktemp("data"), images=folder)
        url = server.url
    outputs = _analysed(url, folder / "gradient.png")
    first = {**DOCUMENTS[0], "image": "gradient.png", "import": outputs}
    _update(url, [first, *DOCUMENTS[1:]])
    yield url.rstrip("/")
    _update(url, {"delete": [document["id"] for document in DOCUMENTS]})
    if server:
        server.stop()


@pytest.mark.parametrize("path", CASES, ids=[path.stem for path in CASES])
def test_a_documented_request_is_answered_as_documented(collection: str, path: Path) -> None:
    case = json.loads(path.read_text(encoding="utf-8"))
    request = case["request"]
    base = collection.replace("/api/cores/", request.get("prefix", "/api/cores/"))
    address = f"{base}/{request['path']}?{request['query']}" if request["path"] else base
    if "json" in request:
        answer = requests.post(address, json=request["json"], timeout=SECONDS)
    else:
        answer = requests.get(address, timeout=SECONDS)
    assert answer.status_code == case["status"], answer.text
    body = answer.json()
    assert _within(case["answer"], body), body
    assert all(name in body for name in case.get("has", []))


def _within(expected: Any, actual: Any) -> bool:
    if isinstance(expected, dict):
        return isinstance(actual, dict) and all(
            name in actual and _within(value, actual[name]) for name, value in expected.items()
        )
    if isinstance(expected, list):
        return (
            isinstance(actual, list) and len(actual) == len(expected) and all(map(_within, expected, actual))
        )
    return bool(expected == actual)


def _analysed(url: str, picture: Path) -> Any:

    form = {"input.data": base64.b64encode(picture.read_bytes()).decode()}
    return requests.post(f"{url}/analyze?modules.apply=duplicate", form, timeout=SECONDS).json()["outputs"]


def _update(url: str, body: Any) -> None:
    address = url.replace("/api/cores/", "/solr/")
    requests.post(f"{address}/update?commit=true", json=body, timeout=SECONDS).raise_for_status()
