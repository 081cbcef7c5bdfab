"""The Airflow connection to Flow, against the live server."""

from __future__ import annotations

import json

import pytest

from include.dedupe.errors import ConfigError
from include.orchestration.hook import FlowHook
from tests.support.embedded_server import EmbeddedServer
from tests.support.small_collection import COPIES, ORIGINALS


def hook(monkeypatch: pytest.MonkeyPatch, connection: dict[str, object], collection: str) -> FlowHook:
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_TEST", json.dumps({"conn_type": "http", **connection}))
    return FlowHook("flow_test", collection)


def test_a_connection_that_works_says_how_many_documents_there_are(
    flow_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = flow_server.base.removeprefix("http://").split(":")
    connection = {"host": host, "port": int(port), "extra": {"timeout": 5}}
    tested = hook(monkeypatch, connection, "my-collection")
    documents = len(ORIGINALS) + len(COPIES)
    assert tested.test_connection() == (True, f"The collection my-collection holds {documents} documents.")
    assert tested.get_address().timeout_s == 5.0


def test_a_connection_that_does_not_work_says_why(
    flow_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    works, message = hook(monkeypatch, {"host": flow_server.base}, "nobody").test_connection()
    assert not works
    assert "'nobody'" in message


def test_a_connection_that_is_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match="set AIRFLOW_CONN_FLOW_NOBODY"):
        FlowHook("flow_nobody", "photos").get_address()


def test_a_url_without_its_scheme_names_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_TEST", "localhost:8983")
    works, message = FlowHook("flow_test", "photos").test_connection()
    assert not works
    assert "connection 'flow_test' leads to no Flow (a URL needs its http://)" in message


def test_a_login_is_sent_and_never_shown(
    flow_server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow_server.fault("unauthorized", token="Basic bWU6c2VjcmV0")
    right = {"host": flow_server.base, "login": "me", "password": "secret"}
    assert hook(monkeypatch, right, "my-collection").test_connection()[0]
    works, message = hook(monkeypatch, {**right, "password": "wr0ng"}, "my-collection").test_connection()
    assert not works
    assert "401" in message
    assert "wr0ng" not in message
