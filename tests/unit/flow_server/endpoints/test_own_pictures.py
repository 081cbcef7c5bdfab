"""Addresses of the server's own pictures are read from its folder, not over the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

if TYPE_CHECKING:
    from tests.support.embedded_server import EmbeddedServer

SECONDS = 60


def test_an_address_of_this_server_is_read_from_its_folder(synced: EmbeddedServer) -> None:
    own = f"{synced.base}/images/sub/d%20e.png"
    analysed = requests.get(f"{synced.url}/analyze", {"input.url": own}, timeout=SECONDS)
    assert analysed.status_code == 200, analysed.text
    found = requests.get(f"{synced.url}/duplicate", {"rank.by.url": own}, timeout=SECONDS).json()["response"]
    assert (found["docs"][0]["id"], found["docs"][0]["score"]) == ("sub/d e.png", 1.0)
    for wrong, status in [("/images/..%2f..%2fetc/passwd", 404), ("/select", 400)]:
        answer = requests.get(f"{synced.url}/analyze", {"input.url": synced.base + wrong}, timeout=SECONDS)
        assert answer.status_code == status
    plain = requests.get(f"{synced.url}/analyze", {"input.url": "a.png"}, timeout=SECONDS)
    assert plain.status_code == 400
