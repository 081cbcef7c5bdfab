"""A node that stops in the middle of an answer, as a SolrCloud of version 9.10 tells it, is asked again."""

from __future__ import annotations

import asyncio

import pytest

from include.flow_server.errors import BusyError, QuerySyntaxError
from include.flow_server.store.solr.client import SolrClient
from tests.support.scripted_flow import EMPTY, Answer, scripted_flow

SHARD = "Error from server at http://127.0.0.1:1/solr/c_shard1_replica_n1/select:"
TORN = [
    Answer({"error": {"msg": f"{SHARD} parsing error", "code": 400}}, status=400),
    Answer({"error": {"msg": f"{SHARD} Expected mime type in [a/b] but got text/html."}}, status=404),
]


def asked(*script: Answer, patience: float = 10.0) -> tuple[object, int]:
    """The answer of a Solr that follows a script, and how often it was asked."""

    async def main() -> tuple[object, int]:
        async with scripted_flow(*script) as solr:
            client = SolrClient([f"{solr.url}/solr"], patience=patience)
            return await asyncio.to_thread(client.ask, "/c/select", {"q": "*:*"}), len(solr.asked)

    return asyncio.run(main())


def test_a_question_is_asked_again_when_a_node_stops_within_its_answer() -> None:
    assert asked(*TORN, Answer(EMPTY)) == (EMPTY, 3)


def test_after_its_patience_the_server_is_busy() -> None:
    with pytest.raises(BusyError, match=r"does not answer: .*parsing error"):
        asked(TORN[0], patience=0.0)


def test_what_a_shard_finds_wrong_with_a_question_is_not_asked_again() -> None:
    wrong = Answer({"error": {"msg": f"{SHARD} org.apache.solr.search.SyntaxError: no"}}, status=400)
    with pytest.raises(QuerySyntaxError):
        asked(wrong, Answer(EMPTY))
