"""Bounded downloads from a real server on this machine that misbehaves in several ways."""

from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from include.safe_fetch import AddressRefusedError, FetchError, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCAL = ("127.0.0.1",)


class Misbehaving(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        kind = self.path.strip("/").partition("?")[0]
        if kind.startswith("redirect"):
            target = self.path.partition("?to=")[2] or f"/{kind}"
            self.send_response(302)
            self.send_header("Location", target)
            self.end_headers()
            return
        if kind == "drip-header":
            self._drip(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 1000)
            return
        if kind == "missing":
            self.send_error(404)
            return
        if kind.isdigit():
            self.send_error(int(kind))
            return
        self.send_response(200)
        if kind == "declared":
            self.send_header("Content-Length", str(10**9))
        elif kind == "cut":
            self.send_header("Content-Length", "100")
        self.end_headers()
        if kind == "endless":
            while True:
                self.wfile.write(b"x" * 65536)
        if kind == "drip":
            self._drip(b"x" * 1000)
        self.wfile.write(b"picture")

    def _drip(self, data: bytes) -> None:
        for byte in data:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.05)

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Misbehaving)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def get(url: str, max_bytes: int = 1000, seconds: float = 5.0) -> bytes:
    return fetch(url, max_bytes=max_bytes, seconds=seconds, allow_hosts=LOCAL)


def test_a_body_within_the_limits_comes_whole(site: str) -> None:
    assert get(f"{site}/fine", max_bytes=7) == b"picture"


def test_a_redirect_is_followed(site: str) -> None:
    assert get(f"{site}/redirect?to=/fine") == b"picture"


@pytest.mark.parametrize("path", ["declared", "endless"])
def test_a_body_over_the_limit_is_an_error(site: str, path: str) -> None:
    with pytest.raises(FetchError, match="bytes"):
        get(f"{site}/{path}")


@pytest.mark.parametrize(
    ("path", "passes"),
    [("404", False), ("403", False), ("429", True), ("503", True), ("cut", True), ("drip", True)],
)
def test_it_is_told_whether_the_cause_may_pass(site: str, path: str, passes: bool) -> None:
    with pytest.raises(FetchError) as caught:
        get(f"{site}/{path}", seconds=0.5)
    assert caught.value.retryable is passes


def test_a_port_that_nobody_listens_at_may_be_listened_at_soon() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(FetchError) as caught:
            get(f"http://127.0.0.1:{held.getsockname()[1]}/")
    assert caught.value.retryable


def test_a_body_that_ends_early_is_an_error(site: str) -> None:
    with pytest.raises(FetchError, match=r"cut off|could not be read"):
        get(f"{site}/cut")


@pytest.mark.parametrize("path", ["drip", "drip-header"])
def test_the_time_limit_holds_for_slow_answers(site: str, path: str) -> None:
    began = time.monotonic()
    with pytest.raises(FetchError):
        get(f"{site}/{path}", seconds=0.5)
    assert time.monotonic() - began < 2


def test_endless_redirects_are_an_error(site: str) -> None:
    with pytest.raises(FetchError, match="redirects more than"):
        get(f"{site}/redirect")


def test_other_statuses_are_errors(site: str) -> None:
    with pytest.raises(FetchError, match="404"):
        get(f"{site}/missing")


def test_a_redirect_to_a_private_address_is_refused(site: str) -> None:
    port = site.rpartition(":")[2]
    with pytest.raises(AddressRefusedError):
        fetch(f"{site}/redirect?to=http://127.0.0.2:{port}/fine", max_bytes=9, seconds=5, allow_hosts=LOCAL)


def test_a_private_address_is_refused(site: str) -> None:
    with pytest.raises(AddressRefusedError):
        fetch(f"{site}/fine", max_bytes=9, seconds=5)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.org/a",
        "//example.org/a",
        "a.png",
        "http://",
        "http://[x/",
        "http://h:99999/",
        "http://h/a b",
    ],
)
def test_what_is_no_http_address_is_an_error(url: str) -> None:
    with pytest.raises(FetchError, match="address"):
        get(url)


def test_a_closed_port_is_an_error() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(FetchError, match="could not be read"):
        get(f"http://127.0.0.1:{port}/a")
