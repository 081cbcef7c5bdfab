"""Addresses: read as people write them, refused clearly, printed without secrets."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable

import pytest

from include.flow_client import (
    FlowAddress,
    FlowAddressError,
    FlowError,
    FlowRequestError,
    FlowUnavailableError,
)

SECRETS = ("hunter2", "tok-123", "proxy-pw")


@pytest.mark.parametrize(
    ("url", "root", "collection"),
    [
        ("http://host:8983/api/cores/my-collection", "http://host:8983", "my-collection"),
        ("http://host:8983/api/cores/my-collection/", "http://host:8983", "my-collection"),
        ("https://host/flow/api/cores/c/select?q=*:*", "https://host/flow", "c"),
        ("http://host:8983/solr/c/update", "http://host:8983", "c"),
        ("http://[::1]:8983/api/collections/c", "http://[::1]:8983", "c"),
        (" http://host:8983/solr/my%20pictures ", "http://host:8983", "my pictures"),
    ],
)
def test_a_full_url_names_root_and_collection(url: str, root: str, collection: str) -> None:
    address = FlowAddress.parse(url)
    assert (address.root, address.collection) == (root, collection)


@pytest.mark.parametrize(
    "url", ["http://host:8983", "http://host:8983/", "http://host:8983/api/cores", "http://host:8983/solr/"]
)
def test_a_root_url_needs_a_collection_beside_it(url: str) -> None:
    assert FlowAddress.parse(url, "c") == FlowAddress("http://host:8983", "c")
    with pytest.raises(FlowAddressError, match="names no collection"):
        FlowAddress.parse(url)


def test_a_path_prefix_is_kept() -> None:
    address = FlowAddress.parse("https://host/search/flow/", "my pictures")
    assert address.core_url == "https://host/search/flow/api/cores/my%20pictures"
    assert address.update_url == "https://host/search/flow/solr/my%20pictures/update"


def test_two_different_collections_are_refused() -> None:
    with pytest.raises(FlowAddressError, match="'a' but 'b'"):
        FlowAddress.parse("http://host/api/cores/a", "b")
    assert FlowAddress.parse("http://host/api/cores/a", "a").collection == "a"


@pytest.mark.parametrize(
    "url",
    ["", "host:8983", "ftp://host/x", "http://", "http://host:port", "http://host:99999", "http://[::1"],
)
def test_what_is_no_http_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(FlowAddressError, match="http://localhost:8983/api/cores/my-collection"):
        FlowAddress.parse(url, "c")


def test_a_login_in_the_url_is_taken_out_of_it() -> None:
    address = FlowAddress.parse("https://me%40home:hunter2@host/api/cores/c")
    assert (address.login, address.password, address.root) == ("me@home", "hunter2", "https://host")


def test_no_secret_shows_in_print_or_in_errors() -> None:
    plain = FlowAddress("https://h", "c", login="me", password="hunter2", proxy="http://u:proxy-pw@p:3128")
    bearer = FlowAddress("https://h", "c", token="tok-123")
    shown = [repr(plain), str(plain), repr(bearer), str(bearer)]
    for url in ("ftp://me:hunter2@host/x", "http://me:hunter2@host?token=tok-123"):
        with pytest.raises(FlowAddressError) as refused:
            FlowAddress.parse(url)
        shown.append(str(refused.value))
    with pytest.raises(FlowAddressError) as refused:
        FlowAddress("http://me:hunter2@host", "c")
    shown.append(str(refused.value))
    assert not [text for text in shown for secret in SECRETS if secret in text]


def test_authorization_is_basic_or_bearer() -> None:
    assert FlowAddress("http://h", "c").authorization() is None
    assert FlowAddress("http://h", "c", login="Aladdin", password="open sesame").authorization() == (
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    )
    assert FlowAddress("http://h", "c", token="t").authorization() == "Bearer t"


@pytest.mark.parametrize(
    "wrong",
    [
        {"collection": ""},
        {"collection": "a/b"},
        {"timeout_s": 0},
        {"timeout_s": float("nan")},
        {"token": "t", "login": "me"},
        {"client_key_file": "key.pem"},
        {"root": "http://h?x=1"},
        {"proxy": "socks://p"},
    ],
)
def test_an_address_that_cannot_work_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(FlowAddressError):
        FlowAddress(**({"root": "http://h", "collection": "c"} | wrong))  # type: ignore[arg-type]


def test_a_missing_certificate_file_is_named() -> None:
    with pytest.raises(FlowAddressError, match=r"no-such\.pem not found"):
        FlowAddress("https://h", "c", ca_file="no-such.pem").tls()


def test_addresses_and_errors_survive_pickling() -> None:
    address = FlowAddress("http://h", "c", login="me", password="hunter2")
    assert pickle.loads(pickle.dumps(address)) == address  # noqa: S301
    for error in (
        FlowRequestError("no", status=409, flow_message="conflict"),
        FlowUnavailableError("busy", retry_after_s=3.0),
    ):
        copy = pickle.loads(pickle.dumps(error))  # noqa: S301
        assert isinstance(copy, FlowError)
        assert (str(copy), vars(copy)) == (str(error), vars(error))


SECRET = "s3cr3t"


@pytest.mark.parametrize(
    "url",
    [
        f"http://admin:pa/{SECRET}@flow:8983",
        f"http://admin:1/{SECRET}@flow:8983",
        f"http://admin:pa?{SECRET}@flow:8983",
        f"http://admin:pa#{SECRET}@flow:8983",
        f"http://admin:1?{SECRET}@flow:8983",
        f"http://admin:[{SECRET}@flow:8983",
        f"admin:{SECRET}@flow:8983",
        f"//admin:{SECRET}@flow:8983",
        f"http:/admin:{SECRET}@flow:8983",
        f"htp://admin:{SECRET}@flow:8983",
        f"http://admin:{SECRET}",
        f"http://admin:{SECRET}flow:8983",
        f"http://flow:8983/?password={SECRET}",
        f"http://flow:8983/#{SECRET}",
        f"http://admin:{SECRET}@",
        f"http://admin:{SECRET}@flow:port",
    ],
)
def test_a_password_is_in_no_error_however_the_address_was_written(url: str) -> None:
    for make in (
        lambda: FlowAddress.parse(url, "c"),
        lambda: FlowAddress(root=url, collection="c"),
        lambda: FlowAddress(root="http://flow", collection="c", proxy=url),
    ):
        assert SECRET not in _told(make)


def _told(make: Callable[[], FlowAddress]) -> str:
    """All that is shown of an address, or of the error and what has caused it."""
    try:
        address = make()
    except FlowAddressError as error:
        return "".join(traceback.format_exception(error))
    return f"{address!r} {address} {address.core_url} {address.update_url}"


def test_an_at_in_a_password_is_understood() -> None:
    address = FlowAddress.parse(f"http://admin:{SECRET}@@flow:8983", "c")
    assert (address.login, address.password, address.root) == ("admin", f"{SECRET}@", "http://flow:8983")
