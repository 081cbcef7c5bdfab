"""The JSON shapes of answers, and how a handler's exceptions become errors."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from include.flow_server.errors import FlowError, error_body
from include.safe_text import shown

if TYPE_CHECKING:
    from starlette.requests import Request

    from include.detector.imaging import Descriptor

_LOG = logging.getLogger("flow_server")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A picture that a request has to wait for; `then` computes the answer from its descriptor.

    `host` is whom it waits for, blank where it does not come from elsewhere.
    """

    host: str
    read: Callable[[], Descriptor]
    then: Callable[[Descriptor], dict[str, Any]]


def json_answer(body: dict[str, Any], status: int = 200) -> Response:
    """Compact UTF-8 JSON, with Solr's content type."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(text.encode("utf-8", "replace"), status, media_type="application/json; charset=utf-8")


def header(started: float) -> dict[str, Any]:
    """`responseHeader` of a success; `started` is time.monotonic() at the beginning of the request."""
    return {"status": 0, "QTime": milliseconds(started)}


def milliseconds(started: float) -> int:
    return int((time.monotonic() - started) * 1000)


def documents_member(
    found: int, start: int, documents: list[dict[str, Any]], best: float | None
) -> dict[str, Any]:
    """The `response` member; `best` is maxScore where scores were asked for."""
    scored = {} if best is None else {"maxScore": best}
    return {"numFound": found, "start": start, **scored, "numFoundExact": True, "docs": documents}


async def error_answer(request: Request, error: Exception) -> Response:
    """Turns an exception into Solr's error JSON; one of our own faults is logged and told as a 500."""
    started = getattr(request.state, "started", time.monotonic())
    known = error if isinstance(error, FlowError) else FlowError(f"{type(error).__name__}: {error}")
    if known.status == FlowError.status:
        _LOG.error("%s %s failed", request.method, shown(request.scope["path"]), exc_info=error)
    answer = json_answer(error_body(known, milliseconds(started)), known.status)
    if known.retry_after is not None:
        answer.headers["Retry-After"] = str(known.retry_after)
    return answer


def base_address(request: Request) -> str:
    """How the client called this server: scheme and Host header."""
    host, port = request.scope["server"]
    return f"{request.scope['scheme']}://{request.headers.get('host') or f'{host}:{port}'}"
