"""/duplicates tells all that searching document by document finds, also a pair that only one side sees."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import requests

from include.detector.imaging import Descriptor, analyze
from include.detector.imaging.landmarks import ACROSS, UNSURE, WORD, part_of, read_landmarks
from tests.support.embedded_server import EmbeddedServer, launch
from tests.support.small_collection import PHOTOS

if TYPE_CHECKING:
    from collections.abc import Iterator

WHOLES = {
    "a": "sklearn-china.jpg",
    "d": "skimage-coffee.jpg",
    "e": "gcompris-moose.jpg",
    "h": "skimage-rocket.jpg",
}
PART_OF = {"b": "a", "c": "d", "f": "e", "g": "h", "x": "a", "0": "h"}
"""Ids of parts and wholes: the smaller id is now the one's, now the other's; pages end between them."""
HIDDEN_IN = {"k": "d", "1": "e"}
"""Ids of pictures with the landmarks of another, which only a search for the other one takes for its own."""
COPIES = {"i": "a", "j": "a"}
PAGE_SIZES = (1, 2, 3, 5, 1000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedServer]:
    running = launch(tmp_path_factory.mktemp("parts"))
    documents = [
        {"id": name, "kind_s": kind, "import": descriptor.to_outputs()}
        for name, (kind, descriptor) in descriptors().items()
    ]
    answer = requests.post(f"{running.url}/update?commit=true", json=documents, timeout=60)
    answer.raise_for_status()
    yield running
    running.stop()


def descriptors() -> dict[str, tuple[str, Descriptor]]:
    """Pictures of which one corner looks like a part, and parts that look like nothing as a whole."""
    random = np.random.default_rng(5)
    made = {name: ("whole", analyze((PHOTOS / photo).read_bytes())) for name, photo in WHOLES.items()}
    for name, of in PART_OF.items():
        whole = made[of][1]
        corner = 3 + (name in "x0")
        vectors = random.normal(0, 32, (6, 256)).clip(-127, 127).astype(np.int8)
        hashes = {"pdq": random.bytes(32), "pdq_content": random.bytes(32)}
        content_hash = name.encode().hex() * 32
        made[name] = (
            "part",
            replace(whole, content_hash=content_hash, embedding=vectors.tobytes(), landmarks=b"", **hashes),
        )
        seen = np.frombuffer(whole.embedding, np.int8).reshape(6, 256).copy()
        seen[corner] = vectors[0]
        made[of] = "whole", replace(whole, embedding=seen.tobytes())
    for name, of in HIDDEN_IN.items():
        embedding = random.normal(0, 32, (6, 256)).clip(-127, 127).astype(np.int8).tobytes()
        hashes = {"pdq": random.bytes(32), "pdq_content": random.bytes(32)}
        made[name] = (
            "part",
            replace(
                made[of][1],
                content_hash=name.encode().hex() * 32,
                embedding=embedding,
                landmarks=seen_from_one_side(made[of][1].landmarks),
                **hashes,
            ),
        )
    for name, of in COPIES.items():
        made[name] = "whole", replace(made[of][1], content_hash=name.encode().hex() * 32)
    return made


def seen_from_one_side(landmarks: bytes) -> bytes:
    """Moved landmarks that are among those that others may be, but are sure of bits in which these differ."""
    marks = read_landmarks(landmarks)
    unsure = part_of(marks, UNSURE)
    bit = unsure & -unsure
    word = part_of(marks, WORD) ^ bit
    sure = unsure ^ bit
    rest = (marks & np.uint64((1 << UNSURE[0]) - 1)) + np.uint64(40 << ACROSS[0])
    return (
        word.astype(np.uint64) << np.uint64(WORD[0]) | sure.astype(np.uint64) << np.uint64(UNSURE[0]) | rest
    ).tobytes()


def ask(server: EmbeddedServer, handler: str, parameters: dict[str, Any]) -> dict[str, Any]:
    answer = requests.get(f"{server.url}/{handler}", parameters, timeout=60)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def hits_of(server: EmbeddedServer, name: str, search_fq: str = "*:*") -> dict[str, float]:
    asked = {"rank.by.id": name, "fl": "id,score", "rows": 100, "fq": search_fq}
    docs = ask(server, "duplicate", asked)["response"]["docs"]
    return {hit["id"]: hit["score"] for hit in docs if hit["id"] != name}


def joined(server: EmbeddedServer, rows: int, fq: str, search_fq: str) -> Iterator[tuple[str, str, float]]:
    mark, following = "", "*"
    while mark != following:
        mark = following
        asked = {"rows": rows, "cursorMark": mark, "fl": "id,score", "fq": fq, "search.fq": search_fq}
        answer = ask(server, "duplicates", asked)
        for document in answer["response"]["docs"]:
            yield from ((document["id"], hit["id"], hit["score"]) for hit in document["hits"])
        following = answer["nextCursorMark"]


def test_the_parts_are_seen_by_the_wholes_only(server: EmbeddedServer) -> None:
    for name, of in (PART_OF | HIDDEN_IN).items():
        assert name in hits_of(server, of)
        assert of not in hits_of(server, name)


@pytest.mark.parametrize("rows", PAGE_SIZES)
@pytest.mark.parametrize("search_fq", ["*:*", "kind_s:part", "-kind_s:part"])
@pytest.mark.parametrize("fq", ["*:*", "kind_s:part", "-kind_s:part"])
def test_pages_of_any_size_tell_what_one_search_for_each_document_finds(
    server: EmbeddedServer, rows: int, fq: str, search_fq: str
) -> None:
    kinds = {"*:*": ("whole", "part"), "kind_s:part": ("part",), "-kind_s:part": ("whole",)}[fq]
    scanned = [name for name, (kind, _) in descriptors().items() if kind in kinds]
    expected = {}
    for name in scanned:
        for other, score in hits_of(server, name, search_fq).items():
            expected[frozenset((name, other))] = score
    found = list(joined(server, rows, fq, search_fq))
    assert {frozenset((one, other)): score for one, other, score in found} == expected
    assert len(found) == len(expected)
