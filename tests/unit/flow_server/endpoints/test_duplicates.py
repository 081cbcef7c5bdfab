"""/duplicate and /duplicates over a folder with two copies of one picture."""

from __future__ import annotations

import base64
import json
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.embedded_server import EmbeddedServer

COPIES = ["a-copy.jpg", "a.png", "sub/a-copy.jpg"]


def ask(server: EmbeddedServer, handler: str, **parameters: Any) -> Any:
    named = {name.replace("__", "."): value for name, value in parameters.items()}
    answer = requests.get(f"{server.url}/{handler}", named, timeout=60)
    answer.raise_for_status()
    return answer.json()


def pages(server: EmbeddedServer, **parameters: Any) -> Iterator[dict[str, Any]]:
    mark, following = "", "*"
    while mark != following:
        mark = following
        answer = ask(server, "duplicates", cursorMark=mark, **parameters)
        yield from answer["response"]["docs"]
        following = answer["nextCursorMark"]


def pairs(server: EmbeddedServer, **parameters: Any) -> list[tuple[str, str]]:
    return [(one["id"], hit["id"]) for one in pages(server, **parameters) for hit in one["hits"]]


def test_a_document_finds_its_copies_and_itself_first(synced: EmbeddedServer) -> None:
    response = ask(synced, "duplicate", rank__by__id="a.png", fl="id,score")["response"]
    assert response["docs"][0] == {"id": "a.png", "score": 1.0}
    assert sorted(one["id"] for one in response["docs"]) == COPIES
    assert response["numFound"] == 3
    assert response["maxScore"] == 1.0


def test_fq_restricts_the_hits_and_rows_the_page(synced: EmbeddedServer) -> None:
    hits = ask(synced, "duplicate", rank__by__id="a.png", fq="-id:a.png", fl="id", rows=1)["response"]
    assert hits["numFound"] == 2
    assert len(hits["docs"]) == 1
    inside = ask(synced, "duplicate", rank__by__id="a.png", fq="folder_s:sub", fl="id")["response"]
    assert [one["id"] for one in inside["docs"]] == ["sub/a-copy.jpg"]


def test_start_goes_on_where_the_page_before_ended(synced: EmbeddedServer) -> None:
    whole = ask(synced, "duplicate", rank__by__id="a.png", fl="id,score")["response"]["docs"]
    parts = [
        ask(synced, "duplicate", rank__by__id="a.png", fl="id,score", start=start, rows=1)["response"]
        for start in range(4)
    ]
    assert [one for part in parts for one in part["docs"]] == whole
    assert [part["numFound"] for part in parts] == [3] * 4


@pytest.mark.parametrize("approximate", ["true", "FALSE"])
@pytest.mark.parametrize("level", ["off", "low", "medium", "high", "extreme"])
def test_every_level_finds_plain_copies(synced: EmbeddedServer, approximate: str, level: str) -> None:
    search = {"rank__by__id": "a.png", "rank__approximate": approximate, "rank__smartfilter": level}
    response = ask(synced, "duplicate", fl="id", rank__treshold="0.99", **search)["response"]
    assert sorted(one["id"] for one in response["docs"]) == COPIES


def test_an_analysed_picture_finds_what_its_file_finds(synced: EmbeddedServer) -> None:
    data = (synced.images / "a.png").read_bytes()  # type: ignore[operator]
    text = base64.b64encode(data).decode()
    form = {"input.data": f"data:image/gif;base64,{text}"}
    analysed = requests.post(f"{synced.url}/analyze?modules.apply=duplicate", form, timeout=60).json()[
        "outputs"
    ]
    by_outputs = requests.post(
        f"{synced.url}/duplicate",
        {"rank.by.preprocessed": json.dumps(analysed), "fl": "id,score"},
        timeout=60,
    ).json()
    by_data = requests.post(
        f"{synced.url}/duplicate", {"rank.by.data": text, "fl": "id,score"}, timeout=60
    ).json()
    by_id = ask(synced, "duplicate", rank__by__id="a.png", fl="id,score")
    assert by_outputs["response"]["docs"] == by_data["response"]["docs"] == by_id["response"]["docs"]


def test_python_spelling_of_booleans_is_understood(synced: EmbeddedServer) -> None:
    answer = ask(
        synced, "duplicate", rank__by__id="a.png", rank__approximate="False", rank__smartfilter="off"
    )
    assert answer["response"]["numFound"] == 3


def test_an_unknown_id_finds_nothing(synced: EmbeddedServer) -> None:
    assert ask(synced, "duplicate", rank__by__id="nothing")["response"]["numFound"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"rank.by.id": "a.png", "rank.by.url": "http://example.org/a.png"},
        {"rank.by.id": "a.png", "rank.threshold": "2"},
        {"rank.by.id": "a.png", "rank.threshold": "abc"},
        {"rank.by.id": "a.png", "rank.smartfilter": "some"},
        {"rank.by.id": "a.png", "rank.approximate": "maybe"},
        {"rank.by.id": "a.png", "rank.mode": "color"},
        {"rank.by.id": "a.png", "fq": "nofield:1"},
        {"rank.by.data": "!!!"},
        {"rank.by.data": "aGVsbG8="},
        {"rank.by.preprocessed": "{}"},
        {"rank.by.preprocessed": "no json"},
        {"rank.by.url": "file:///etc/passwd"},
        {"rank.by.url": "http://127.0.0.1:1/a.png"},
        {"rank.by.url": "http://[::ffff:10.0.0.1]/a.png"},
    ],
)
def test_wrong_parameters_are_a_400_with_a_sentence(synced: EmbeddedServer, wrong: dict[str, str]) -> None:
    answer = requests.get(f"{synced.url}/duplicate", wrong, timeout=60)
    assert answer.status_code == 400
    assert len(answer.json()["error"]["msg"]) > 10


def test_a_hit_can_be_explained(synced: EmbeddedServer) -> None:
    hits = ask(synced, "duplicate", rank__by__id="a.png", fl="id,explain")["response"]["docs"]
    assert all("similarity" in hit["explain"] for hit in hits)


def test_image_ranks_without_a_threshold(synced: EmbeddedServer) -> None:
    hits = ask(synced, "image", rank__by__id="a.png", fl="id,score")["response"]["docs"]
    assert hits[0]["id"] == "a.png"
    same = ask(synced, "select", rank__by__id="a.png", fl="id,score", rank__mode="content")["response"][
        "docs"
    ]
    assert same == hits


def test_the_self_join_tells_each_pair_once_and_every_document(synced: EmbeddedServer) -> None:
    assert sorted(pairs(synced, rows=3)) == list(combinations(COPIES, 2))
    assert len(list(pages(synced, rows=3))) == 8
    assert ask(synced, "duplicates", rows=1)["response"]["numFound"] == 8


def test_the_self_join_goes_on_from_its_mark(synced: EmbeddedServer) -> None:
    first = ask(synced, "duplicates", rows=2)
    rest = list(pages(synced, rows=100))[2:]
    mark = first["nextCursorMark"]
    assert ask(synced, "duplicates", rows=100, cursorMark=mark)["response"]["docs"] == rest


@pytest.mark.parametrize("scanned", [None, "folder_s:sub", "-folder_s:sub", "filename_s:a*"])
@pytest.mark.parametrize("searched", [None, "folder_s:sub", "-folder_s:sub", "id:nothing"])
def test_the_self_join_finds_what_one_request_for_each_document_finds(
    synced: EmbeddedServer, scanned: str | None, searched: str | None
) -> None:
    scope = {"q": scanned or "*:*", "rows": 100, "fl": "id", "sort": "id asc"}
    expected = set()
    for document in ask(synced, "select", **scope)["response"]["docs"]:
        search = {"fq": searched} if searched else {}
        hits = ask(synced, "duplicate", rank__by__id=document["id"], fl="id", rows=100, **search)["response"][
            "docs"
        ]
        expected |= {frozenset((document["id"], hit["id"])) for hit in hits if hit["id"] != document["id"]}
    joined = pairs(
        synced,
        rows=2,
        **({"fq": scanned} if scanned else {}),
        **({"search__fq": searched} if searched else {}),
    )
    assert {frozenset(pair) for pair in joined} == expected
    assert len(joined) == len(expected)


def test_the_server_advertises_the_self_join(synced: EmbeddedServer) -> None:
    told = requests.get(synced.url, timeout=60).json()
    assert "duplicates" in told["capabilities"]
    assert told["detector_version"].startswith(f"{told['descriptor_version']}/")
