"""Faults that a test switches on in a running server, and counts of what it was asked.

An ASGI middleware around the real application. It is controlled over HTTP:
  POST /__faults    one fault, as `Fault` below; faults add up, the first that applies to a request is taken
  DELETE /__faults  none any more
  GET /__counts     {"select": 3, "update": 0, …} requests per handler since the start or the last DELETE
  GET /__began      [["select", 12.5], …] handler and second of each request since then, in order
  DELETE /__counts
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HANDLERS = (
    "select",
    "duplicate",
    "duplicates",
    "analyze",
    "update",
    "image",
    "get",
    "ping",
    "metrics",
    "images",
    "schema",
)
KINDS = (
    "unavailable",
    "slow",
    "cut",
    "malformed",
    "truncated",
    "partial",
    "unauthorized",
    "missing",
    "unstored",
    "unranked",
    "shifted",
    "blind",
)


@dataclass
class Fault:
    """One fault.

    `kind`: unavailable = 503 with Retry-After and a page of HTML; slow = `seconds` before the answer; cut =
    the connection ends in the middle of the body; malformed = 200 with what is not JSON; truncated =
    JSON that ends early, with a matching Content-Length; partial = half of the documents and
    responseHeader.partialResults; unauthorized = 401 unless the Authorization header is `token`;
    missing = 404 with an error as Flow's; unstored = the schema says that `field` is searched but not stored;
    unranked = a search by a picture, or its analysis, is one for all documents, as of a server that does not
    know the parameter `field`, or none of them; shifted = all scores of a search are lower by `shift`;
    blind = a search by a picture whose file is of one of `formats` finds nothing.
    `handler`: only requests of that handler; None is all. `skip`: so many pass before the fault begins.
    `times`: how many requests it hits; None is all. `retry_after`: seconds told with a 503.
    """

    kind: str
    handler: str | None = None
    skip: int = 0
    times: int | None = None
    seconds: float = 1.0
    retry_after: float = 0
    token: str = ""
    field: str = ""
    shift: float = 0.0
    formats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault {self.kind}: one of {', '.join(KINDS)}")

    def hits(self, handler: str) -> bool:
        """Whether this request is hit; counts it."""
        if self.handler not in (None, handler) or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


def handler_of(path: str) -> str:
    """The handler a path belongs to; a collection itself is `core`."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["images"]:
        return "images"
    return next((part for part in reversed(parts) if part in HANDLERS), "core")


class FaultyApp:
    """The application with faults before it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._faults: list[Fault] = []
        self._counts: Counter[str] = Counter()
        self._began: list[tuple[str, float]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == "/__faults":
            await self._control_faults(scope, receive, send)
        elif scope["path"] == "/__counts":
            await self._control_counts(scope, send)
        elif scope["path"] == "/__began":
            await _answer(send, 200, json.dumps(self._began).encode())
        else:
            handler = handler_of(scope["path"])
            self._counts[handler] += 1
            self._began.append((handler, time.monotonic()))
            fault = next((fault for fault in self._faults if fault.hits(handler)), None)
            await (self._faulty(fault, scope, receive, send) if fault else self._app(scope, receive, send))

    async def _control_faults(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            self._faults.append(Fault(**json.loads(await _body(receive))))
        else:
            self._faults.clear()
        await _answer(send, 200, b"{}")

    async def _control_counts(self, scope: Scope, send: Send) -> None:
        if scope["method"] == "DELETE":
            self._counts.clear()
            self._began.clear()
        counts = dict.fromkeys(HANDLERS, 0) | dict(self._counts)
        await _answer(send, 200, json.dumps(counts).encode())

    async def _faulty(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "unavailable":
            retry = [(b"retry-after", f"{fault.retry_after:g}".encode())]
            await _answer(send, 503, b"<html><body>Service Unavailable</body></html>", b"text/html", retry)
        elif fault.kind == "missing":
            await _answer(send, 404, b'{"error": {"code": 404, "msg": "no such document"}}')
        elif fault.kind == "unranked":
            await self._unranked(fault, scope, await _body(receive), send)
        elif fault.kind == "blind":
            await self._blind(fault, scope, await _body(receive), send)
        elif fault.kind == "malformed":
            await _answer(send, 200, b"<html><body>It works!</body></html>")
        elif (
            fault.kind == "unauthorized"
            and dict(scope["headers"]).get(b"authorization") != fault.token.encode()
        ):
            await _answer(send, 401, b"<html><body>Unauthorized</body></html>", b"text/html")
        else:
            if fault.kind == "slow":
                await asyncio.sleep(fault.seconds)
            await self._altered(fault, scope, receive, send)

    async def _unranked(self, fault: Fault, scope: Scope, body: bytes, send: Send) -> None:
        pairs = parse_qsl(scope["query_string"].decode()) + parse_qsl(body.decode())
        unknown = [fault.field] if fault.field else ["rank.by.preprocessed", "rank.by.data"]
        if any(name in unknown for name, _ in pairs):
            left = [(name, value) for name, value in pairs if not name.startswith("rank.")]
            path = scope["path"].replace("/duplicate", "/select")
            query, body = urlencode(left).encode(), b""
            scope = {**scope, "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query}
        await self._app(scope, _receiving(body), send)

    async def _blind(self, fault: Fault, scope: Scope, body: bytes, send: Send) -> None:
        pictures = [value for name, value in parse_qsl(body.decode()) if name == "rank.by.data"]
        data = base64.b64decode(pictures[0].rpartition(",")[2]) if pictures else b""
        if data and Image.open(io.BytesIO(data)).format in fault.formats:
            answer = {"responseHeader": {"status": 0}, "response": {"numFound": 0, "start": 0, "docs": []}}
            await _answer(send, 200, json.dumps(answer).encode())
        else:
            await self._app(scope, _receiving(body), send)

    async def _altered(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind not in ("cut", "truncated", "partial", "unstored", "shifted"):
            await self._app(scope, receive, send)
            return
        start: dict[str, Any] = {}
        pieces: list[bytes] = []

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                pieces.append(message.get("body", b""))

        await self._app(scope, receive, collect)
        body = b"".join(pieces)
        if fault.kind == "cut":
            await send(
                {"type": "http.response.start", "status": start["status"], "headers": start["headers"]}
            )
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            return  # the server closes a connection whose answer is not complete
        await _answer(send, start["status"], _changed(body, fault))


def _changed(body: bytes, fault: Fault) -> bytes:
    if fault.kind == "truncated":
        return body[: len(body) // 2]
    if fault.kind == "shifted":
        return _shifted(body, fault.shift)
    return _partial(body) if fault.kind == "partial" else _unstored(body, fault.field)


def _shifted(body: bytes, shift: float) -> bytes:
    answer = json.loads(body)
    for document in answer.get("response", {}).get("docs", []):
        if "score" in document:
            document["score"] = max(0.0, document["score"] - shift)
    return json.dumps(answer).encode()


def _unstored(body: bytes, field: str) -> bytes:
    answer = json.loads(body)
    for one in (*answer.get("fields", ()), *answer.get("dynamicFields", ())):
        one["stored"] = one["stored"] and one["name"] != field
    return json.dumps(answer).encode()


def _partial(body: bytes) -> bytes:
    answer = json.loads(body)
    answer["responseHeader"]["partialResults"] = True
    documents = answer.get("response", {}).get("docs", [])
    del documents[len(documents) // 2 :]
    return json.dumps(answer).encode()


def _receiving(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    return receive


async def _body(receive: Receive) -> bytes:
    pieces = []
    while True:
        message = await receive()
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


async def _answer(
    send: Send,
    status: int,
    body: bytes,
    kind: bytes = b"application/json",
    more: Sequence[tuple[bytes, bytes]] = (),
) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
