"""One request, one answer: connections, time limits, and repeats of what is safe to repeat.

The happy path is one `aiohttp` request; the retry machinery is built only after a first failure.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

import aiohttp
from aiohttp import hdrs
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from yarl import URL

from include.flow_client.address import FlowAddress
from include.flow_client.deadline import Deadline
from include.flow_client.decoding import by_status, decode
from include.flow_client.errors import FlowAuthError, FlowError, FlowResponseError, FlowUnavailableError
from include.flow_client.pace import Pace

log = logging.getLogger(__name__)

REPEATED_STATUSES = frozenset({429, 502, 503})
KEEPALIVE_S = 4.0
"""Common servers keep an idle connection for 5 s and more: none is used while it is being closed."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a call is tried in all, and how long to wait in between (seconds, doubling, with jitter).

    If Flow asks for a longer pause than `longest_wait_s`, the call fails at once and the caller decides.
    """

    attempts: int = 5
    first_wait_s: float = 0.25
    longest_wait_s: float = 30.0


class Request(NamedTuple):
    """One HTTP request. `what` names it in error messages; `is_repeatable` if doing it twice does no harm."""

    method: str
    url: URL
    what: str
    body: bytes | None = None
    content_type: str | None = None
    is_repeatable: bool = True


class Handler(NamedTuple):
    """One of Flow's handlers: `what` names it in error messages, its `url` is parsed once for all."""

    what: str
    url: URL

    def asking(self, query: str) -> URL:
        """Its URL with parameters, which are percent-encoded already."""
        url = self.url
        return URL.build(
            scheme=url.scheme,
            authority=url.raw_authority,
            path=url.raw_path,
            query_string=query,
            encoded=True,
        )


class Transport:
    """An open pool of at most `connections` kept-alive connections to one Flow."""

    def __init__(
        self, address: FlowAddress, connections: int, retry: RetryPolicy, max_answer_bytes: int
    ) -> None:
        self._address = address
        self.pace = Pace(connections)
        self._retry_policy = retry
        self._max_answer_bytes = max_answer_bytes
        self._proxy = Proxy.of(address.proxy)
        self._deadline = Deadline(address.timeout_s)
        self._session = _session(address, connections, self._proxy)

    async def close(self) -> None:
        self._deadline.close()
        await self._session.close()

    async def call(self, request: Request) -> dict[str, Any]:
        """Send it and return the JSON object of a successful answer.

        Raises:
            FlowError: the kind that says what went wrong, after the repeats that are allowed.
        """
        try:
            return await self._attempt(request)
        except (FlowUnavailableError, FlowResponseError) as failure:
            if not self._may_repeat(request, failure):
                raise
            return await self._repeat(request, failure)

    async def _attempt(self, request: Request) -> dict[str, Any]:
        began = await self.pace.begin()
        is_busy = True
        try:
            answer = await self._exchange(request)
            is_busy = False
            return answer
        except FlowError as error:
            is_busy = isinstance(error, FlowUnavailableError)
            raise
        finally:
            self.pace.end(began, is_busy=is_busy)

    async def _exchange(self, request: Request) -> dict[str, Any]:
        try:
            with self._deadline:
                response = await self._send(request)
                body = await self._read(response, request.what)
            if response.status == 200:
                return decode(200, body, request.what)
            raise _refusal(response, body, request.what)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self._connection_error(error, request.what) from error

    def _send(self, request: Request) -> Awaitable[aiohttp.ClientResponse]:
        return self._session.request(
            request.method,
            request.url,
            data=request.body,
            headers={"Content-Type": request.content_type} if request.content_type else None,
            allow_redirects=False,
            proxy=self._proxy.url,
            proxy_headers=self._proxy.headers,
        )

    async def _read(self, response: aiohttp.ClientResponse, what: str) -> bytes:
        """The whole body; with its end the connection is free again, and closed where it does not come."""
        length = response.content_length
        is_plain = hdrs.CONTENT_ENCODING not in response.headers
        if length is not None and length <= self._max_answer_bytes and is_plain:
            return await response.read()
        body = bytearray()
        async with response:
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > self._max_answer_bytes:
                    limit = self._max_answer_bytes
                    raise FlowResponseError(
                        f"{what}: the answer is larger than {limit} bytes. Ask for fewer rows or fields."
                    )
        return bytes(body)

    def _connection_error(self, error: Exception, what: str) -> FlowError:
        told = str(error) or type(error).__name__
        if isinstance(error, aiohttp.ClientConnectorCertificateError):
            return FlowAuthError(
                f"{what}: its certificate is not trusted ({told}). Give ca_file or check the host."
            )
        if isinstance(error, aiohttp.ClientHttpProxyError):
            return FlowAuthError(
                f"{what}: the proxy refuses (HTTP {error.status}). Check the proxy and its login."
            )
        if isinstance(error, aiohttp.ClientResponseError):
            return FlowResponseError(
                f"{what}: the answer is not HTTP ({error.message}). Check host and port."
            )
        if isinstance(error, aiohttp.ClientPayloadError):
            return FlowResponseError(f"{what}: the answer was cut off ({told}). Ask again.", is_cut=True)
        return self._unavailable(error, told, what)

    def _unavailable(self, error: Exception, told: str, what: str) -> FlowUnavailableError:
        if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            hint = "Is it running, is the URL right?"
            return FlowUnavailableError(f"{what}: cannot connect ({told}). {hint}", was_sent=False)
        if self._session.closed:
            return FlowUnavailableError(
                f"{what}: the client was closed before the answer came. Wait for all calls."
            )
        if isinstance(error, TimeoutError):
            limit, hint = self._address.timeout_s, "Raise timeout_s or ask for less."
            return FlowUnavailableError(f"{what}: no answer within {limit:g} s. {hint}", timed_out=True)
        return FlowUnavailableError(f"{what}: the connection broke ({told}). Try again later.")

    def _may_repeat(self, request: Request, failure: BaseException) -> bool:
        if self._session.closed:
            return False
        if isinstance(failure, FlowResponseError):
            return failure.is_cut and request.is_repeatable
        if not isinstance(failure, FlowUnavailableError) or failure.timed_out:
            return False
        if failure.status is not None and failure.status not in REPEATED_STATUSES:
            return False
        if (failure.retry_after_s or 0) > self._retry_policy.longest_wait_s:
            return False
        return request.is_repeatable or not failure.was_sent

    async def _repeat(self, request: Request, failure: FlowError) -> dict[str, Any]:
        pending: FlowError | None = failure

        async def attempt() -> dict[str, Any]:
            nonlocal pending
            if pending is not None:  # the failure that brought us here counts as the first attempt
                first, pending = pending, None
                raise first
            return await self._attempt(request)

        return await AsyncRetrying(
            stop=stop_after_attempt(self._retry_policy.attempts),
            wait=self._wait_s,
            retry=retry_if_exception(lambda error: self._may_repeat(request, error)),
            before_sleep=self._tell,
            reraise=True,
        )(attempt)

    def _tell(self, state: RetryCallState) -> None:
        failure = state.outcome.exception() if state.outcome else None
        attempt = f"attempt {state.attempt_number + 1} of {self._retry_policy.attempts}"
        log.warning("%s Next is %s in %.1f s.", failure, attempt, state.upcoming_sleep)

    def _wait_s(self, state: RetryCallState) -> float:
        policy = self._retry_policy
        backoff_s: float = min(policy.first_wait_s * 2 ** (state.attempt_number - 1), policy.longest_wait_s)
        failure = state.outcome.exception() if state.outcome else None
        asked_s = failure.retry_after_s if isinstance(failure, FlowUnavailableError) else None
        return (asked_s or 0.0) + backoff_s * random.uniform(0.5, 1.0)  # noqa: S311


def _session(address: FlowAddress, connections: int, proxy: Proxy) -> aiohttp.ClientSession:
    is_tls = address.root.startswith("https:")
    headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "flow-dedupe"}
    authorization = address.authorization()
    if authorization is not None:
        headers["Authorization"] = authorization
    if not is_tls:
        headers |= proxy.headers  # without a tunnel the proxy reads the request itself
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=connections, keepalive_timeout=KEEPALIVE_S, ssl=address.tls() if is_tls else True
        ),
        headers=headers,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=min(10.0, address.timeout_s)),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


class Proxy(NamedTuple):
    """A proxy's URL without its login, which would show in error messages, and the login as a header."""

    url: str | None
    headers: dict[str, str]

    @classmethod
    def of(cls, url: str | None) -> Proxy:
        if url is None:
            return cls(None, {})
        parts = urlsplit(url)
        bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        if parts.username is None:
            return cls(bare, {})
        login = aiohttp.encode_basic_auth(unquote(parts.username), unquote(parts.password or ""))
        return cls(bare, {"Proxy-Authorization": login})


def _refusal(response: aiohttp.ClientResponse, body: bytes, what: str) -> FlowError:
    location = response.headers.get("Location")
    if location is not None and 300 <= response.status < 400:
        return by_status(response.status, f"it leads to {location.split('?')[0]}", what)
    try:
        decode(response.status, body, what)
    except FlowUnavailableError as error:
        error.retry_after_s = _seconds(response.headers.get("Retry-After"))
        return error
    except FlowError as error:
        return error
    raise AssertionError("a status other than 200 is no success")


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After is a number of seconds or a date; anything else is as if it were absent."""
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        return max(0.0, (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
