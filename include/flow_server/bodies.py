"""All request bodies that are being read or worked on, bounded together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from include.flow_server.errors import BusyError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BoundedBodies:
    """Middleware: refuses a body that does not fit beside the others, until some are answered."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        mine = 0

        async def weighing() -> Message:
            nonlocal mine
            message = await receive()
            size = len(message.get("body", b""))
            if self._bytes + size > self._most_bytes:
                raise BusyError(
                    f"the requests at work have more than {self._most_bytes} bytes together: ask again"
                )
            mine += size
            self._bytes += size
            return message

        try:
            await self._app(scope, weighing, send)
        finally:
            self._bytes -= mine
