"""An S3 store in memory whose answers take a while, as those of a real one do.

    python -m include.tools.slow_store PORT MILLISECONDS

``GET /requests`` tells how many requests came since it was asked last.
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, run_simple

Answering = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class SlowStore:
    """A WSGI application that waits before it lets another one answer, and keeps count."""

    def __init__(self, store: Answering, seconds: float) -> None:
        self._store, self._seconds = store, seconds
        self._asked = 0
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        is_counting = environ["PATH_INFO"] == "/requests"
        with self._lock:
            asked, self._asked = self._asked, 0 if is_counting else self._asked + 1
        if is_counting:
            start_response("200 OK", [("Content-Type", "text/plain")])
            return [str(asked).encode()]
        time.sleep(self._seconds)
        return self._store(environ, start_response)


class _Quiet(WSGIRequestHandler):  # type: ignore[misc]
    protocol_version = "HTTP/1.1"  # connections are kept, as a real store does

    def log_request(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("milliseconds", type=int)
    given = parser.parse_args()
    store = SlowStore(DomainDispatcherApplication(create_backend_app), given.milliseconds / 1000)
    run_simple("127.0.0.1", given.port, store, threaded=True, request_handler=_Quiet)


if __name__ == "__main__":
    main()
