"""Runs an application under uvicorn and says on one line of output when, and where, it can be reached."""

from __future__ import annotations

import errno
import signal
import socket
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import uvicorn

from include.flow_server.connections import TimedProtocol, TimedServer, room_for_connections

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from include.flow_server.settings import ServerSettings

_SHUTDOWN_SECONDS = 10
_KEEP_ALIVE_SECONDS = 75  # longer than clients keep idle connections, so that none is closed under a request


class ListenError(Exception):
    """The server cannot listen where it is told to; the message says why and what to do."""


class _AnnouncedServer(TimedServer):
    """Prints the address once connections are accepted, flushed, so that a parent process can read it."""

    announcement = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        print(self.announcement, flush=True)


def serve(app: ASGIApp, settings: ServerSettings) -> None:
    """Serves until SIGTERM or SIGINT. Port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
        except OSError as error:
            raise _no_listener(settings, error) from None
        port = listener.getsockname()[1]
        host = f"[{settings.host}]" if family == socket.AF_INET6 else settings.host
        connections = room_for_connections(settings.limits.connections)
        limits = replace(settings.limits, connections=connections)
        config = uvicorn.Config(
            app,
            ws="none",
            http=partial(TimedProtocol, limits=limits),  # type: ignore[arg-type]
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            lifespan="on",
        )
        server = _AnnouncedServer(config)
        server.announcement = (
            f"Flow-compatible server on http://{host}:{port}/api/cores/{settings.collections[0]}"
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stopped)
        server.run(sockets=[listener])


def _no_listener(settings: ServerSettings, error: OSError) -> ListenError:
    if error.errno == errno.EADDRINUSE:
        return ListenError(f"port {settings.port} of {settings.host} is in use; give another --port")
    return ListenError(f"--host {settings.host} --port {settings.port} cannot be used: {error}")


def _stopped(*_: object) -> None:
    """Uvicorn raises the signal that stopped it once more when all is done; that is no failure."""
