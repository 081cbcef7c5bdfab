"""Which addresses may be asked: public hosts, and others only as far as they are named.

What may be asked is told by hosts (`host`, `host:port`) and by prefixes (`http://host:port/pictures/`).
"""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection


class FetchError(Exception):
    """The picture could not be had; the message says from where and why.

    ``retryable``: the cause may pass by itself: no answer in time, a lost connection, a busy server.
    """

    def __init__(self, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable


class RefusingAnswerError(FetchError):
    """The host has answered, and the answer is no picture: 404 and the like."""


class AddressRefusedError(FetchError):
    """The address is one that a server must not be led to, unless ``host`` (with its port) is allowed.

    ``host`` is empty where no host can be allowed, only a prefix.
    """

    def __init__(self, message: str, host: str) -> None:
        super().__init__(message)
        self.host = host


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be asked: `allowed` hosts and prefixes; `guarded` (host or host:port) below prefixes only.

    Guarded are all names and addresses of that machine. Its other ports may be asked where they are named.
    """

    allowed: Collection[str] = ()
    guarded: str = ""

    def addresses(self, url: SplitResult, seconds: float) -> list[str]:
        """The IP addresses behind `url` that may be connected to; one refused address refuses the host.

        The caller connects to exactly these, so that a second DNS answer cannot lead elsewhere.

        Raises:
            AddressRefusedError: it must not be asked.
            FetchError: there is no such host.
        """
        host, port = str(url.hostname), port_of(url)
        addresses = _looked_up(host, port, seconds)
        if any(_is_below(url, entry) for entry in self.allowed if "://" in entry):
            return addresses
        is_named = is_allowed(host, port, self.allowed)
        if self.guarded and self._is_guarded(host, port, addresses, seconds, is_named=is_named):
            raise AddressRefusedError(f"{host} is Flow's own host, and this is no folder of pictures", "")
        for address in addresses:
            if not is_named and not is_public(address):
                raise AddressRefusedError(f"{host} is at {address}, not a public address", f"{host}:{port}")
        return addresses

    def _is_guarded(
        self, host: str, port: int, addresses: Collection[str], seconds: float, *, is_named: bool
    ) -> bool:
        own = urlsplit(f"//{self.guarded}")
        own_host = str(own.hostname)
        ports = {own.port} if own.port else {80, 443}
        if is_named and port not in ports:
            return False
        if _name(host) == _name(own_host):
            return True
        try:
            known = _looked_up(own_host, port, seconds)
        except FetchError:
            return False
        return not {_plain(one) for one in addresses}.isdisjoint({_plain(one) for one in known})


def port_of(url: SplitResult) -> int:
    """The port that is named, or the scheme's."""
    return url.port or (443 if url.scheme == "https" else 80)


def _is_below(url: SplitResult, prefix: str) -> bool:
    """Whether `url` lies below a prefix, however servers and proxies read its path."""
    above = urlsplit(prefix)
    same = (url.scheme, _name(str(url.hostname)), port_of(url)) == (
        above.scheme.lower(),
        _name(str(above.hostname)),
        port_of(above),
    )
    return same and url.path.startswith(above.path) and not _climbs(url.path)


def _climbs(path: str) -> bool:
    """Whether a path has dot segments, encoded once or more, or hidden behind parameters."""
    while (decoded := unquote(path)) != path:
        path = decoded
    segments = path.replace("\\", "/").split("/")
    return any(segment.partition(";")[0] in (".", "..") for segment in segments)


def _name(host: str) -> str:
    return host.lower().rstrip(".")


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IP address, also behind its IPv4-in-IPv6 spelling."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return (ip.ipv4_mapped or ip) if isinstance(ip, ipaddress.IPv6Address) else ip


def _looked_up(host: str, port: int, seconds: float) -> list[str]:
    """What DNS says; its own patience cannot be set, so a thread waits in our stead."""
    found: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.put(list(dict.fromkeys(str(answer[4][0]) for answer in answers)))
        except (OSError, UnicodeError) as error:
            found.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = found.get(timeout=seconds)
    except queue.Empty:
        raise FetchError(f"{host} cannot be resolved: timed out", retryable=True) from None
    if isinstance(answer, Exception):
        passes = isinstance(answer, socket.gaierror) and answer.errno == socket.EAI_AGAIN
        raise FetchError(f"{host} cannot be resolved: {answer}", retryable=passes)
    return answer


def is_allowed(host: str, port: int, allow_hosts: Collection[str]) -> bool:
    """Whether `host` or `host:port` is named."""
    named = {entry.lower() for entry in allow_hosts}
    return _name(host) in named or f"{_name(host)}:{port}" in named


def is_public(address: str) -> bool:
    """Whether an IP address is one of the open Internet, also behind IPv4-in-IPv6 spellings."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if ip in ipaddress.ip_network("64:ff9b::/96"):
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
    return ip.is_global and not ip.is_multicast
