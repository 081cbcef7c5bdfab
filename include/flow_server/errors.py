"""What is answered instead of a result: one class per HTTP status, rendered the way Solr does."""

from __future__ import annotations

from typing import Any, ClassVar

_MOST_SHOWN = 1000


class FlowError(Exception):
    """A request that cannot be answered; `str(error)` is the `error.msg` the client reads."""

    status: ClassVar[int] = 500
    retry_after: ClassVar[int | None] = None
    error_class: ClassVar[str] = "org.apache.solr.common.SolrException"


class BadRequestError(FlowError):
    """The request itself is wrong: a parameter, a query, a document."""

    status = 400


class QuerySyntaxError(BadRequestError):
    """`q`, `fq` or another query text does not follow the query language."""

    error_class = "org.apache.solr.search.SyntaxError"


class UnauthorizedError(FlowError):
    """Name and password are missing or wrong."""

    status = 401


class NotFoundError(FlowError):
    """No such collection, handler or picture."""

    status = 404


class VersionConflictError(FlowError):
    """`_version_` forbids the change."""

    status = 409

    def __init__(self, document_id: str, expected: int, actual: int) -> None:
        super().__init__(f"version conflict for {document_id} expected={expected} actual={actual}")


class TooLargeError(FlowError):
    """A body or a picture is over its limit."""

    status = 413


class MethodNotAllowedError(FlowError):
    """The path is served, but not for this method."""

    status = 405


class OutdatedScopeError(Exception):
    """A search cannot be made in full: its scope holds pictures of another version of the analysis."""


class OutdatedError(FlowError):
    """Pictures that a search needs were analysed by another version and cannot be compared."""

    status = 503


class TooSlowError(FlowError):
    """A request that was begun and not sent in time."""

    status = 408


class HeadTooLargeError(FlowError):
    """The address and the headers of a request are over their limit."""

    status = 431


class BusyError(FlowError):
    """Others are at work; the same request will do in `retry_after` seconds."""

    status = 503
    retry_after = 5


class StorageFullError(FlowError):
    """There is no room left for what is to be stored."""

    status = 507


def error_of_status(status: int, message: str) -> FlowError:
    """The error for a status that the HTTP framework chose."""
    kinds = {kind.status: kind for kind in (BadRequestError, NotFoundError, MethodNotAllowedError)}
    return kinds.get(status, FlowError)(message)


def error_body(error: FlowError, milliseconds: int) -> dict[str, Any]:
    """The JSON body of an error, in the shape of Solr 9; of a message without end the middle is left out."""
    metadata = ["error-class", error.error_class, "root-error-class", error.error_class]
    return {
        "responseHeader": {"status": error.status, "QTime": milliseconds},
        "error": {"metadata": metadata, "msg": _shortened(str(error)), "code": error.status},
    }


def _shortened(message: str) -> str:
    if len(message) <= 2 * _MOST_SHOWN:
        return message
    left_out = len(message) - 2 * _MOST_SHOWN
    return f"{message[:_MOST_SHOWN]} … ({left_out} characters) … {message[-_MOST_SHOWN:]}"
