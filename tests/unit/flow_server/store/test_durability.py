"""kill -9 at any moment: what was acknowledged is there afterwards, whole, and nothing else is.

Whole means that fields, terms and the descriptor of a document are of one and the same write.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.embedded_server import EmbeddedServer

KILLS = int(os.environ.get("KILLS", "8"))
WRITERS = 3


class Ledger:
    """What one writer was told: the last acknowledged state of each id, and the one write in the air."""

    def __init__(self, writer: int, pictures: list[Any]) -> None:
        self.writer = writer
        self.pictures = pictures
        self.acknowledged: dict[str, int] = {}
        self.in_the_air: tuple[str, int] | None = None
        self.writes = 0

    def write_until_dead(self, url: str, numbers: itertools.count[int]) -> None:
        random_ = random.Random(self.writer)
        while True:
            number = next(numbers)
            name = f"w{self.writer}-{random_.randrange(12)}"
            self.in_the_air = (name, number)
            body = [{"id": name, "n_i": number, "twin_i": number, "labels": [str(number), f"x{number}"]}]
            body[0]["import"] = self.pictures[number % len(self.pictures)]
            try:
                answer = requests.post(f"{url}/update?commit=true", json=body, timeout=60)
            except requests.exceptions.RequestException:
                return
            assert answer.status_code == 200, answer.text
            self.acknowledged[name] = number
            self.in_the_air = None
            self.writes += 1


def stored(url: str) -> dict[str, dict[str, Any]]:
    answer = requests.get(f"{url}/select", {"rows": "1000", "fl": "*,import"}, timeout=60).json()
    return {document["id"]: document for document in answer["response"]["docs"]}


@pytest.mark.timeout(900)  # dozens of starts of the server, on a machine that is busy
def test_kill_9_loses_no_acknowledged_commit_and_leaves_no_half_document(
    start_server: Callable[..., EmbeddedServer], synced: EmbeddedServer, tmp_path: Path
) -> None:
    pictures = [stored(synced.url)[name]["import"] for name in ("a.png", "b.png")]
    ledgers = [Ledger(writer, pictures) for writer in range(WRITERS)]
    numbers = itertools.count(1)
    for kill in range(KILLS):
        server = start_server(tmp_path / "data")
        url = server.collection_url("my-collection", "/solr/")
        _check(url, ledgers)
        threads = [threading.Thread(target=one.write_until_dead, args=(url, numbers)) for one in ledgers]
        for thread in threads:
            thread.start()
        _wait_for_writes(ledgers)
        time.sleep(0.1 * random.Random(kill).random())
        server.kill()
        for thread in threads:
            thread.join()
    server = start_server(tmp_path / "data")
    _check(server.collection_url("my-collection", "/solr/"), ledgers)
    assert sum(len(ledger.acknowledged) for ledger in ledgers) > WRITERS


def _wait_for_writes(ledgers: list[Ledger]) -> None:
    """Each writer is told of a few, however busy the machine is."""
    wanted = [ledger.writes + 3 for ledger in ledgers]
    deadline = time.monotonic() + 120
    while any(ledger.writes < least for ledger, least in zip(ledgers, wanted, strict=True)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _check(url: str, ledgers: list[Ledger]) -> None:
    documents = stored(url)
    for ledger in ledgers:
        for name, number in ledger.acknowledged.items():
            possible = {number}
            if ledger.in_the_air and ledger.in_the_air[0] == name:
                possible.add(ledger.in_the_air[1])
            assert documents[name]["n_i"] in possible
        for name, document in documents.items():
            if name.startswith(f"w{ledger.writer}-"):
                ledger.acknowledged[name] = document["n_i"]
    for name, document in documents.items():
        number = document["n_i"]
        assert document["twin_i"] == number
        assert document["import"] == ledgers[0].pictures[number % 2]
        assert document["labels"] == [str(number), f"x{number}"]
        query = {"q": f"id:{name} AND n_i:{number} AND labels:x{number} AND _text_:{number}", "rows": "0"}
        assert requests.get(f"{url}/select", query, timeout=60).json()["response"]["numFound"] == 1
    for parity, outputs in enumerate(ledgers[0].pictures):
        query = {"rank.by.preprocessed": json.dumps(outputs), "rows": "1000", "fl": "id"}
        hits = requests.post(f"{url}/duplicate", query, timeout=60).json()["response"]["docs"]
        same = {name for name, document in documents.items() if document["n_i"] % 2 == parity}
        assert {hit["id"] for hit in hits} == same
    facet = {"rows": "0", "facet": "true", "facet.field": "n_i", "facet.limit": "-1"}
    counts = requests.get(f"{url}/select", facet, timeout=60).json()["facet_counts"]["facet_fields"]["n_i"]
    assert sorted(map(int, counts[::2])) == sorted(document["n_i"] for document in documents.values())
