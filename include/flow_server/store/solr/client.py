"""HTTP to the nodes of one SolrCloud: another one is asked where one is gone; its errors become ours."""

from __future__ import annotations

import json
import re
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import urllib3

from include.flow_server.errors import (
    BadRequestError,
    BusyError,
    FlowError,
    NotFoundError,
    QuerySyntaxError,
    VersionConflictError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Parameters = Mapping[str, str | Sequence[str]]

_CONNECTIONS = 64  # kept alive to each node
_CONNECT_SECONDS = 3.0
_READ_SECONDS = 60.0
_WRITE_SECONDS = 300.0  # who gives up earlier does not know whether it was written
_PAUSE_SECONDS = 0.25
_CONFLICT = re.compile(r"version conflict for (.*?) expected=(-?\d+) actual=(-?\d+)", re.DOTALL)
# What a node says of another one that stops, with status 400 or 404.
_TORN = re.compile(r"Error from server at \S+ (?:parsing error|Expected mime type)")
_FORM = "application/x-www-form-urlencoded"
_AS_THEY_ARE = "[],{}()!$:*/"  # a vector has hundreds of commas

_NOT_SENT = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


class SolrClient:
    """Thread-safe; any of `urls` (such as `http://host:8983/solr`) answers for the whole cloud."""

    def __init__(self, urls: Sequence[str], login: str | None = None, patience: float = 10.0) -> None:
        """`login` is `name:password`. Reads are asked again for `patience` seconds while nodes are gone.

        Raises:
            BadRequestError: something that is no address of a Solr.
        """
        self.urls = [checked_address(url) for url in urls]
        self._patience = patience
        self._first = 0
        self._headers = dict(urllib3.make_headers(basic_auth=login)) if login else {}
        self._pool = urllib3.PoolManager(
            num_pools=max(8, len(self.urls)),
            maxsize=_CONNECTIONS,
            retries=False,
        )

    def ask(self, path: str, parameters: Parameters) -> dict[str, Any]:
        """The JSON answer to a question that changes nothing; a node that is gone or busy is passed over.

        Raises:
            BusyError: no node answers in full.
            FlowError: what Solr says is wrong with the question.
        """
        asked = {**parameters, "wt": "json"}
        body = urlencode(asked, doseq=True, safe=_AS_THEY_ARE).encode() if parameters else None
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return self._answer(path, body, _FORM, _READ_SECONDS)
            except (urllib3.exceptions.HTTPError, BusyError) as error:
                self._first += 1
                if time.monotonic() > deadline:
                    raise BusyError(f"SolrCloud at {', '.join(self.urls)} does not answer: {error}") from None
                time.sleep(_PAUSE_SECONDS)

    def ask_cloud(self, parameters: Parameters) -> dict[str, Any]:
        """The answer of the Collections API.

        Raises:
            BadRequestError: the address is not that of a SolrCloud.
        """
        try:
            return self.ask("/admin/collections", parameters)
        except NotFoundError:
            raise BadRequestError(
                f"there is no SolrCloud at {', '.join(self.urls)}: its address has a path, as a rule /solr"
            ) from None

    def send(
        self, path: str, parameters: Parameters, body: bytes, kind: str = "application/json"
    ) -> dict[str, Any]:
        """Sends what may change something: once, to the first node that can be reached.

        Raises:
            BusyError: nobody can be reached, or the connection broke before the answer.
            FlowError: what Solr says is wrong with it.
        """
        target = f"{path}?{urlencode({**parameters, 'wt': 'json'}, doseq=True)}"
        for _ in self.urls:
            try:
                return self._answer(target, body, kind, _WRITE_SECONDS)
            except _NOT_SENT as error:
                self._first += 1
                gone = error
            except urllib3.exceptions.HTTPError as error:
                self._first += 1
                raise BusyError(f"SolrCloud broke off, the update may be written or not: {error}") from None
        raise BusyError(f"SolrCloud at {', '.join(self.urls)} cannot be reached: {gone}")

    def _answer(self, path: str, body: bytes | None, kind: str, seconds: float) -> dict[str, Any]:
        url = f"{self.urls[self._first % len(self.urls)]}{path}"
        headers = {**self._headers, "Content-Type": kind}
        method = "GET" if body is None else "POST"
        timeout = urllib3.Timeout(connect=_CONNECT_SECONDS, read=seconds)
        answer = self._pool.request(method, url, body=body, headers=headers, timeout=timeout)
        return _read(answer.status, answer.data, path.partition("?")[0])


def _read(status: int, data: bytes, path: str) -> dict[str, Any]:
    try:
        read: Any = json.loads(data)
    except ValueError:
        read = None
    body: dict[str, Any] = read if isinstance(read, dict) else {}
    if not body:
        body = {"error": {"msg": f"Solr answers {path} with status {status} and no JSON"}}
    head = body.get("responseHeader", {})
    if status == HTTPStatus.OK and "error" not in body:
        if head.get("partialResults"):
            raise BusyError("Solr answers in part only: shards are missing")
        return body
    told = body.get("error", {})
    if isinstance(told, dict):
        told = told.get("msg", f"Solr answers {path} with status {status}")
    raise _error(status, str(told))


def _error(status: int, told: str) -> FlowError:
    if conflict := _CONFLICT.search(told):
        return VersionConflictError(conflict[1], int(conflict[2]), int(conflict[3]))
    if _TORN.search(told):
        return BusyError(told)
    if status == NotFoundError.status:
        return NotFoundError(told)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return FlowError(f"SolrCloud refuses this server: {told}; its login is SOLR_BASIC_AUTH=name:password")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return BusyError(told)
    return (QuerySyntaxError if "SyntaxError" in told else BadRequestError)(told)


def checked_address(url: str) -> str:
    """The address without a slash at its end.

    Raises:
        BadRequestError: something that is no address of a Solr.
    """
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or parts.query or parts.fragment or "@" in parts.netloc:
        raise BadRequestError(
            "the address of a Solr is one such as http://host:8983/solr, without name and password"
        )
    return url.rstrip("/")
