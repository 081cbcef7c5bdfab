"""Which addresses a server may be led to."""

from __future__ import annotations

import socket
import threading

import pytest

from include.safe_fetch.addresses import AddressRefusedError, FetchError, is_public, resolve

SECONDS = 5.0


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",  # noqa: S104
        "224.0.0.1", "255.255.255.255", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "::", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "198.51.100.7", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_of_the_open_internet_are_refused(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_public_addresses_pass(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]".strip("[]")]
)
def test_other_spellings_of_this_machine_are_refused(host: str) -> None:
    with pytest.raises(FetchError):
        resolve(host, 80, (), SECONDS)


def test_a_named_host_may_be_private() -> None:
    assert resolve("127.0.0.1", 80, ("127.0.0.1",), SECONDS) == ["127.0.0.1"]
    assert resolve("127.0.0.1", 8080, ("127.0.0.1:8080",), SECONDS) == ["127.0.0.1"]
    with pytest.raises(AddressRefusedError, match="not a public address"):
        resolve("127.0.0.1", 80, ("127.0.0.1:8080",), SECONDS)


def test_one_private_answer_among_public_ones_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(0, 0, 0, "", (address, 80)) for address in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(AddressRefusedError, match=r"10\.0\.0\.1"):
        resolve("rebinding.example", 80, (), SECONDS)


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [never] * (not never.wait(60)))
    with pytest.raises(FetchError, match="timed out"):
        resolve("slow.example", 80, (), 0.1)
    never.set()
