"""Slow downloads keep only their own host and collection waiting, and a crash only its own picture."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import CancelledError, ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from include.flow_server.analysis import Analyser
from include.flow_server.errors import BadRequestError
from include.flow_server.settings import ServerSettings
from include.flow_server.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.embedded_server import EmbeddedServer

SECONDS = 60


class SlowHost:
    """A web server that answers no request before `release` is set."""

    def __init__(self) -> None:
        self.release = threading.Event()
        self.asked = threading.Semaphore(0)
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.release()
                outer.release.wait(SECONDS)
                self.send_error(404)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.host = f"127.0.0.1:{self.server.server_port}"


@pytest.fixture
def slow() -> Iterator[SlowHost]:
    host = SlowHost()
    yield host
    host.release.set()
    host.server.shutdown()
    host.server.server_close()


def test_one_key_takes_no_more_than_its_share_and_keeps_its_order() -> None:
    turns = Turns(threads=4, each=2)
    blocked, begun = threading.Event(), []
    waiting = [
        turns.submit("slow", lambda number=number: (begun.append(number), blocked.wait(SECONDS)))
        for number in range(6)
    ]
    others = [turns.submit(f"host {number}", lambda number=number: number) for number in range(20)]
    assert [one.result(SECONDS) for one in others] == list(range(20))
    assert begun == [0, 1]
    assert waiting[5].cancel()
    blocked.set()
    for one in waiting[:5]:
        one.result(SECONDS)
    with pytest.raises(CancelledError):
        waiting[5].result()
    turns.close()


def test_what_fails_is_told_to_who_waits_and_frees_its_turn() -> None:
    turns = Turns(threads=1, each=1)
    failed = turns.submit("a", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        failed.result(SECONDS)
    assert turns.submit("a", lambda: 5).result(SECONDS) == 5
    turns.close()


def test_nothing_waits_for_the_slow_pictures_of_others(
    start_server: Callable[..., EmbeddedServer], slow: SlowHost, elsewhere: str
) -> None:
    """The slow host answers only after everything else was answered, so no time is measured."""
    hosts = [part for host in (slow.host, elsewhere) for part in ("--allow-host", host)]
    server = start_server(collections=["one", "two"], arguments=hosts)
    one, two = (server.collection_url(name, "/solr/") for name in ("one", "two"))
    for solr in (one, two):
        requests.post(f"{solr}/update?commit=true", json=[{"id": "old"}], timeout=SECONDS).raise_for_status()
    pictures = [{"id": f"p{number}", "image": f"http://{slow.host}/{number}"} for number in range(16)]
    with ThreadPoolExecutor(80) as threads:
        blocked = [threads.submit(requests.post, f"{one}/update", json=[picture]) for picture in pictures]
        blocked += [
            threads.submit(requests.get, f"{one}/duplicate", {"rank.by.url": f"http://{slow.host}/{number}"})
            for number in range(60)
        ]
        assert slow.asked.acquire(timeout=SECONDS)
        tag = [{"id": "old", "labels": {"add": "seen"}}]
        quick = {"id": "quick", "image": f"http://{elsewhere.replace('127.0.0.1', 'localhost')}/a.png"}
        for solr in (one, two):
            answer = requests.post(f"{solr}/update?commit=true", json=tag, timeout=SECONDS)
            assert answer.status_code == 200, answer.text
            found = requests.get(f"{solr}/select", {"q": "labels:seen"}, timeout=SECONDS).json()["response"]
            assert found["numFound"] == 1
        assert requests.post(f"{two}/update", json=[quick], timeout=SECONDS).status_code in (200, 400)
        assert not any(one.done() for one in blocked)
        slow.release.set()
        assert {future.result(SECONDS).status_code for future in blocked} == {400}


def test_a_document_that_waited_for_its_picture_heeds_the_version_of_then(
    start_server: Callable[..., EmbeddedServer], slow: SlowHost
) -> None:
    server = start_server(arguments=["--allow-host", slow.host])
    solr = server.collection_url("my-collection", "/solr/")
    first = requests.post(
        f"{solr}/update?versions=true&commit=true", json=[{"id": "a"}], timeout=SECONDS
    ).json()
    slow_add = [{"id": "b"}, {"id": "a", "_version_": first["adds"][1], "image": f"http://{slow.host}/x"}]
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(requests.post, f"{solr}/update?commit=true", json=slow_add)
        assert slow.asked.acquire(timeout=SECONDS)
        tag = [{"id": "a", "labels": {"add": "x"}}]
        requests.post(f"{solr}/update?commit=true", json=tag, timeout=SECONDS).raise_for_status()
        slow.release.set()
        assert waiting.result(SECONDS).status_code == 400  # its picture is a 404
    found = requests.get(f"{solr}/get", {"ids": "a,b"}, timeout=SECONDS).json()["response"]["docs"]
    assert [(one["id"], one.get("labels")) for one in found] == [("a", ["x"]), ("b", None)]


def _deadly(data: bytes) -> str:
    """Stands for an analysis: one picture ends the process that looks at it."""
    if data == b"deadly":
        time.sleep(0.3)  # until the others are at work, too
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.5)
    return data.decode()


def test_a_picture_that_kills_processes_takes_no_other_one_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("include.flow_server.analysis.described", _deadly)
    analyser = Analyser(ServerSettings(tmp_path, workers=2))
    pictures = [b"one", b"deadly", b"two", b"three"]
    with ThreadPoolExecutor(len(pictures)) as threads:
        found = [threads.submit(analyser.of_bytes, data, f"<{data.decode()}>") for data in pictures]
    with pytest.raises(BadRequestError, match="<deadly> makes the analysis crash"):
        found[1].result()
    assert [found[place].result() for place in (0, 2, 3)] == ["one", "two", "three"]
    assert analyser.of_bytes(b"later", "later") == "later"
    analyser.close()
