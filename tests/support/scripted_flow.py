"""A small HTTP server that answers what a test told it to, in order, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import pytest
from aiohttp import web

from include.flow_client import FlowAddress, FlowClient, FlowError, RetryPolicy

EMPTY = {"responseHeader": {"status": 0, "QTime": 1}, "response": {"numFound": 0, "start": 0, "docs": []}}


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; `params` are those of the URL and of a form together."""

    method: str
    path: str
    params: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    query_string: str

    def value(self, name: str) -> str | None:
        return dict(self.params).get(name)

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.params if key == name]


@dataclass(frozen=True)
class Answer:
    """What to answer, and the faults: `delay_s` before it, `cut` within it, `hang_up` instead of it."""

    json: Any = None
    body: bytes | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    cut: bool = False
    hang_up: bool = False

    def payload(self) -> bytes:
        return self.body if self.body is not None else json.dumps(self.json).encode()


def found(*docs: dict[str, Any], num_found: int | None = None, start: int = 0, **more: Any) -> Answer:
    """A page of documents."""
    response = {"numFound": len(docs) if num_found is None else num_found, "start": start, "docs": list(docs)}
    return Answer({"responseHeader": {"status": 0, "QTime": 1}, "response": response, **more})


class ScriptedFlow:
    """Answers `script` in order, then its last entry for ever."""

    def __init__(self, *script: Answer) -> None:
        self.script = list(script) or [Answer(EMPTY)]
        self.asked: list[Asked] = []
        self.connections: set[object] = set()
        self.most_in_flight = 0
        self.url = ""
        self._in_flight = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self._in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        try:
            return await self._answer(request)
        finally:
            self._in_flight -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        is_form = request.content_type == "application/x-www-form-urlencoded"
        form = parse_qsl(body.decode(), keep_blank_values=True) if is_form else []
        params = parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True) + form
        self.asked.append(
            Asked(
                request.method,
                request.rel_url.raw_path,
                params,
                dict(request.headers),
                body,
                request.rel_url.raw_query_string,
            )
        )
        self.connections.add(request.transport)
        answer = self.script[min(len(self.asked), len(self.script)) - 1]
        await asyncio.sleep(answer.delay_s)
        assert request.transport is not None
        if answer.hang_up:
            request.transport.close()
            return web.Response()
        payload = answer.payload()
        if answer.cut:
            length = {} if "Transfer-Encoding" in answer.headers else {"Content-Length": str(len(payload))}
            response = web.StreamResponse(status=answer.status, headers=length)
            if not length:
                response.enable_chunked_encoding()
            await response.prepare(request)
            await response.write(payload[: len(payload) // 2])
            request.transport.close()
            return response
        return web.Response(body=payload, status=answer.status, headers=answer.headers)


@asynccontextmanager
async def scripted_flow(*script: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[ScriptedFlow]:
    """A running server on a free port of this machine."""
    flow = ScriptedFlow(*script)
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_route("*", "/{path:.*}", flow.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    flow.url = f"{'https' if tls else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield flow
    finally:
        await runner.cleanup()


QUICK = RetryPolicy(attempts=4, first_wait_s=0.01, longest_wait_s=2.0)

Call = Callable[[FlowClient], Awaitable[Any]]


async def ask(flow: ScriptedFlow, call: Call, **settings: Any) -> Any:
    address = FlowAddress.parse(flow.url, "my-collection")
    async with FlowClient(address, retry=settings.pop("retry", QUICK), **settings) as client:
        return await call(client)


def run(call: Call, *script: Answer, **settings: Any) -> tuple[Any, ScriptedFlow]:
    """One call against a server that answers `script`."""

    async def main() -> tuple[Any, ScriptedFlow]:
        async with scripted_flow(*script) as flow:
            return await ask(flow, call, **settings), flow

    return asyncio.run(main())


def fail(
    kind: type[FlowError], call: Call, *script: Answer, **settings: Any
) -> tuple[FlowError, ScriptedFlow]:
    """One call that must fail with exactly this kind of error."""

    async def main() -> tuple[FlowError, ScriptedFlow]:
        async with scripted_flow(*script) as flow:
            with pytest.raises(kind) as failed:
                await ask(flow, call, **settings)
            assert type(failed.value) is kind
            return failed.value, flow

    return asyncio.run(main())


async def all_pages(pages: Any) -> list[Any]:
    return [page async for page in pages]


def hit(doc_id: str, score: float) -> dict[str, Any]:
    return {"id": doc_id, "score": score}
