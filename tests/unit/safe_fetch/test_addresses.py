"""Which addresses a server may be led to."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit

import pytest

from include.safe_fetch.addresses import AddressRefusedError, FetchError, Rules, is_public

SECONDS = 5.0
FLOW = "127.0.0.1:8983"
PICTURES = f"http://{FLOW}/images/"


def addresses(url: str, *allowed: str, guarded: str = "", seconds: float = SECONDS) -> list[str]:
    return Rules(allowed, guarded).addresses(urlsplit(url), seconds)


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
    "host", ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "localhost."]
)
def test_other_spellings_of_this_machine_are_refused(host: str) -> None:
    with pytest.raises(FetchError):
        addresses(f"http://{host}/")


def test_a_named_host_may_be_private() -> None:
    assert addresses("http://127.0.0.1/", "127.0.0.1") == ["127.0.0.1"]
    assert addresses("http://127.0.0.1:8080/", "127.0.0.1:8080") == ["127.0.0.1"]
    with pytest.raises(AddressRefusedError, match="not a public address"):
        addresses("http://127.0.0.1/", "127.0.0.1:8080")


def test_one_private_answer_among_public_ones_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(0, 0, 0, "", (address, 80)) for address in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(AddressRefusedError, match=r"10\.0\.0\.1"):
        addresses("http://rebinding.example/")


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    never = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [never] * (not never.wait(60)))
    with pytest.raises(FetchError, match="timed out"):
        addresses("http://slow.example/", seconds=0.1)
    never.set()


@pytest.mark.parametrize(
    "path",
    ["images/a.jpg", "images/b/%C3%A4%20..jpg", "images/a;b.jpg", "images/50%25.jpg", "images/a?width=9"],
)
def test_below_a_named_folder_everything_may_be_asked(path: str) -> None:
    assert addresses(f"http://{FLOW}/{path}", PICTURES, guarded=FLOW) == ["127.0.0.1"]


@pytest.mark.parametrize(
    "path",
    [
        "", "image", "IMAGES/a.jpg", "solr/admin/cores?action=UNLOAD", "api/cores/a/update?commit=true",
        "images/../solr/admin", "images/%2e%2e/solr/admin", "images/%252e%252e/solr", "images/..%2fsolr",
        "images/..;/solr/admin", "images/..\\solr", "images/a/./../../solr", "%69mages/a.jpg",
        "//images/a.jpg",
    ],
)  # fmt: skip
def test_of_the_guarded_server_nothing_else_may_be_asked(path: str) -> None:
    for allowed in ((PICTURES,), (PICTURES, "127.0.0.1"), (PICTURES, FLOW)):
        with pytest.raises(AddressRefusedError):
            addresses(f"http://{FLOW}/{path}", *allowed, guarded=FLOW)


@pytest.mark.parametrize(
    "host", ["localhost:8983", "127.1:8983", "2130706433:8983", "0x7f000001:8983", "[::ffff:127.0.0.1]:8983",
             "a:b@127.0.0.1:8983", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8984"],
)  # fmt: skip
def test_other_names_and_ports_of_the_guarded_server_are_refused(host: str) -> None:
    with pytest.raises(AddressRefusedError):
        addresses(f"http://{host}/solr/admin", PICTURES, guarded=FLOW)
    with pytest.raises(AddressRefusedError):
        addresses(f"https://{host}/solr/admin", PICTURES, guarded=FLOW)


def test_a_guarded_server_whose_port_is_not_named_is_guarded_at_both_usual_ones() -> None:
    for url in ("http://127.0.0.1/solr/admin", "https://127.0.0.1/solr/admin"):
        with pytest.raises(AddressRefusedError):
            addresses(url, "127.0.0.1", guarded="127.0.0.1")


def test_another_port_of_the_guarded_host_may_be_named() -> None:
    assert addresses("http://127.0.0.1:9000/a.jpg", "127.0.0.1:9000", guarded=FLOW) == ["127.0.0.1"]


def test_a_public_server_is_guarded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(0, 0, 0, "", ("93.184.215.14", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    for host in ("flow.example:8983", "alias.example:8983", "flow.example", "flow.example."):
        with pytest.raises(AddressRefusedError, match="Flow's own host"):
            addresses(f"http://{host}/solr/admin", guarded="flow.example:8983")
