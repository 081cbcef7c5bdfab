"""The server as a process: ready line, answers, faults of the test server, sync beside it, stop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from tests.support.embedded_server import run_sync

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.embedded_server import EmbeddedServer


def test_a_synced_folder_is_served_and_found(
    start_server: Callable[..., EmbeddedServer], folder: Path
) -> None:
    server = start_server(images=folder)
    assert requests.get(f"{server.url}/select", timeout=60).json()["response"]["numFound"] == 0
    server.sync(folder)
    answer = requests.get(
        f"{server.url}/select", {"q": "folder_s:sub", "sort": "id desc", "fq": "filename_s:d*"}, timeout=60
    ).json()
    (document,) = answer["response"]["docs"]
    assert document["id"] == "sub/d e.png"
    assert document["image"] == f"{server.base}/images/sub/d%20e.png"
    picture = requests.get(document["image"], timeout=60)
    assert picture.content == (folder / "sub/d e.png").read_bytes()
    hits = requests.get(f"{server.url}/duplicate", {"rank.by.id": "a.png"}, timeout=60).json()["response"]
    assert (hits["docs"][0]["id"], hits["docs"][0]["score"]) == ("a.png", 1.0)


def test_a_restart_keeps_documents_and_addresses_follow_the_port(
    start_server: Callable[..., EmbeddedServer], folder: Path, tmp_path: Path
) -> None:
    run_sync(folder, tmp_path / "data")
    first = start_server(tmp_path / "data", images=folder)
    assert first.stop() == 0
    second = start_server(tmp_path / "data", images=folder)
    documents = requests.get(f"{second.url}/select", timeout=60).json()["response"]["docs"]
    assert len(documents) == 8
    assert all(document["image"].startswith(second.base) for document in documents)


def test_faults_can_be_switched_and_requests_are_counted(start_server: Callable[..., EmbeddedServer]) -> None:
    server = start_server()
    server.fault("unavailable", handler="select", times=1, retry_after=7)
    refused = requests.get(f"{server.url}/select", timeout=60)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "7")
    server.fault("malformed", times=1)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        requests.get(f"{server.url}/select", timeout=60).json()
    server.fault("truncated", times=1)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        requests.get(f"{server.url}/select", timeout=60).json()
    server.fault("cut", times=1)
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)):
        requests.get(f"{server.url}/select", timeout=60)
    server.fault("partial", times=1)
    partial = requests.get(f"{server.url}/select", timeout=60).json()
    assert partial["responseHeader"]["partialResults"] is True
    server.fault("slow", times=1, seconds=1.0)
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(f"{server.url}/select", timeout=(60, 0.2))
    server.fault("unauthorized", token="Basic new")
    assert requests.get(f"{server.url}/select", timeout=60).status_code == 401
    assert (
        requests.get(f"{server.url}/select", headers={"Authorization": "Basic new"}, timeout=60).status_code
        == 200
    )
    server.clear_faults()
    assert requests.get(f"{server.url}/select", timeout=60).status_code == 200
    assert server.counts()["select"] == 9
    assert server.counts()["update"] == 0


def test_a_killed_server_leaves_no_process_behind(
    start_server: Callable[..., EmbeddedServer], folder: Path
) -> None:
    server = start_server(images=folder)
    solr = server.collection_url("my-collection", "/solr/")
    requests.post(f"{solr}/update", json=[{"id": "a", "image": "a.png"}], timeout=60).raise_for_status()
    server.process.kill()
    server.process.wait()
    deadline = time.monotonic() + 120
    while _group_exists(server.process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_pictures_are_analysed_again_after_a_process_of_the_pool_died(
    start_server: Callable[..., EmbeddedServer], folder: Path
) -> None:
    server = start_server(images=folder)
    solr = server.collection_url("my-collection", "/solr/")
    body = [{"id": "a", "image": "a.png"}]
    requests.post(f"{solr}/update", json=body, timeout=60).raise_for_status()
    workers = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    for worker in workers:
        os.kill(int(worker), signal.SIGKILL)
    requests.post(f"{solr}/update", json=body, timeout=60).raise_for_status()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "{data}", "--port", "{port}"], "port {port} of 127.0.0.1 is in use; give another --port"),
        (["snyc", "{data}"], "there is no command 'snyc', only sync, reanalyze, init-solr"),
    ],
)
def test_a_start_that_cannot_be_is_answered_with_one_sentence(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        known = {"data": str(tmp_path / "data"), "port": str(taken.getsockname()[1])}
        command = [sys.executable, "-m", "include.flow_server", *(part.format(**known) for part in arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert words.format(**known) in done.stderr
    assert "Traceback" not in done.stderr


def _group_exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
