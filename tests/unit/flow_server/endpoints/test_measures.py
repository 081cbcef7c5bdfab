"""Width, height, bytes and format of every analysed picture stand in its document, however it came in."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest
import requests

from include.flow_server.measures import MEASURES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.embedded_server import EmbeddedServer

SECONDS = 60


def post(server: EmbeddedServer, *documents: dict[str, Any], prefix: str = "/solr/") -> None:
    address = server.collection_url("my-collection", prefix)
    answer = requests.post(f"{address}/update?commit=true", json=documents, timeout=SECONDS)
    assert answer.status_code == 200, answer.text


def stored(server: EmbeddedServer, document_id: str) -> dict[str, Any]:
    asked = {"q": f'id:"{document_id}"', "fl": ",".join(MEASURES)}
    (document,) = requests.get(f"{server.url}/select", asked, timeout=SECONDS).json()["response"]["docs"]
    return document


def data_uri(file: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(file.read_bytes()).decode()


def measured(file: Path, width: int, height: int, form: str) -> dict[str, Any]:
    return dict(zip(MEASURES, (width, height, file.stat().st_size, form, 1, 0), strict=True))


@pytest.fixture
def server(start_server: Callable[..., EmbeddedServer], folder: Path, elsewhere: str) -> EmbeddedServer:
    return start_server(images=folder, arguments=["--allow-host", elsewhere])


@pytest.mark.parametrize("prefix", ["/solr/", "/api/cores/"])
def test_they_come_with_every_kind_of_picture(
    server: EmbeddedServer, elsewhere: str, folder: Path, prefix: str
) -> None:
    file = folder / "a.png"
    outputs = requests.post(f"{server.url}/analyze", {"input.data": data_uri(file)}, timeout=SECONDS).json()
    ways = {
        "url": {"image": f"http://{elsewhere}/a.png"},
        "data": {"image": data_uri(file)},
        "folder": {"image": "a.png"},
        "own address": {"image": f"{server.base}/images/a.png"},
        "object": {"image": "/elsewhere/a.png", "import": outputs["outputs"]},
        "text": {"import": json.dumps(outputs["outputs"])},
    }
    post(server, *({"id": name, **fields} for name, fields in ways.items()), {"id": "none"}, prefix=prefix)
    assert {name: stored(server, name) for name in ways} == dict.fromkeys(
        ways, measured(file, 384, 288, "PNG")
    )
    assert stored(server, "none") == {}


def test_sync_says_the_same(synced: EmbeddedServer, folder: Path) -> None:
    assert stored(synced, "a.png") == measured(folder / "a.png", 384, 288, "PNG")
    assert stored(synced, "a-copy.jpg") == measured(folder / "a-copy.jpg", 300, 225, "JPEG")


def test_what_the_client_gives_stays_and_null_keeps_a_field_away(server: EmbeddedServer) -> None:
    post(server, {"id": "a", "image": "a.png", "width_i": 6000, "format_s": "raw", "bytes_l": None})
    given = {"width_i": 6000, "format_s": "raw"}
    assert stored(server, "a") == {**given, "height_i": 288, "frames_i": 1, "behind_l": 0}


def test_an_update_without_a_picture_leaves_them_alone(server: EmbeddedServer, folder: Path) -> None:
    post(server, {"id": "a", "image": "a.png", "width_i": 6000})
    before = stored(server, "a")
    post(server, {"id": "a", "labels": {"add": "x"}})
    assert stored(server, "a") == before
    post(server, {"id": "a", "height_i": {"set": 4000}})
    assert stored(server, "a") == {**before, "height_i": 4000}


def test_an_update_with_another_picture_refreshes_them(server: EmbeddedServer, folder: Path) -> None:
    copy = folder / "a-copy.jpg"
    post(server, {"id": "a", "image": "a.png", "labels": ["x"], "width_i": 6000})
    post(server, {"id": "a", "image": {"set": "a-copy.jpg"}})
    assert stored(server, "a") == measured(copy, 300, 225, "JPEG")
    post(server, {"id": "a", "image": {"set": "a.png"}, "width_i": {"set": 6000}})
    assert stored(server, "a") == {**measured(folder / "a.png", 384, 288, "PNG"), "width_i": 6000}
    post(server, {"id": "a"})
    assert stored(server, "a") == {}


def test_an_archived_document_comes_back_with_the_values_it_had(server: EmbeddedServer) -> None:
    post(server, {"id": "a", "image": "a.png", "width_i": 6000, "bytes_l": 1})
    asked = {"fl": "*,import"}
    before = requests.get(f"{server.url}/select", asked, timeout=SECONDS).json()["response"]["docs"]
    requests.post(
        f"{server.base}/solr/my-collection/update?commit=true", json={"delete": "a"}, timeout=SECONDS
    )
    post(server, *({**one, "_version_": -1} for one in before))
    after = requests.get(f"{server.url}/select", asked, timeout=SECONDS).json()["response"]["docs"]
    assert [{**one, "_version_": 0} for one in after] == [{**one, "_version_": 0} for one in before]
