from __future__ import annotations

import datetime as dt
import json
import traceback
from typing import Any

import pytest

from include.dedupe.connect import QueryFilters, address_from_connection, address_from_environment
from include.dedupe.errors import ConfigError

SETTINGS = ("flow_main", "photos")


@pytest.mark.parametrize(
    ("connection", "root"),
    [
        ({"host": "flow.example.com", "port": 8983}, "http://flow.example.com:8983"),
        ({"host": "flow.example.com", "schema": "https"}, "https://flow.example.com"),
        ({"host": "https://gateway.example.com/flow"}, "https://gateway.example.com/flow"),
        ({"host": "https://gateway.example.com/flow", "port": 8443}, "https://gateway.example.com:8443/flow"),
        ({"host": "http://10.0.0.1:8983", "port": 1}, "http://10.0.0.1:8983"),
        ({"host": "[::1]", "port": 8983}, "http://[::1]:8983"),
        ({}, "http://localhost"),
    ],
)
def test_a_connection_leads_to_flow(connection: dict[str, Any], root: str) -> None:
    address = address_from_connection(connection, "photos")
    assert (address.root, address.collection) == (root, "photos")


def test_login_tls_proxy_and_time_limit_come_from_the_connection() -> None:
    extra = {"verify": "/ca.pem", "cert": ["/me.pem", "/me.key"], "proxy": "http://proxy:3128", "timeout": 5}
    connection = {"host": "flow", "login": "me", "password": "secret", "extra": json.dumps(extra)}
    address = address_from_connection(connection, "photos")
    assert (address.login, address.password) == ("me", "secret")
    assert (address.ca_file, address.client_cert_file, address.client_key_file) == (
        "/ca.pem",
        "/me.pem",
        "/me.key",
    )
    assert (address.proxy, address.timeout_s, address.verify_tls) == ("http://proxy:3128", 5.0, True)
    assert "secret" not in repr(address)


def test_the_check_of_certificates_can_be_switched_off() -> None:
    assert not address_from_connection({"host": "flow", "extra": {"verify": False}}, "photos").verify_tls


@pytest.mark.parametrize(
    "text",
    [
        "http://flow:8983",
        '{"conn_type": "http", "host": "flow", "port": 8983}',
        "http://flow:8983/solr/photos",
    ],
)
def test_without_airflow_the_environment_says_where_flow_is(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_MAIN", text)
    assert address_from_environment(*SETTINGS).root == "http://flow:8983"


@pytest.mark.parametrize("text", ["", "flow:8983", "{not json", "http://flow:8983/api/cores/other"])
def test_an_environment_that_leads_nowhere_is_an_error(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_MAIN", text)
    with pytest.raises(ConfigError, match="AIRFLOW_CONN_FLOW_MAIN"):
        address_from_environment(*SETTINGS)


def test_filters_escape_what_they_are_given() -> None:
    filters = QueryFilters()
    assert filters.any_of("kind", ["a b", "c:d"]) == r"(kind:a\ b OR kind:c\:d)"
    assert filters.none_of("kind", ["a"]) == "(*:* -(kind:a))"
    assert filters.none_of("kind", []) == "*:*"
    assert filters.without("kind") == "(*:* -kind:[* TO *])"
    assert (
        filters.date_range("d", None, dt.datetime(2026, 4, 1, tzinfo=dt.UTC))
        == "d:[* TO 2026-04-01T00:00:00Z}"
    )


@pytest.mark.parametrize(
    "text",
    [
        "http://admin:pa/s3cr3t@flow:8983",
        "http://admin:1/s3cr3t@flow:8983",
        "admin:s3cr3t@flow:8983",
        "http://flow:8983/x?password=s3cr3t",
        '{"host": "http://admin:pa/s3cr3t@flow", "port": 8983}',
        '{"host": "admin:s3cr3t@flow", "port": 8983}',
        '{"host": "flow", "password": "s3cr3t", "login": "admin", "extra": {"token": "s3cr3t"}}',
        '{"host": "flow", "extra": {"proxy": "proxy:s3cr3t@proxy:3128"}}',
        '{"host": "flow", "password": "s3cr3t"',
    ],
)
def test_a_password_of_the_environment_is_never_told(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_DEFAULT", text)
    try:
        told = f"{address_from_environment('flow_default', 'c')!r}"
    except ConfigError as error:
        told = "".join(traceback.format_exception(error))
    assert "s3cr3t" not in told
