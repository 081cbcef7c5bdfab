"""Collections, ping, metrics, realtime get, schema, authentication, bounded bodies, pictures by HTTP."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import time
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.embedded_server import EmbeddedServer

SECONDS = 60


def test_several_collections_do_not_mix(start_server: Callable[..., EmbeddedServer]) -> None:
    server = start_server(collections=["one", "two"])
    solr = server.collection_url("one", "/solr/")
    requests.post(f"{solr}/update?commit=true", json=[{"id": "a"}], timeout=SECONDS).raise_for_status()
    status = requests.get(f"{server.base}/api/cores", timeout=SECONDS).json()["status"]
    assert {name: one["index"]["numDocs"] for name, one in status.items()} == {"one": 1, "two": 0}
    unknown = requests.get(f"{server.base}/api/cores/three/select", timeout=SECONDS)
    assert unknown.status_code == 404
    assert "one, two" in unknown.json()["error"]["msg"]


def test_a_name_that_could_leave_the_data_directory_is_refused(
    start_server: Callable[..., EmbeddedServer],
) -> None:
    with pytest.raises(RuntimeError, match="is no name for a collection"):
        start_server(collections=["../elsewhere"])


def test_ping_metrics_and_schema_answer(synced: EmbeddedServer) -> None:
    assert requests.get(f"{synced.url}/admin/ping", timeout=SECONDS).json()["status"] == "OK"
    page = requests.get(f"{synced.base}/metrics", timeout=SECONDS).text
    assert 'flow_documents{collection="my-collection"} 8.0' in page
    assert 'flow_requests_total{handler="ping",status="200"}' in page
    fields = requests.get(f"{synced.url}/schema/fields", timeout=SECONDS).json()["fields"]
    types = {field["name"]: field["type"] for field in fields}
    assert (types["id"], types["date_dt"], types["bytes_l"]) == ("string", "pdate", "plong")
    assert requests.get(f"{synced.url}/schema/fields/nothing", timeout=SECONDS).status_code == 404


def test_get_sees_what_is_not_committed_yet(start_server: Callable[..., EmbeddedServer]) -> None:
    server = start_server()
    solr = server.collection_url("my-collection", "/solr/")
    requests.post(f"{solr}/update", json=[{"id": "a", "n_i": 1}], timeout=SECONDS).raise_for_status()
    assert requests.get(f"{solr}/select", timeout=SECONDS).json()["response"]["numFound"] == 0
    assert requests.get(f"{solr}/get", {"id": "a"}, timeout=SECONDS).json()["doc"]["n_i"] == 1
    assert requests.get(f"{solr}/get", {"id": "b"}, timeout=SECONDS).json() == {"doc": None}
    several = requests.get(f"{solr}/get", {"ids": "a,b"}, timeout=SECONDS).json()["response"]
    assert [document["id"] for document in several["docs"]] == ["a"]


@pytest.mark.parametrize(
    ("parameters", "body", "count"),
    [
        ({"commitWithin": "200"}, [{"id": "b"}], 2),
        ({}, {"add": {"doc": {"id": "b"}, "commitWithin": 200}}, 2),
        ({}, {"delete": {"id": "a", "commitWithin": 200}}, 0),
        ({}, {"delete": {"query": "*:*", "commitWithin": 200}}, 0),
    ],
)
def test_commit_within_makes_it_visible_in_time(
    start_server: Callable[..., EmbeddedServer], parameters: dict[str, str], body: object, count: int
) -> None:
    server = start_server()
    solr = server.collection_url("my-collection", "/solr/")
    requests.post(f"{solr}/update?commit=true", json=[{"id": "a"}], timeout=SECONDS).raise_for_status()
    answer = requests.post(f"{solr}/update", json=body, params=parameters, timeout=SECONDS)
    answer.raise_for_status()
    deadline = time.monotonic() + SECONDS
    while requests.get(f"{solr}/select", timeout=SECONDS).json()["response"]["numFound"] != count:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("failing", [{"id": "c", "n_i": "x"}, {"id": "c", "image": "data:,x"}])
def test_what_came_before_a_failing_document_becomes_visible(
    start_server: Callable[..., EmbeddedServer], failing: dict[str, str]
) -> None:
    server = start_server()
    solr = server.collection_url("my-collection", "/solr/")
    body = [{"id": "b"}, failing, {"id": "d"}]
    answer = requests.post(f"{solr}/update?commitWithin=100", json=body, timeout=SECONDS)
    assert answer.status_code == 400
    deadline = time.monotonic() + SECONDS
    while not (docs := requests.get(f"{solr}/select?fl=id", timeout=SECONDS).json()["response"]["docs"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert docs == [{"id": "b"}]


def test_a_wrong_parameter_of_an_update_writes_nothing(start_server: Callable[..., EmbeddedServer]) -> None:
    server = start_server()
    solr = server.collection_url("my-collection", "/solr/")
    for wrong in ("commit=x", "commitWithin=x", "softCommit=1", "failOnVersionConflicts=x"):
        assert requests.post(f"{solr}/update?{wrong}", json=[{"id": "a"}], timeout=SECONDS).status_code == 400
    assert requests.get(f"{solr}/get", {"id": "a"}, timeout=SECONDS).json() == {"doc": None}


def test_basic_auth_is_asked_for_where_it_is_set(
    start_server: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOW_BASIC_AUTH", "flow:secret word")
    server = start_server()
    for auth, status in ((None, 401), (("flow", "wrong"), 401), (("flow", "secret word"), 200)):
        for address in (f"{server.url}/select", f"{server.base}/metrics"):
            assert requests.get(address, auth=auth, timeout=SECONDS).status_code == status


def test_a_body_over_the_limit_is_a_413(start_server: Callable[..., EmbeddedServer]) -> None:
    server = start_server(arguments=["--max-body-mib", "1"])
    solr = server.collection_url("my-collection", "/solr/")
    too_much = b"[" + b" " * (1 << 21) + b"]"
    assert requests.post(f"{solr}/update", data=too_much, timeout=SECONDS).status_code == 413
    form = {"rank.by.data": "x" * (1 << 21)}
    assert requests.post(f"{solr}/duplicate", form, timeout=SECONDS).status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/images/../documents.sqlite", "/images/..%2f..%2fetc/passwd", "/images/%2e%2e/%2e%2e/etc/passwd",
        "/images//etc/passwd", "/images/sub", "/images/", "/images/no.png", "/images/sub/../../x",
        "/images/a.png%00",
        "/images/link.png", "/images/..%5c..%5cx",
    ],
)  # fmt: skip
def test_nothing_outside_the_folder_is_served(
    start_server: Callable[..., EmbeddedServer], tmp_path: Path, path: str
) -> None:
    outside = tmp_path / "secret.png"
    outside.write_bytes(b"secret")
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    (folder / "link.png").symlink_to(outside)
    server = start_server(images=folder)
    connection = http.client.HTTPConnection(server.base.partition("//")[2], timeout=SECONDS)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status in (400, 404)
    assert b"secret" not in answer.read()


def test_relative_and_own_addresses_name_pictures_of_the_folder(
    start_server: Callable[..., EmbeddedServer], folder: Path
) -> None:
    server = start_server(images=folder)
    solr = server.collection_url("my-collection", "/solr/")
    own = f"{server.base}/images/sub/d%20e.png"
    documents = [{"id": "1", "image": "a.png"}, {"id": "2", "image": own}, {"id": "3", "image": "data:,x"}]
    for document in documents[:2]:
        answer = requests.post(f"{solr}/update?commit=true", json=[document], timeout=SECONDS)
        assert answer.status_code == 200, answer.text
    refused = requests.post(f"{solr}/update?commit=true", json=documents[2:], timeout=SECONDS)
    assert refused.status_code == 400
    stored = requests.get(f"{solr}/select", {"sort": "id asc", "fl": "id,image"}, timeout=SECONDS).json()
    assert [one["image"] for one in stored["response"]["docs"]] == [f"{server.base}/images/a.png", own]
    by_name = requests.get(f"{solr}/select", headers={"Host": "pictures.example:99"}, timeout=SECONDS).json()
    assert by_name["response"]["docs"][0]["image"].startswith("http://pictures.example:99/images/")


def test_a_data_uri_is_analysed_and_import_is_used_as_it_is(
    start_server: Callable[..., EmbeddedServer], folder: Path
) -> None:
    server = start_server()
    solr = server.collection_url("my-collection", "/solr/")
    uri = "data:image/png;base64," + base64.b64encode((folder / "a.png").read_bytes()).decode()
    outputs = requests.post(f"{solr}/analyze", {"input.data": uri}, timeout=SECONDS).json()["outputs"]
    documents = [
        {"id": "1", "image": uri},
        {"id": "2", "image": "/home/someone/a.png", "import": outputs},
        {"id": "3", "import": json.dumps(outputs)},
    ]
    requests.post(f"{solr}/update?commit=true", json=documents, timeout=SECONDS).raise_for_status()
    hits = requests.get(f"{solr}/duplicate", {"rank.by.id": "1"}, timeout=SECONDS).json()["response"]["docs"]
    assert {(hit["id"], hit["score"]) for hit in hits} == {("1", 1.0), ("2", 1.0), ("3", 1.0)}
    assert all("import" not in hit for hit in hits)
    requests.post(
        f"{solr}/update?commit=true", json=[{"id": "2", "labels": {"add": "x"}}], timeout=SECONDS
    ).raise_for_status()
    again = requests.get(f"{solr}/duplicate", {"rank.by.id": "2"}, timeout=SECONDS).json()["response"]
    assert again["numFound"] == 3


def test_the_api_path_takes_documents_and_the_solr_path_commands(
    start_server: Callable[..., EmbeddedServer],
) -> None:
    server = start_server()
    api, solr = server.url, server.collection_url("my-collection", "/solr/")

    def post(address: str, body: object) -> int:
        return requests.post(f"{address}?commit=true", json=body, timeout=SECONDS).status_code

    assert post(f"{api}/update", {"id": "a"}) == 200
    assert post(f"{api}/update", [{"id": "b"}]) == 200
    assert post(f"{api}/update", {"delete": {"query": "*:*"}}) == 400
    assert post(f"{api}/update", [{"id": "a", "labels": {"add": "x"}}]) == 400
    assert post(f"{solr}/update", {"id": "a"}) == 400
    assert post(f"{solr}/update/json/docs", {"id": "c"}) == 200
    assert requests.get(f"{api}/select", timeout=SECONDS).json()["response"]["numFound"] == 3
    assert post(f"{api}/update/json/commands", {"delete": {"query": "*:*"}}) == 200
    assert requests.get(f"{api}/select", timeout=SECONDS).json()["response"]["numFound"] == 0


def test_a_client_that_goes_away_does_no_harm(synced: EmbeddedServer) -> None:
    host, port = synced.base.partition("//")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=SECONDS) as half:
        half.sendall(b"POST /solr/my-collection/update HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[{")
    assert requests.get(f"{synced.url}/select", timeout=SECONDS).status_code == 200


def test_a_private_host_is_asked_only_for_the_collection_that_names_it(
    start_server: Callable[..., EmbeddedServer], synced: EmbeddedServer
) -> None:
    host = synced.base.partition("//")[2]
    server = start_server(collections=["one", "two"], arguments=["--allow-host", f"one={host}"])
    picture = {"input.url": f"{synced.base}/images/a.png"}
    answers = [
        requests.get(f"{server.collection_url(name)}/analyze", picture, timeout=SECONDS)
        for name in ("one", "two")
    ]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert "not a public address" in answers[1].json()["error"]["msg"]
    solr = server.collection_url("one", "/solr/")
    body = [{"id": "a", "image": f"{synced.base}/images/a.png"}]
    requests.post(f"{solr}/update?commit=true", json=body, timeout=SECONDS).raise_for_status()
    hits = requests.get(f"{solr}/duplicate", {"rank.by.url": body[0]["image"]}, timeout=SECONDS).json()[
        "response"
    ]
    assert hits["docs"][0]["image"] == body[0]["image"]


def test_a_document_comes_back_whole_from_its_import(
    start_server: Callable[..., EmbeddedServer], folder: Path
) -> None:
    server = start_server(images=folder)
    solr = server.collection_url("my-collection", "/solr/")
    requests.post(f"{solr}/update?commit=true", json=[{"id": "a", "image": "a.png"}], timeout=SECONDS)
    archived = requests.get(f"{solr}/select", {"fl": "*,import"}, timeout=SECONDS).json()["response"]["docs"]
    requests.post(f"{solr}/update?commit=true", json={"delete": "a"}, timeout=SECONDS)
    again = [{**one, "_version_": -1} for one in archived]
    requests.post(f"{solr}/update?commit=true", json=again, timeout=SECONDS).raise_for_status()
    restored = requests.get(f"{solr}/select", {"fl": "*,import"}, timeout=SECONDS).json()["response"]["docs"]
    assert [{**one, "_version_": 0} for one in restored] == [{**one, "_version_": 0} for one in archived]
    hits = requests.get(f"{solr}/duplicate", {"rank.by.id": "a"}, timeout=SECONDS).json()["response"]
    assert hits["docs"][0]["score"] == 1.0


def test_an_address_of_another_server_on_this_machine_is_not_taken_for_ours(
    start_server: Callable[..., EmbeddedServer], synced: EmbeddedServer, folder: Path, tmp_path: Path
) -> None:
    """Both serve a picture of that name, but not the same one."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "a.png").write_bytes((folder / "b.png").read_bytes())
    theirs = f"{synced.base}/images/a.png"
    server = start_server(images=mine, arguments=["--allow-host", synced.base.partition("//")[2]])
    outputs = requests.get(f"{server.url}/analyze", {"input.url": theirs}, timeout=SECONDS).json()["outputs"]
    documents = [{"id": "1", "image": theirs}, {"id": "2", "image": theirs, "import": outputs}]
    solr = server.collection_url("my-collection", "/solr/")
    requests.post(f"{solr}/update?commit=true", json=documents, timeout=SECONDS).raise_for_status()
    stored = requests.get(f"{solr}/select", {"fl": "image,bytes_l"}, timeout=SECONDS).json()["response"]
    assert stored["docs"] == [{"image": theirs, "bytes_l": (folder / "a.png").stat().st_size}] * 2


def test_a_restored_picture_of_the_folder_follows_the_port(
    start_server: Callable[..., EmbeddedServer], synced: EmbeddedServer, folder: Path
) -> None:
    server = start_server(images=folder)
    asked = {"q": "id:a.png", "fl": "*,import"}
    (archived,) = requests.get(f"{synced.url}/select", asked, timeout=SECONDS).json()["response"]["docs"]
    again = {**archived, "_version_": -1}
    solr = server.collection_url("my-collection", "/solr/")
    requests.post(f"{solr}/update?commit=true", json=[again], timeout=SECONDS).raise_for_status()
    (found,) = requests.get(f"{solr}/select", asked, timeout=SECONDS).json()["response"]["docs"]
    assert archived["image"] == f"{synced.base}/images/a.png"
    assert found["image"] == f"{server.base}/images/a.png"
