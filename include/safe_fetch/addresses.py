"""Which hosts may be asked: public addresses, and private ones only where they are named."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class FetchError(Exception):
    """The picture could not be had; the message says from where and why."""


class RefusingAnswerError(FetchError):
    """The host has answered, and the answer is no picture: 404 and the like."""


class AddressRefusedError(FetchError):
    """The address is one that a server must not be led to, unless ``host`` (with its port) is allowed."""

    def __init__(self, message: str, host: str) -> None:
        super().__init__(message)
        self.host = host


def resolve(host: str, port: int, allow_hosts: Collection[str], seconds: float) -> list[str]:
    """The addresses of `host` that may be connected to; one refused address refuses the host.

    The caller connects to exactly these, so that a second DNS answer cannot lead elsewhere.
    """
    addresses = _looked_up(host, port, seconds)
    if not is_allowed(host, port, allow_hosts):
        for address in addresses:
            if not is_public(address):
                raise AddressRefusedError(f"{host} is at {address}, not a public address", f"{host}:{port}")
    return addresses


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
        raise FetchError(f"{host} cannot be resolved: timed out") from None
    if isinstance(answer, Exception):
        raise FetchError(f"{host} cannot be resolved: {answer}")
    return answer


def is_allowed(host: str, port: int, allow_hosts: Collection[str]) -> bool:
    """Whether `host` or `host:port` is named."""
    named = {entry.lower() for entry in allow_hosts}
    return host.lower() in named or f"{host.lower()}:{port}" in named


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
