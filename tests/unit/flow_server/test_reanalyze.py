"""A collection that another version analysed: never a wrong answer, and `reanalyze` brings it up to date."""

from __future__ import annotations

import base64
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import requests

from include.detector.imaging import DESCRIPTOR_VERSION
from tests.support.embedded_server import REPOSITORY, EmbeddedServer, run_sync
from tests.support.outdated import OTHER_VERSION, make_outdated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECONDS = 60
COPIES = ["a-copy.jpg", "a.png", "sub/a-copy.jpg"]


def command(data: Path, *arguments: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "include.flow_server",
        "reanalyze",
        "--data",
        str(data),
        "--workers",
        "1",
        *arguments,
    ]


def reanalyze(data: Path, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command(data, *arguments), cwd=REPOSITORY, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == expect, done.stdout + done.stderr
    return done


def ask(server: EmbeddedServer, handler: str, **parameters: Any) -> requests.Response:
    named = {name.replace("__", "."): value for name, value in parameters.items()}
    return requests.post(f"{server.url}/{handler}", named, timeout=SECONDS)


def outdated(server: EmbeddedServer) -> int:
    return requests.get(server.url, timeout=SECONDS).json()["status"]["my-collection"]["index"]["outdated"]


def hits(server: EmbeddedServer, **parameters: Any) -> list[tuple[str, float]]:
    answer = ask(server, "duplicate", fl="id,score", **parameters)
    assert answer.status_code == 200, answer.text
    return [(one["id"], one["score"]) for one in answer.json()["response"]["docs"]]


@pytest.fixture
def data(folder: Path, tmp_path: Path) -> Path:
    run_sync(folder, tmp_path / "data")
    return tmp_path / "data"


def test_searches_by_picture_are_refused_and_all_else_is_served(
    start_server: Callable[..., EmbeddedServer], folder: Path, data: Path
) -> None:
    make_outdated(data)
    server = start_server(data, images=folder)
    assert ask(server, "select", q="filename_s:a*").json()["response"]["numFound"] == 3
    assert outdated(server) == 8
    picture = base64.b64encode((folder / "a.png").read_bytes()).decode()
    refused = [
        ask(server, "duplicate", rank__by__id="a.png"),
        ask(server, "duplicate", rank__by__data=picture),
        ask(server, "image", rank__by__data=picture),
        ask(server, "select", rank__by__data=picture),
        ask(server, "duplicates"),
        ask(server, "select", fl="id,import"),
    ]
    for answer in refused:
        assert answer.status_code == 503
        assert "reanalyze --data … --collection my-collection" in answer.json()["error"]["msg"]
    assert (
        'flow_outdated_pictures{collection="my-collection"} 8.0'
        in requests.get(f"{server.base}/metrics", timeout=SECONDS).text
    )


def test_a_search_that_needs_no_outdated_picture_is_answered(
    start_server: Callable[..., EmbeddedServer], folder: Path, data: Path
) -> None:
    make_outdated(data, "id = 'sub/a-copy.jpg'")
    server = start_server(data, images=folder)
    assert ask(server, "duplicate", rank__by__id="a.png").status_code == 503
    inside = "-folder_s:sub"
    assert sorted(name for name, _ in hits(server, rank__by__id="a.png", fq=inside)) == COPIES[:2]
    assert ask(server, "duplicates", fq=inside).status_code == 503
    page = requests.get(f"{server.url}/duplicates", {"fq": inside, "search.fq": inside}, timeout=SECONDS)
    assert [one["hits"] for one in page.json()["response"]["docs"] if one["hits"]] != []
    solr = server.collection_url("my-collection", "/solr/")
    requests.post(f"{solr}/update?commit=true", json={"delete": "sub/a-copy.jpg"}, timeout=SECONDS)
    assert sorted(name for name, _ in hits(server, rank__by__id="a.png")) == COPIES[:2]


def test_a_running_server_takes_in_what_was_analysed_anew(
    start_server: Callable[..., EmbeddedServer], synced: EmbeddedServer, folder: Path, data: Path
) -> None:
    make_outdated(data)
    server = start_server(data, images=folder)
    before = ask(server, "select", rows=100, fl="*").json()["response"]
    done = reanalyze(data, "--images", str(folder))
    assert "8 analysed anew, 0 unreadable" in done.stdout
    assert hits(server, rank__by__id="a.png") == hits(synced, rank__by__id="a.png")
    assert outdated(server) == 0
    assert ask(server, "select", rows=100, fl="*").json()["response"] == before
    assert "0 analysed anew, 0 unreadable" in reanalyze(data).stdout


def test_addresses_data_and_own_addresses_are_read_again(
    start_server: Callable[..., EmbeddedServer], elsewhere: str, folder: Path, tmp_path: Path
) -> None:
    server = start_server(tmp_path / "data", images=folder, arguments=["--allow-host", elsewhere])
    data = "data:image/png;base64," + base64.b64encode((folder / "a.png").read_bytes()).decode()
    images = {"url": f"http://{elsewhere}/a.png", "data": data, "own": f"{server.base}/images/a.png"}
    documents = [{"id": name, "image": image} for name, image in images.items()]
    solr = server.collection_url("my-collection", "/solr/")
    requests.post(f"{solr}/update?commit=true", json=documents, timeout=SECONDS).raise_for_status()
    server.stop()
    make_outdated(tmp_path / "data")
    given = ("--images", str(folder))
    refused = reanalyze(tmp_path / "data", *given, expect=3)
    assert "unreadable: url: the picture cannot be downloaded" in refused.stderr
    reanalyze(tmp_path / "data", *given, "--allow-host", elsewhere)
    again = start_server(tmp_path / "data", images=folder)
    assert dict(hits(again, rank__by__id="url")) == dict.fromkeys(images, 1.0)


def test_a_picture_that_is_gone_is_told_and_keeps_what_it_had(
    start_server: Callable[..., EmbeddedServer], data: Path, folder: Path
) -> None:
    server = start_server(data, images=folder)
    make_outdated(data)
    server.stop()
    with closing(sqlite3.connect(data / "my-collection" / "documents.sqlite")) as connection, connection:
        moved = "json_set(fields, '$.image', 'gone.png')"
        connection.execute(f"UPDATE documents SET fields = {moved} WHERE id = 'a-copy.jpg'")  # noqa: S608
        bare = "json_remove(fields, '$.image')"
        connection.execute(f"UPDATE documents SET fields = {bare} WHERE id = 'b.png'")  # noqa: S608
    done = reanalyze(data, "--images", str(folder), expect=3)
    assert "6 analysed anew, 2 unreadable and with their old descriptor" in done.stdout
    assert "unreadable: a-copy.jpg: no picture 'gone.png' in the served folder" in done.stderr
    assert "unreadable: b.png: the document has no image to read" in done.stderr
    again = start_server(data, images=folder)
    assert ask(again, "duplicate", rank__by__id="a.png").status_code == 503
    done = reanalyze(data, "--images", str(folder), "--drop-unreadable")
    assert "0 analysed anew, 2 unreadable and left without a picture" in done.stdout
    assert sorted(name for name, _ in hits(again, rank__by__id="a.png")) == COPIES[1:]
    page = ask(again, "duplicates", fq="id:(a-copy.jpg b.png)").json()["response"]["docs"]
    assert [one["picture"] for one in page] == [False, False]


def test_killed_at_any_moment_it_goes_on(
    start_server: Callable[..., EmbeddedServer], folder: Path, tmp_path: Path
) -> None:
    server = start_server(tmp_path / "data", images=folder)
    picture = base64.b64encode((folder / "a.png").read_bytes()).decode()
    outputs = requests.post(f"{server.url}/analyze", {"input.data": picture}, timeout=SECONDS).json()[
        "outputs"
    ]
    many = [{"id": str(number), "image": "a.png", "import": outputs} for number in range(900)]
    solr = server.collection_url("my-collection", "/solr/")
    requests.post(f"{solr}/update?commit=true", json=many, timeout=SECONDS).raise_for_status()
    server.stop()
    make_outdated(tmp_path / "data")
    server = start_server(tmp_path / "data", images=folder)
    for left in (800, 500):
        killed = subprocess.Popen(
            command(tmp_path / "data", "--images", str(folder)), cwd=REPOSITORY, start_new_session=True
        )
        while outdated(server) > left:
            assert killed.poll() is None
            time.sleep(0.02)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()
        assert 0 < outdated(server) <= left
    remaining = outdated(server)
    assert (
        f"{remaining} analysed anew, 0 unreadable"
        in reanalyze(tmp_path / "data", "--images", str(folder)).stdout
    )
    assert outdated(server) == 0
    assert len(hits(server, rank__by__id="0", rows=1000)) == 900


def test_a_damaged_descriptor_is_as_an_outdated_one(
    start_server: Callable[..., EmbeddedServer], folder: Path, data: Path
) -> None:
    with closing(sqlite3.connect(data / "my-collection" / "documents.sqlite")) as connection, connection:
        connection.execute("UPDATE descriptors SET descriptor = x'0102'")
    server = start_server(data, images=folder)
    assert ask(server, "duplicate", rank__by__id="a.png").status_code == 503
    reanalyze(data, "--images", str(folder))
    assert sorted(name for name, _ in hits(server, rank__by__id="a.png")) == COPIES


def test_an_unknown_collection_is_told(tmp_path: Path) -> None:
    done = reanalyze(tmp_path, "--collection", "other", expect=2)
    assert "there is no collection 'other' in" in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_analysis_of_another_version_is_refused_with_both_versions(synced: EmbeddedServer) -> None:
    (document,) = ask(synced, "select", q="id:a.png", fl="import").json()["response"]["docs"]
    outputs = {**document["import"], "version": OTHER_VERSION}
    solr = synced.collection_url("my-collection", "/solr/")
    refused = [
        ask(synced, "duplicate", rank__by__preprocessed=json.dumps(outputs)),
        requests.post(f"{solr}/update", json=[{"id": "new", "import": outputs}], timeout=SECONDS),
    ]
    for answer in refused:
        assert answer.status_code == 400
        assert OTHER_VERSION in answer.json()["error"]["msg"]
        assert DESCRIPTOR_VERSION in answer.json()["error"]["msg"]
