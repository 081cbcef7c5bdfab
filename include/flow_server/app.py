"""The HTTP application: which path is answered by what. Work on files, pictures and SQL runs in threads."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import Route

from include.flow_server.endpoints.analyze import analyze
from include.flow_server.endpoints.answers import base_address, error_answer, header, json_answer
from include.flow_server.endpoints.cores import core, cores
from include.flow_server.endpoints.duplicate import duplicate
from include.flow_server.endpoints.images import image
from include.flow_server.endpoints.parameters import Parameters, read_body, read_parameters
from include.flow_server.endpoints.select import select
from include.flow_server.endpoints.update import versions
from include.flow_server.errors import FlowError, NotFoundError
from include.flow_server.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from include.flow_server.settings import ServerSettings

    Handler = Callable[[Request], Awaitable[Response]]

_PREFIXES = ("/api/cores/{collection}", "/solr/{collection}")
_UPDATE_PATHS = {  # whether Solr takes an object there for a document (and not for commands)
    "/solr/{collection}/update": False,
    "/solr/{collection}/update/json": False,
    "/solr/{collection}/update/json/docs": True,
    "/api/cores/{collection}/update": True,
    "/api/cores/{collection}/update/json": True,
    "/api/cores/{collection}/update/json/commands": False,
}
_GET_POST = ["GET", "POST"]


def create_app(settings: ServerSettings) -> Starlette:
    """Opens the collections and returns the application that serves them; its shutdown closes them."""
    service = Service(settings)
    routes = [
        Route("/api/cores", _answered(service, _cores), methods=["GET"]),
        Route("/images/{path:path}", _images(service), methods=["GET"]),
    ]
    for prefix in _PREFIXES:
        routes += [
            Route(prefix, _answered(service, _core), methods=["GET"]),
            Route(f"{prefix}/select", _answered(service, _select), methods=_GET_POST),
            Route(f"{prefix}/duplicate", _answered(service, _duplicate), methods=_GET_POST),
            Route(f"{prefix}/analyze", _answered(service, _analyze), methods=_GET_POST),
        ]
    routes += [
        Route(path, _update(service, documents_only), methods=_GET_POST)
        for path, documents_only in _UPDATE_PATHS.items()
    ]

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        service.close()

    handlers: Any = {Exception: error_answer, FlowError: error_answer, HTTPException: _http_error}
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers=handlers)


def _answered(
    service: Service, work: Callable[[Service, Request, Parameters, float], dict[str, Any]]
) -> Handler:
    """A handler that reads parameters and answers what `work` returns, computed in a thread."""

    async def handle(request: Request) -> Response:
        started = request.state.started = time.monotonic()
        parameters = await read_parameters(request, service.settings.limits.body_bytes)
        return await run_in_threadpool(lambda: json_answer(work(service, request, parameters, started)))

    return handle


def _cores(service: Service, _: Request, __: Parameters, started: float) -> dict[str, Any]:
    return cores(service.collections.values(), started)


def _core(service: Service, request: Request, _: Parameters, started: float) -> dict[str, Any]:
    return core(service.current(request.path_params["collection"]), started)


def _select(service: Service, request: Request, parameters: Parameters, started: float) -> dict[str, Any]:
    collection = service.current(request.path_params["collection"])
    if any(name.startswith("rank.") for name in parameters.names()):
        return duplicate(collection, service.analyser, parameters, base_address(request), started)
    return select(collection, parameters, base_address(request), service.settings.limits.max_rows, started)


def _duplicate(service: Service, request: Request, parameters: Parameters, started: float) -> dict[str, Any]:
    collection = service.current(request.path_params["collection"])
    return duplicate(collection, service.analyser, parameters, base_address(request), started)


def _analyze(service: Service, request: Request, parameters: Parameters, started: float) -> dict[str, Any]:
    service.current(request.path_params["collection"])
    return analyze(service.analyser, parameters, started)


def _update(service: Service, documents_only: bool) -> Handler:
    async def handle(request: Request) -> Response:
        started = request.state.started = time.monotonic()
        collection = service.current(request.path_params["collection"])
        parameters = Parameters(request.query_params.multi_items())
        body = await read_body(request, service.settings.limits.body_bytes)
        host = request.headers.get("host", "")

        def work() -> Response:
            written = service.updater.update(
                collection, parameters, body, documents_only=documents_only, host=host
            )
            told = versions(written) if parameters.flag("versions") else {}
            return json_answer({"responseHeader": header(started), **told})

        return await run_in_threadpool(work)

    return handle


def _images(service: Service) -> Handler:
    async def handle(request: Request) -> Response:
        return await run_in_threadpool(image, service.pictures, request.path_params["path"])

    return handle


async def _http_error(request: Request, error: Exception) -> Response:
    """No route for the path, or not for the method: Starlette's own exceptions in Solr's shape."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    wrong = NotFoundError(f"{request.method} {request.url.path} is not served here")
    wrong.status = status  # type: ignore[misc]
    return await error_answer(request, wrong)
