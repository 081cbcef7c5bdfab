"""Requests that nobody meant, and the answers that they may get."""

from __future__ import annotations

from typing import Any

import requests

from tests.support.embedded_server import EmbeddedServer

SECONDS = 60


def ask(server: EmbeddedServer, handler: str, parameters: dict[str, Any]) -> None:
    answer = requests.post(f"{server.url}/{handler}", parameters, timeout=SECONDS)
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        assert answer.json()["error"]["msg"]
