"""Basic authentication for the whole server, where one is set."""

from __future__ import annotations

import base64
import hmac
from typing import TYPE_CHECKING

from include.flow_server.endpoints.answers import json_answer
from include.flow_server.errors import UnauthorizedError, error_body

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Authenticated:
    """Middleware: lets a request through only with the right `Authorization: Basic …`."""

    def __init__(self, app: ASGIApp, credentials: str) -> None:
        """`credentials` is `name:password`."""
        self._app = app
        self._expected = b"Basic " + base64.b64encode(credentials.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = (
            dict(scope["headers"]).get(b"authorization", b"") if scope["type"] == "http" else self._expected
        )
        if hmac.compare_digest(given, self._expected):
            await self._app(scope, receive, send)
            return
        error = UnauthorizedError("name and password are needed (HTTP Basic)")
        answer = json_answer(error_body(error, 0), error.status)
        answer.headers["WWW-Authenticate"] = 'Basic realm="flow"'
        await answer(scope, receive, send)
