"""What the server counts about itself, in Prometheus' format."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from include.flow_server.collection import Collection

_UNKNOWN = "other"


class Metrics:
    """Counters of one application; each has its own registry."""

    def __init__(self, handlers: Iterable[str]) -> None:
        self._handlers = frozenset(handlers)
        self._registry = CollectorRegistry()
        labels = ["handler", "status"]
        self._requests = Counter("flow_requests", "Requests answered.", labels, registry=self._registry)
        self._seconds = Histogram(
            "flow_request_seconds", "Time to answer.", ["handler"], registry=self._registry
        )
        self._documents = Gauge(
            "flow_documents", "Visible documents.", ["collection"], registry=self._registry
        )
        self._pictures = Gauge(
            "flow_pictures", "Documents findable by picture.", ["collection"], registry=self._registry
        )
        self._outdated = Gauge(
            "flow_outdated_pictures",
            "Documents that wait for reanalyze.",
            ["collection"],
            registry=self._registry,
        )
        self._memory = Gauge(
            "flow_index_bytes", "Memory of the duplicate index.", ["collection"], registry=self._registry
        )
        self._compared = Gauge(
            "flow_compared_total",
            "Candidates compared in full since the start.",
            ["collection"],
            registry=self._registry,
        )

    def count(self, path: str, status: int, seconds: float) -> None:
        """One answered request; paths that are no handler are counted together."""
        last = path.rstrip("/").rpartition("/")[2]
        handler = last if last in self._handlers else _UNKNOWN
        self._requests.labels(handler, str(status)).inc()
        self._seconds.labels(handler).observe(seconds)

    def page(self, collections: Iterable[Collection]) -> bytes:
        """The page that Prometheus reads."""
        for collection in collections:
            self._documents.labels(collection.name).set(collection.store.count())
            self._pictures.labels(collection.name).set(collection.indexed())
            self._outdated.labels(collection.name).set(collection.outdated())
            self._memory.labels(collection.name).set(collection.memory_bytes())
            self._compared.labels(collection.name).set(collection.compared())
        return generate_latest(self._registry)


class Counted:
    """Middleware: counts every request and how long it took."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._metrics.count(scope["path"], status, time.monotonic() - started)
