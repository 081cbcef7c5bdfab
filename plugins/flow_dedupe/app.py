"""The review page's application: who may see it, what a browser may do with it, and how errors look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from airflow.api_fastapi.app import AUTH_MANAGER_FASTAPI_APP_PREFIX
from fastapi import FastAPI, Request, Response
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from include.dedupe.errors import (
    ApprovalError,
    ArtifactError,
    ConfigError,
    DedupeError,
    GateError,
    GuardError,
    UnknownError,
    VerdictConflictError,
    VerdictError,
)
from include.dedupe.reviewing.approving import ChangedError

from . import answering, data, gate, holding, pages
from .access import signed_in

POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'self'",
    ]
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
STATUS: dict[type[DedupeError], int] = {
    UnknownError: 404,
    VerdictConflictError: 409,
    VerdictError: 422,
    ApprovalError: 409,
    GateError: 409,
    GuardError: 409,
    ArtifactError: 409,
    ConfigError: 409,
}
"""What an error of the engine is to a browser, the first that fits; all others are the server's fault."""


def create_app() -> FastAPI:
    """Return the application: nothing of it is open to anyone who is not signed in to Airflow."""
    app = FastAPI(
        title="Flow Dedupe", dependencies=[signed_in], docs_url=None, redoc_url=None, openapi_url=None
    )
    app.include_router(pages.router)
    app.include_router(data.router)
    app.include_router(answering.router)
    app.include_router(gate.router)
    app.include_router(holding.router)
    app.middleware("http")(_guard)
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(DedupeError)(_wrong)
    app.exception_handler(RequestValidationError)(_malformed)
    return app


async def _guard(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
    """Tell the browser what the answer may do; what is not said to be kept is not kept."""
    answer = await go_on(request)
    for name, value in (*HEADERS.items(), ("Cache-Control", "no-store")):
        answer.headers.setdefault(name, value)
    return answer


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    return _error(request, error.status_code, error.detail)


def _wrong(request: Request, error: Exception) -> Response:
    status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), 500)
    if isinstance(error, ChangedError):
        return _error(request, status, {"message": str(error), "effect": jsonable_encoder(error.effect)})
    return _error(request, status, str(error))


def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
    told = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
    return _error(request, 422, f"The request makes no sense: {'; '.join(told)}.")


def _error(request: Request, status: int, problem: object) -> Response:
    """Answer with a page to who asked for a page, with JSON to all others."""
    if "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": problem}, status)
    login = f"{AUTH_MANAGER_FASTAPI_APP_PREFIX}/login?{urlencode({'next': str(request.url)})}"
    return pages.error_page(request, status, str(problem), login if status == 401 else None)
