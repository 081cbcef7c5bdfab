"""An S3 server over HTTP that a test can make slow, failing, forgetful and late."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.request import Request, urlopen

import pytest

CONNECTION, BUCKET, KEY = "dedupe_store", "runs", "AKIATESTS"
VARIABLE = f"AIRFLOW_CONN_{CONNECTION.upper()}"
_LISTED = re.compile(rb"<Contents>.*?<Key>(?P<key>[^<]*)</Key>.*?</Contents>", re.DOTALL)


class ObjectStore:
    """A WSGI application around moto's; its switches count from the moment that they are set."""

    def __init__(self, store: Callable[..., Any]) -> None:
        self._store = store
        self._lock = threading.Lock()
        self.base = ""
        self.reset()

    def reset(self) -> None:
        self.slow_s = 0.0
        self.fails_each = 0
        """Each n-th request is answered with 503."""
        self.lost_answers = 0
        """So many writes are done and answered with 500."""
        self.is_late = False
        """What is written from now on is not listed."""
        self.is_forgetful = False
        """If-None-Match is not heard of."""
        self.key = KEY
        self.requests: list[str] = []
        self._unlisted: set[bytes] = set()

    @property
    def address(self) -> str:
        return f"s3://{CONNECTION}@{BUCKET}"

    def connection(self, key: str = KEY) -> str:
        """Return the connection as JSON, for the environment."""
        extra = {"endpoint_url": self.base, "region_name": "us-east-1"}
        return json.dumps({"conn_type": "aws", "login": key, "password": "s3cr3t/+", "extra": extra})

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        with self._lock:
            self.requests.append(f"{method} {path}")
            fails = self.fails_each and len(self.requests) % self.fails_each == 0
            is_lost = method == "PUT" and path.count("/") > 1 and self.lost_answers > 0
            self.lost_answers -= is_lost
        time.sleep(self.slow_s)
        if f"Credential={self.key}/" not in environ.get("HTTP_AUTHORIZATION", ""):
            return _error(start_response, "403 Forbidden", "InvalidAccessKeyId")
        if fails:
            return _error(start_response, "503 Slow Down", "SlowDown")
        if self.is_forgetful:
            environ.pop("HTTP_IF_NONE_MATCH", None)
        if self.is_late and method == "PUT":
            self._unlisted.add(path.removeprefix(f"/{BUCKET}/").encode())
        if method == "GET" and "list-type" in environ.get("QUERY_STRING", ""):
            return self._listing(environ, start_response)
        if is_lost:
            list(self._store(environ, lambda *_: None))
            return _error(start_response, "500 Internal Server Error", "InternalError")
        found: Iterable[bytes] = self._store(environ, start_response)
        return found

    def _listing(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        told: list[Any] = []
        body = b"".join(self._store(environ, lambda *answer: told.extend(answer)))
        kept = _LISTED.sub(lambda one: b"" if one["key"] in self._unlisted else one.group(), body)
        start_response(told[0], [(name, text) for name, text in told[1] if name.lower() != "content-length"])
        return [kept]


def _error(start_response: Callable[..., Any], status: str, code: str) -> list[bytes]:
    start_response(status, [("Content-Type", "application/xml")])
    return [f"<Error><Code>{code}</Code><Message>as the test wants it</Message></Error>".encode()]


def _serve() -> Iterator[ObjectStore]:
    server = pytest.importorskip(
        "moto.server", reason="moto and s3fs are not installed: tests/requirements.txt"
    )
    pytest.importorskip("s3fs")
    serving = pytest.importorskip("werkzeug.serving")

    class Quiet(serving.WSGIRequestHandler):  # type: ignore[name-defined, misc]
        protocol_version = "HTTP/1.1"

        def log_request(self, *_: object) -> None:
            """Say nothing."""

    store = ObjectStore(server.DomainDispatcherApplication(server.create_backend_app))
    listener = serving.make_server("127.0.0.1", 0, store, threaded=True, request_handler=Quiet)
    store.base = f"http://127.0.0.1:{listener.port}"
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield store
    listener.shutdown()
    thread.join()
    listener.server_close()


served = pytest.fixture(scope="session")(_serve)


@pytest.fixture
def object_store(served: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """The server with an empty bucket and a connection that leads to it, in the environment."""
    served.reset()
    login = f"AWS4-HMAC-SHA256 Credential={KEY}/20260101/us-east-1/s3/aws4_request"
    for method, path in (("POST", "moto-api/reset"), ("PUT", BUCKET)):
        urlopen(Request(f"{served.base}/{path}", b"", {"Authorization": login}, method=method)).close()  # noqa: S310
    monkeypatch.setenv(VARIABLE, served.connection())
    yield served
    served.reset()
