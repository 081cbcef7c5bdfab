"""Hundreds of queries are answered as a real Solr answered them when they were recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from include.flow_server.collection import Collection
from include.flow_server.endpoints.parameters import Parameters
from include.flow_server.endpoints.select import select
from include.flow_server.errors import FlowError
from include.flow_server.store.protocol import Add
from include.flow_server.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDED = json.loads((Path(__file__).parents[3] / "contract/solr/answers.json").read_text("utf-8"))
CASES = RECORDED["cases"]


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    store = SqliteStore(tmp_path_factory.mktemp("store") / "documents.sqlite")
    store.update(
        [
            Add(document["id"], {k: v for k, v in document.items() if k != "id"})
            for document in RECORDED["documents"]
        ]
    )
    store.commit()
    opened = Collection("recorded", store)
    yield opened
    opened.close()


@pytest.mark.parametrize("case", CASES, ids=[json.dumps(case["request"]) for case in CASES])
def test_the_answer_is_that_of_solr(collection: Collection, case: dict[str, Any]) -> None:
    pairs = [(name, value) for name, values in case["request"].items() for value in values]
    assert _answer(collection, Parameters(pairs)) == case["answer"]


def _answer(collection: Collection, parameters: Parameters) -> Any:
    try:
        body = select(collection, parameters, "http://server", 1000, 0.0)
    except FlowError as error:
        return error.status
    for name in ("responseHeader", "nextCursorMark"):
        body.pop(name, None)
    body["response"].pop("maxScore", None)
    for document in body["response"]["docs"]:
        document.pop("_version_", None)
        document.pop("score", None)
    return json.loads(json.dumps(body))
