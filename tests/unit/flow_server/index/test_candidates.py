"""Stage 1 against what comparing each with each gives, and many queries against one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from include.detector.imaging import Descriptor
from include.detector.imaging.descriptor import DESCRIPTOR_VERSION
from include.detector.imaging.embedding import LEVELS
from include.flow_server.index import DuplicateIndex, SearchOptions, embeddings, lists
from include.flow_server.index.candidates import HASH_RANGE, Candidates, _bits, vectors

LEAST = 0.4


def descriptors(count: int, seed: int) -> list[Descriptor]:
    """Pictures in groups that are close to each other by embedding, by hash, or by a part."""
    random = np.random.default_rng(seed)
    centres = random.normal(0, 30, (8, 6, 256))
    hashes = random.integers(0, 256, (8, 32), np.uint8)
    made = []
    for number in range(count):
        codes = 0.5 * random.permutation(centres[number % 8]) + random.normal(0, 22, (6, 256))
        flips = np.packbits(random.random(256) < random.choice([0.1, 0.25, 0.5]))
        made.append(
            Descriptor(
                version=DESCRIPTOR_VERSION,
                width=100,
                height=100,
                byte_size=0,
                format="PNG",
                content_hash=f"{number:064x}",
                beside="",
                frames=1,
                behind=0,
                flat=False,
                pdq=(hashes[number % 8] ^ flips).tobytes(),
                pdq_content=random.bytes(32),
                pdq_quality=100,
                embedding=codes.round().clip(-127, 127).astype(np.int8).tobytes(),
                landmarks=b"",
                layout=b"",
                thumbnail=b"",
            )
        )
    return made


def closeness(query: Descriptor, other: Descriptor) -> float:
    similar = float((vectors(query) @ vectors(other)[0]).max()) / LEVELS**2
    distances = [
        int(np.bitwise_count(_bits(own) ^ _bits(its)).sum())
        for own in (query.pdq, query.pdq_content)
        for its in (other.pdq, other.pdq_content)
    ]
    return max(similar, 1 - min(distances) / HASH_RANGE)


@pytest.mark.parametrize("allowed", [None, np.arange(3, 90, 3), np.zeros(0, np.int64)])
@pytest.mark.parametrize("dropped", [(), (0,), (0, 1, 2, 3)])
def test_the_nearest_are_those_of_comparing_with_every_document(
    monkeypatch: pytest.MonkeyPatch, allowed: NDArray[np.int64] | None, dropped: tuple[int, ...]
) -> None:
    monkeypatch.setattr(embeddings, "BLOCK", 16)
    monkeypatch.setattr(embeddings, "AT_ONCE", 7)
    known = dict(enumerate(descriptors(120, seed=1)))
    candidates = Candidates()
    candidates.add(list(known.items())[:50])
    candidates.add(list(known.items())[50:])
    for number in dropped:
        candidates.remove([key for key in known if key % 5 == number])
    there = {
        key: one
        for key, one in known.items()
        if key % 5 not in dropped and (allowed is None or key in allowed)
    }
    queries = list(known.values())[:20]
    most = [number % 4 * 2 for number in range(20)]
    found = candidates.nearest_of(queries, most, LEAST, allowed=allowed)
    for query, limit, nearest in zip(queries, most, found, strict=True):
        close = [(-closeness(query, other), key) for key, other in there.items()]
        expected = sorted(pair for pair in close if -pair[0] > LEAST)[:limit]
        assert [(-candidate.closeness, candidate.key) for candidate in nearest] == expected
    assert allowed is not None or len(dropped) > 1 or max(map(len, found)) == 6


def test_a_bound_on_what_is_held_at_once_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    known = list(enumerate(descriptors(120, seed=2)))
    candidates = Candidates()
    candidates.add(known)
    queries = [descriptor for _, descriptor in known]
    free = candidates.nearest_of(queries, [6] * 120, LEAST)
    monkeypatch.setattr(embeddings, "BLOCK", 16)
    monkeypatch.setattr("include.flow_server.index.candidates.MOST_FOUND", 10)
    assert candidates.nearest_of(queries, [6] * 120, LEAST) == free


@pytest.mark.parametrize("approximate", [False, True])
def test_many_queries_find_what_each_finds_alone(
    monkeypatch: pytest.MonkeyPatch, *, approximate: bool
) -> None:
    """Also where more documents are close than may fail, so that a search asks for more of them."""
    monkeypatch.setattr(
        "include.flow_server.index.scores.score_pair",
        lambda one, other, **_: float(int(one.content_hash, 16) % 3 == int(other.content_hash, 16) % 3),
    )
    monkeypatch.setattr(
        "include.detector.comparing.thumb.Thumb.of", lambda descriptor, _: _Prepared(descriptor.content_hash)
    )
    known = dict(enumerate(descriptors(300, seed=3)))
    known |= {key + 300: replace(known[key], flat=key % 2 == 0) for key in range(9)}
    index = DuplicateIndex(lambda keys: {key: known[key] for key in keys})
    index.add(known.items())
    options = SearchOptions(approximate=approximate, smartfilter="high")
    alone = {key: index.search(descriptor, options) for key, descriptor in known.items()}
    together = index.search_all(list(known.values()), options)
    assert together == list(alone.values())
    found_by = {key: {hit.key for hit in hits} for key, hits in alone.items()}
    similar = {key: {other for other in known if other % 3 == key % 3} for key in known}
    asked = [(known[key], similar[key]) for key in known]
    assert index.finders(asked, options) == [similar[key] & found_by[key] for key in known]


class _Prepared:
    """Stands for a thumbnail where only the candidates are looked at."""

    def __init__(self, content_hash: str) -> None:
        self.content_hash = content_hash

    def nbytes(self) -> int:
        return 1


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are learnt from a hundred documents."""
    monkeypatch.setattr("include.flow_server.index.candidates.LEAST_HASHES", 100)


def learn(candidates: Candidates) -> None:
    """Has lists learnt, and waits until they are."""
    candidates.nearest_of(descriptors(1, seed=0), [8], LEAST, approximate=True)
    lists.LEARNING.submit(int).result()


@pytest.mark.usefixtures("few_are_many")
@pytest.mark.parametrize("meanwhile", [False, True], ids=["learnt before", "learnt meanwhile"])
@pytest.mark.parametrize("allowed", [None, np.arange(3, 400, 3)])
def test_all_lists_together_hold_what_an_approximate_search_without_them_finds(
    monkeypatch: pytest.MonkeyPatch, allowed: NDArray[np.int64] | None, *, meanwhile: bool
) -> None:
    """Also of documents that were added, deleted and replaced since the lists were learnt."""
    monkeypatch.setattr(lists, "PROBED", 1.0)
    known, others = descriptors(300, seed=4), descriptors(120, seed=5)
    queries, limits = known[::7] + others[::7], [400] * len(known[::7] + others[::7])
    listed, plain = Candidates(), Candidates()
    for candidates in (listed, plain):
        candidates.add(list(enumerate(known)))
        if candidates is listed:
            learn(candidates)
            assert meanwhile or candidates._lists()
        candidates.remove(range(0, 300, 5))
        candidates.add([(5 * number, other) for number, other in enumerate(others[:60])])
        candidates.add([(300 + number, other) for number, other in enumerate(others[60:])])
    found = listed.nearest_of(queries, limits, LEAST, allowed=allowed, approximate=True)
    assert listed._lists()
    monkeypatch.setattr("include.flow_server.index.candidates.LEAST_HASHES", 10_000)
    assert found == plain.nearest_of(queries, limits, LEAST, allowed=allowed, approximate=True)
    assert max(map(len, found)) > 4


@pytest.mark.usefixtures("few_are_many")
def test_lists_are_learnt_anew_once_the_collection_has_outgrown_them() -> None:
    candidates = Candidates()
    known = list(enumerate(descriptors(600, seed=6)))
    candidates.add(known[:100])
    learn(candidates)
    (first, _) = candidates._lists()
    candidates.add(known[100:])
    learn(candidates)
    assert candidates._lists()[0] is not first
    found = candidates.nearest_of([one for _, one in known], [1] * 600, LEAST, approximate=True)
    assert [nearest[0].key for nearest in found] == list(range(600))
