"""HTTP connections that end: requests that are not sent in time, or not read, make room for others.

Uvicorn's own limits begin with a whole request head. This is its protocol with a clock for what comes before.
"""

from __future__ import annotations

import json
import resource
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from include.flow_server.errors import (
    BadRequestError,
    BusyError,
    FlowError,
    HeadTooLargeError,
    TooSlowError,
    error_body,
)

if TYPE_CHECKING:
    import asyncio

    from starlette.types import Receive, Scope, Send

    from include.flow_server.settings import Limits

_FILES = 16_384


class TimedProtocol(HttpToolsProtocol):
    """One connection. `limits` says how long it may take for what."""

    def __init__(self, *arguments: Any, limits: Limits, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._limits = limits
        self._receiving = False
        self._in_body = False
        self._since = 0.0
        self._bytes = 0
        self._head_bytes = 0
        self._unsent = 0
        self._unsent_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin()
        if len(self.connections) > self._limits.connections:
            others = (one for one in self.connections if isinstance(one, TimedProtocol) and one is not self)
            waiting = [one for one in others if one.is_waiting()]
            if waiting:
                min(waiting, key=TimedProtocol.waiting_since).end()
            elif len(self.connections) > 2 * self._limits.connections:
                transport.abort()
            else:
                self.app = _refused

    def is_waiting(self) -> bool:
        """Whether no request of this connection is at work."""
        is_idle = self.cycle is None or self.cycle.response_complete or self._in_body
        return is_idle and not self.transport.is_closing()

    def waiting_since(self) -> float:
        """When it began to wait, on the loop's clock."""
        return self._since

    def data_received(self, data: bytes) -> None:
        if not self._receiving:
            self._begin()
        self._bytes += len(data)
        super().data_received(data)
        if self._receiving and not self._in_body and self._bytes > self._limits.head_bytes:
            self._refuse(self._too_large())

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if not self._receiving:
            self._begin()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._weigh(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._weigh(len(name) + len(value))

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_body = True
        self._since, self._bytes = self.loop.time(), 0

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._receiving = self._in_body = False
        self._since, self._bytes = self.loop.time(), 0

    def send_400_response(self, msg: str) -> None:
        is_too_large = self._head_bytes > self._limits.head_bytes
        self._refuse(self._too_large() if is_too_large else BadRequestError(msg))

    def check(self, now: float) -> None:
        """Ends the connection where its client is too late with a request, or with taking an answer."""
        if self._is_unread(now):
            self.transport.abort()
        elif self.flow.read_paused:
            self._since = now  # it is we who do not read
        elif self._receiving and now > self._since + self._seconds():
            self.end()

    def end(self) -> None:
        """Closes a connection that is waiting; one with a request half sent is told why."""
        if (self._bytes or self._in_body) and (self.cycle is None or not self.cycle.response_started):
            told = "its body" if self._in_body else "its head"
            self._refuse(TooSlowError(f"the request was not sent in time: {told} is not complete"))
        self.transport.close()

    def _begin(self) -> None:
        self._receiving, self._in_body = True, False
        self._since, self._bytes, self._head_bytes = self.loop.time(), 0, 0

    def _weigh(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > self._limits.head_bytes:
            raise ValueError("the head is too large")  # which the parser takes for a wrong request

    def _seconds(self) -> float:
        if not self._in_body:
            return self._limits.head_seconds
        return self._limits.body_seconds + self._bytes / self._limits.bytes_per_second

    def _is_unread(self, now: float) -> bool:
        unsent = self.transport.get_write_buffer_size()
        least = self._limits.bytes_per_second * self._limits.unread_seconds
        if not unsent or unsent > self._unsent or self._unsent - unsent >= least:
            self._unsent, self._unsent_since = unsent, now
        return now > self._unsent_since + self._limits.unread_seconds and unsent > 0

    def _too_large(self) -> FlowError:
        return HeadTooLargeError(
            f"address and headers have more than {self._limits.head_bytes} bytes: send parameters as a form"
        )

    def _refuse(self, error: FlowError) -> None:
        """Answers outside of any application, and closes."""
        if not self.transport.is_closing():
            body = json.dumps(error_body(error, 0)).encode()
            head = f"content-type: application/json; charset=utf-8\r\ncontent-length: {len(body)}\r\n"
            self.transport.write(
                STATUS_LINE[error.status] + head.encode() + b"connection: close\r\n\r\n" + body
            )
            self.transport.close()


class TimedServer(uvicorn.Server):
    """Looks at the clock of each connection once a second."""

    async def on_tick(self, counter: int) -> bool:
        if counter % 10 == 0:
            for connection in list(self.server_state.connections):
                if isinstance(connection, TimedProtocol):
                    connection.check(connection.loop.time())
        return await super().on_tick(counter)


async def _refused(scope: Scope, receive: Receive, send: Send) -> None:
    """The application of a connection for which there is no room."""
    error = BusyError("as many connections are at work as the server takes: ask again")
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"retry-after", str(error.retry_after).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(error_body(error, 0)).encode()})


def room_for_connections(wanted: int) -> int:
    """How many of `wanted` connections leave enough files for others; opens more files where that may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    return wanted if soft == resource.RLIM_INFINITY else min(wanted, soft // 4)
