"""Connections that send nothing, or not enough, or take no answer, are ended; others are served meanwhile."""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.embedded_server import EmbeddedServer

SECONDS = 60  # generous: the machine may be busy
HALF_OPEN = int(os.environ.get("HALF_OPEN", "1100"))
HEAD = b"POST /solr/my-collection/select HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
FORM = HEAD + b"Content-Type: application/x-www-form-urlencoded\r\n\r\nq="
Start = "Callable[..., EmbeddedServer]"


@pytest.fixture
def start(
    start_server: Callable[..., EmbeddedServer], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., EmbeddedServer]:
    def started(**limits: float) -> EmbeddedServer:
        monkeypatch.setenv("LIMITS", json.dumps(limits))
        return start_server()

    return started


def opened(server: EmbeddedServer, sent: bytes = b"") -> socket.socket:
    host, port = server.base.partition("//")[2].split(":")
    connection = socket.create_connection((host, int(port)), timeout=SECONDS)
    connection.sendall(sent)
    return connection


def is_served(server: EmbeddedServer) -> bool:
    return requests.get(f"{server.url}/select", timeout=SECONDS).status_code == 200


def told(connection: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    pieces = []
    try:
        while piece := connection.recv(65_536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"\r\n\r\n", b"408"),
        (b"GET /solr/my-collection/select HTTP/1.1\r\nHost:", b"408"),
        (HEAD, b"408"),
        (FORM + b"*:*", b"408"),
    ],
    ids=["nothing", "blank lines", "half a line", "half a head", "half a body"],
)
def test_what_is_not_sent_in_time_is_ended_and_told(
    start: Callable[..., EmbeddedServer], sent: bytes, answer: bytes
) -> None:
    server = start(head_seconds=0.5, body_seconds=0.5)
    with opened(server, sent) as connection:
        assert is_served(server)
        received = told(connection)
    assert received[9:12] == answer
    if answer:
        assert json.loads(received.partition(b"\r\n\r\n")[2])["error"]["code"] == int(answer)
    assert is_served(server)


@pytest.mark.parametrize("begun", [b"GET /", FORM], ids=["head", "body"])
def test_one_byte_after_the_other_wins_no_time(start: Callable[..., EmbeddedServer], begun: bytes) -> None:
    server = start(head_seconds=1, body_seconds=1)
    began = time.monotonic()
    with opened(server, begun) as connection:
        connection.settimeout(0.2)
        while time.monotonic() < began + SECONDS:
            try:
                if connection.recv(1):
                    break
            except TimeoutError:
                connection.sendall(b"x")
        else:
            pytest.fail("the connection was not ended")


def test_a_slow_but_steady_upload_is_taken(start: Callable[..., EmbeddedServer]) -> None:
    server = start(body_seconds=2, bytes_per_second=100)
    body = b"q=" + b"*" * 998
    head = FORM.partition(b"Content-Length")[0] + b"Content-Length: 1000\r\n"
    head += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    with opened(server, head) as connection:
        for place in range(0, 1000, 200):
            time.sleep(0.7)
            connection.sendall(body[place : place + 200])
        assert connection.recv(12)[9:] in (b"200", b"400")


def test_an_answer_that_is_not_taken_is_given_up(start: Callable[..., EmbeddedServer]) -> None:
    server = start(unread_seconds=1)
    solr = server.collection_url("my-collection", "/solr/")
    text = "x" * 1_000_000
    documents = [{"id": str(number), "title_s": text} for number in range(20)]
    requests.post(f"{solr}/update?commit=true", json=documents, timeout=SECONDS).raise_for_status()
    with opened(server, b"GET /solr/my-collection/select?rows=20 HTTP/1.1\r\nHost: x\r\n\r\n") as connection:
        time.sleep(5)
        assert is_served(server)
        assert len(told(connection)) < 20 * len(text)


def test_a_thousand_half_open_connections_keep_nobody_out(start: Callable[..., EmbeddedServer]) -> None:
    server = start(connections=200)
    starts = [b"", b"GET /solr", HEAD, FORM]
    with ExitStack() as stack:
        for number in range(HALF_OPEN):
            stack.enter_context(opened(server, starts[number % len(starts)]))
            if number % 100 == 0:
                assert is_served(server)
        assert is_served(server)
        files = len(os.listdir(f"/proc/{server.process.pid}/fd"))  # noqa: PTH208
    assert files < 400


def test_a_head_over_its_limit_is_a_431_that_names_it(start: Callable[..., EmbeddedServer]) -> None:
    server = start()
    for sent in (
        b"GET /solr/my-collection/select?q=" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /solr/my-collection/select HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 20_000,
    ):
        with opened(server, sent) as connection:
            received = told(connection)
        assert received[9:12] == b"431"
        assert "65536 bytes" in json.loads(received.partition(b"\r\n\r\n")[2])["error"]["msg"]
    assert is_served(server)


def test_what_is_no_http_is_a_400_in_the_shape_of_all_errors(start: Callable[..., EmbeddedServer]) -> None:
    server = start()
    for sent in (
        b"\x16\x03\x01\x02\x00\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"a b c d e\r\n\r\n",
    ):
        with opened(server, sent) as connection:
            received = told(connection)
        assert received[9:12] == b"400"
        assert json.loads(received.partition(b"\r\n\r\n")[2])["error"]["code"] == 400


def test_bodies_that_do_not_fit_together_are_refused_until_there_is_room(
    start: Callable[..., EmbeddedServer],
) -> None:
    server = start(bodies_bytes=300_000)
    body = {"q": "*:*", "x": "y" * 250_000}
    with opened(server, FORM + b"y" * 90_000):
        deadline = time.monotonic() + SECONDS
        while (answer := requests.post(f"{server.url}/select", body, timeout=SECONDS)).status_code == 200:
            assert time.monotonic() < deadline
        assert answer.status_code == 503
        assert answer.headers["Retry-After"]
        assert is_served(server)
    deadline = time.monotonic() + SECONDS
    while requests.post(f"{server.url}/select", body, timeout=SECONDS).status_code != 200:
        assert time.monotonic() < deadline
