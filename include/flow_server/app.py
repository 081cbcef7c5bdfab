"""The HTTP application: which path is answered by what. Work on files, pictures and SQL runs in threads."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route

from include.flow_server.access import Authenticated
from include.flow_server.bodies import BoundedBodies
from include.flow_server.endpoints.analyze import analyze
from include.flow_server.endpoints.answers import Wanted, base_address, error_answer, header, json_answer
from include.flow_server.endpoints.cores import core, cores, ping
from include.flow_server.endpoints.duplicate import duplicate
from include.flow_server.endpoints.duplicates import duplicates
from include.flow_server.endpoints.get import copy_fields, dynamic_fields, realtime_get, schema_fields
from include.flow_server.endpoints.images import image
from include.flow_server.endpoints.parameters import Parameters, read_body, read_pairs, read_parameters
from include.flow_server.endpoints.select import select
from include.flow_server.endpoints.update import versions
from include.flow_server.errors import BadRequestError, FlowError, error_of_status
from include.flow_server.metrics import Counted, Metrics
from include.flow_server.service import Service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from starlette.requests import Request

    from include.flow_server.collection import Collection
    from include.flow_server.settings import ServerSettings
    from include.flow_server.turns import Turns

    Handler = Callable[[Request], Awaitable[Response]]
    Work = Callable[["Asked"], dict[str, Any] | Wanted]

_UPDATE_PATHS = {  # whether Solr takes an object there for a document (and not for commands)
    "/solr/{collection}/update": False,
    "/solr/{collection}/update/json": False,
    "/solr/{collection}/update/json/docs": True,
} | {
    f"/api/{kind}/{{collection}}/update{path}": documents_only
    for kind in ("cores", "collections")
    for path, documents_only in (("", True), ("/json", True), ("/json/commands", False))
}
_GET_POST = ["GET", "POST"]


class _AnyPath(PathConvertor):
    """A path of which names may hold line breaks."""

    regex = r"[\s\S]*"


register_url_convertor("any", _AnyPath())


class Asked:
    """One request with its parameters, and what is needed to answer it."""

    def __init__(self, service: Service, request: Request, parameters: Parameters) -> None:
        self.service = service
        self.request = request
        self.parameters = parameters
        self.started: float = request.state.started
        self.base = base_address(request)

    def own_file(self, address: str) -> Path | None:
        """The file of the served folder that an address of this server names."""
        return self.service.pictures.own_file(address, self.request.headers.get("host", ""))

    @property
    def collection(self) -> Collection:
        """The collection in the path, at the newest commit."""
        return self.service.current(self.request.path_params["collection"])

    @property
    def turns(self) -> Turns:
        """Where pictures of the collection in the path wait for their turn."""
        return self.service.named(self.request.path_params["collection"]).turns


def create_app(settings: ServerSettings) -> Starlette:
    """Opens the collections and returns the application that serves them; its shutdown closes them."""
    service = Service(settings)
    metrics = Metrics([path.rpartition("/")[2] for path in _HANDLERS] + ["update"])
    middleware = [Middleware(Counted, metrics=metrics)]
    middleware.append(Middleware(BoundedBodies, most_bytes=settings.limits.bodies_bytes))
    if settings.basic_auth:
        middleware.append(Middleware(Authenticated, credentials=settings.basic_auth))

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        service.close()

    handlers: Any = {Exception: error_answer, FlowError: error_answer, HTTPException: _http_error}
    handlers[ClientDisconnect] = _gone
    return Starlette(
        routes=_routes(service, metrics),
        lifespan=lifespan,
        exception_handlers=handlers,
        middleware=middleware,
    )


def _routes(service: Service, metrics: Metrics) -> list[Route]:
    routes = [
        Route("/api/cores", _answered(service, _cores)),
        Route("/api/collections", _answered(service, _cores)),
        Route("/metrics", _metrics(service, metrics)),
        Route("/images/{path:any}", _images(service)),
    ]
    routes += [
        Route(prefix + path, _answered(service, work), methods=_GET_POST)
        for prefix in ("/api/cores/{collection}", "/api/collections/{collection}", "/solr/{collection}")
        for path, work in _HANDLERS.items()
    ]
    return routes + [
        Route(path, _update(service, documents_only), methods=_GET_POST)
        for path, documents_only in _UPDATE_PATHS.items()
    ]


def _answered(service: Service, work: Work) -> Handler:
    """A handler that reads parameters and answers what `work` returns, computed in a thread."""

    async def handle(request: Request) -> Response:
        request.state.started = time.monotonic()
        parameters = await read_parameters(request, service.settings.limits.body_bytes)
        asked = Asked(service, request, parameters)
        found = await run_in_threadpool(_begun, work, asked)
        if not isinstance(found, Wanted):
            return found
        descriptor = await asyncio.wrap_future(asked.turns.submit(found.host, found.read))
        return await run_in_threadpool(lambda: json_answer(found.then(descriptor)))

    return handle


def _begun(work: Work, asked: Asked) -> Response | Wanted:
    """The answer, or the picture that it has to wait for."""
    found = work(asked)
    return found if isinstance(found, Wanted) else json_answer(found)


def _cores(asked: Asked) -> dict[str, Any]:
    return cores(asked.service.collections.values(), asked.started)


def _select(asked: Asked) -> dict[str, Any] | Wanted:
    if any(name.startswith("rank.") for name in asked.parameters.names()):
        return _ranked(asked, "content")
    limits = asked.service.settings.limits
    return select(asked.collection, asked.parameters, asked.base, limits.max_rows, asked.started)


def _ranked(asked: Asked, mode: str) -> dict[str, Any] | Wanted:
    return duplicate(
        asked.collection,
        asked.service.analyser,
        asked.own_file,
        asked.parameters,
        mode=mode,
        base=asked.base,
        started=asked.started,
    )


def _analyze(asked: Asked) -> Wanted:
    collection = asked.service.named(asked.request.path_params["collection"])
    return analyze(
        asked.service.analyser, asked.own_file, collection.allow_hosts, asked.parameters, asked.started
    )


_HANDLERS: dict[str, Work] = {
    "": lambda asked: core(asked.collection, asked.started),
    "/select": _select,
    "/duplicate": lambda asked: _ranked(asked, "duplicate"),
    "/image": lambda asked: _ranked(asked, "content"),
    "/duplicates": lambda asked: duplicates(asked.collection, asked.parameters, asked.base, asked.started),
    "/get": lambda asked: realtime_get(asked.collection, asked.parameters, asked.base, asked.started),
    "/analyze": _analyze,
    "/admin/ping": lambda asked: ping(asked.collection, asked.started),
    "/pixolution": lambda asked: ping(asked.collection, asked.started),
    "/schema/copyfields": lambda asked: copy_fields(asked.collection, asked.started),
    "/schema/dynamicfields": lambda asked: dynamic_fields(asked.started),
    "/schema/fields": lambda asked: schema_fields(asked.collection, None, asked.started),
    "/schema/fields/{name}": lambda asked: schema_fields(
        asked.collection, asked.request.path_params["name"], asked.started
    ),
}


def _update(service: Service, documents_only: bool) -> Handler:
    async def handle(request: Request) -> Response:
        started = request.state.started = time.monotonic()
        collection = service.named(request.path_params["collection"])
        parameters = Parameters(await read_pairs(request.scope["query_string"]))
        body = await read_body(request, service.settings.limits.body_bytes)
        host = request.headers.get("host", "")
        written = await service.updater.update(
            collection, parameters, body, documents_only=documents_only, host=host
        )
        told = versions(written) if parameters.flag("versions") else {}
        return await run_in_threadpool(json_answer, {"responseHeader": header(started), **told})

    return handle


def _images(service: Service) -> Handler:
    async def handle(request: Request) -> Response:
        return await run_in_threadpool(image, service.pictures, request.path_params["path"])

    return handle


def _metrics(service: Service, metrics: Metrics) -> Handler:
    async def handle(_: Request) -> Response:
        page = await run_in_threadpool(metrics.page, service.collections.values())
        return Response(page, media_type="text/plain; version=0.0.4; charset=utf-8")

    return handle


async def _http_error(request: Request, error: Exception) -> Response:
    """No route for the path, or not for the method: Starlette's own exceptions in Solr's shape."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    told = f"{request.method} {request.scope['path']} is not served here"
    if isinstance(error, HTTPException) and status == BadRequestError.status:
        told = error.detail
    return await error_answer(request, error_of_status(status, told))


async def _gone(request: Request, error: Exception) -> Response:
    """Nobody reads this any more."""
    return Response(status_code=BadRequestError.status)
