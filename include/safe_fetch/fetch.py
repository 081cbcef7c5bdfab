"""One bounded GET: http and https only, every redirect and every DNS answer checked again."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from include.safe_fetch.addresses import FetchError, RefusingAnswerError, Rules, port_of
from include.safe_text import without_secrets

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_REDIRECTS = 5
_PIECE = 65_536
_REDIRECT_STATUS = (301, 302, 303, 307, 308)
_PASSING_STATUS = (408, 425, 429, 500, 502, 503, 504)


def fetch(
    url: str,
    *,
    max_bytes: int,
    seconds: float,
    allow_hosts: Collection[str] = (),
    guarded: str = "",
    headers: Mapping[str, str] | None = None,
    tls: ssl.SSLContext | None = None,
) -> bytes:
    """The body behind `url`.

    Args:
        url: absolute, http or https.
        max_bytes: a longer body is an error, never a shortened one.
        seconds: for everything together, redirects included.
        allow_hosts: `host` or `host:port` that may be at a private address, and prefixes
            (`http://host/pictures/`) below which everything may be asked.
        guarded: `host` or `host:port` of a server that is asked below those prefixes only.
        headers: sent to the origin of `url` alone, also when it redirects elsewhere: they may be secrets.
        tls: what is checked of that origin, and presented to it; of all others, what Python checks by itself.

    Raises:
        FetchError: with one sentence saying what went wrong; AddressRefusedError for a forbidden address.
    """
    deadline = time.monotonic() + seconds
    rules = Rules(allow_hosts, guarded)
    first = _origin(_checked(url))
    for _ in range(_REDIRECTS + 1):
        parts = _checked(url)
        is_own = _origin(parts) == first
        sent, checked = (headers or {}, tls) if is_own else ({}, None)
        with _opened(parts, deadline, rules, sent, checked) as response:
            location = response.getheader("Location")
            if response.status in _REDIRECT_STATUS and location:
                url = urljoin(url, location)
                continue
            _require_ok(response, url)
            return _body(response, url, max_bytes, deadline)
    raise FetchError(f"{without_secrets(url)} redirects more than {_REDIRECTS} times")


def _require_ok(response: http.client.HTTPResponse, url: str) -> None:
    if response.status != http.HTTPStatus.OK:
        raise RefusingAnswerError(
            f"{without_secrets(url)} answered {response.status} {response.reason}",
            retryable=response.status in _PASSING_STATUS,
        )


def _checked(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise FetchError(f"{without_secrets(url)!r} is not an address: its host or port is none") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise FetchError(f"{without_secrets(url)!r} is not an http or https address")
    if port == 0 or any(ord(character) <= 32 for character in url):
        raise FetchError(f"{without_secrets(url)!r} is not an address: encode spaces and control characters")
    return parts


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port


@contextlib.contextmanager
def _opened(
    parts: SplitResult,
    deadline: float,
    rules: Rules,
    headers: Mapping[str, str],
    tls: ssl.SSLContext | None,
) -> Iterator[http.client.HTTPResponse]:
    host, port = str(parts.hostname), port_of(parts)
    addresses = rules.addresses(parts, max(0.0, deadline - time.monotonic()))
    connection = http.client.HTTPConnection(host, port)
    watchdog: threading.Timer | None = None
    try:
        secured = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        connection.sock = _connected(secured, host, port, addresses, deadline)
        watchdog = threading.Timer(_left(deadline), _shut, [connection.sock])
        watchdog.daemon = True
        watchdog.start()
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        sent = {"Accept": "image/*,*/*;q=0.5", **headers}
        connection.request("GET", path.encode("utf-8").decode("latin-1"), headers=sent)
        yield connection.getresponse()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise FetchError(
            f"{without_secrets(parts.geturl())} could not be read: {error or type(error).__name__}",
            retryable=not isinstance(error, (ssl.SSLCertVerificationError, UnicodeError)),
        ) from None
    finally:
        if watchdog:
            watchdog.cancel()
        connection.close()


def _shut(connection: socket.socket) -> None:
    """Ends a connection whose time is over; dripping bytes would renew the socket's own timeout."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _connected(
    tls: ssl.SSLContext | None, host: str, port: int, addresses: list[str], deadline: float
) -> socket.socket:
    failure: OSError | None = None
    for address in addresses:
        try:
            plain = socket.create_connection((address, port), timeout=_left(deadline))
        except OSError as error:
            failure = error
            continue
        return tls.wrap_socket(plain, server_hostname=host) if tls else plain
    raise failure or OSError("no address")


def _body(response: http.client.HTTPResponse, url: str, max_bytes: int, deadline: float) -> bytes:
    declared = response.getheader("Content-Length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise FetchError(
            f"{without_secrets(url)} has {declared} bytes, more than the {max_bytes} that are allowed"
        )
    pieces: list[bytes] = []
    size = 0
    while size <= max_bytes:
        _left(deadline)
        piece = response.read1(_PIECE)
        if not piece:
            _left(deadline)
            if declared.isdigit() and size < int(declared):
                raise FetchError(
                    f"{without_secrets(url)} was cut off after {size} of {declared} bytes", retryable=True
                )
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
    raise FetchError(f"{without_secrets(url)} has more than the {max_bytes} bytes that are allowed")


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
