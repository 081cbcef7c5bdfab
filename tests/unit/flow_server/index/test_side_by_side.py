"""Batches that are searched for side by side find what queries one by one find, and compare no pair twice."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from include.detector.imaging import Descriptor, analyze
from include.flow_server.comparers import Comparers
from include.flow_server.index import DuplicateIndex, SearchOptions, finder
from include.flow_server.index.scores import MANY, Scores
from tests.support.drawn import file, structured

if TYPE_CHECKING:
    from collections.abc import Sequence

ORIGINALS, QUALITIES = 5, (30, 50, 70)
SECONDS = 60


class Gate(Comparers):
    """Counts what it is asked; the first call waits, and may then fail."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__(workers=1)
        self.asked: list[int] = []
        self.is_asked, self.may_go_on = threading.Event(), threading.Event()
        self._fails = fails

    def scores(self, pairs: Sequence[tuple[Descriptor, Descriptor]], **options: Any) -> list[float]:
        self.asked.append(len(pairs))
        if len(self.asked) == 1:
            self.is_asked.set()
            assert self.may_go_on.wait(SECONDS)
            if self._fails:
                raise OSError("out of memory")
        return super().scores(pairs, **options)


@pytest.fixture(scope="module")
def descriptors() -> dict[int, Descriptor]:
    copies = [
        file(structured(seed), "JPEG", quality=quality) for quality in QUALITIES for seed in range(ORIGINALS)
    ]
    return dict(enumerate(map(analyze, copies)))


@pytest.fixture
def gate(request: pytest.FixtureRequest) -> Gate:
    return Gate(fails=getattr(request, "param", False))


@pytest.fixture
def scores(descriptors: dict[int, Descriptor], gate: Gate) -> Scores:
    return Scores(
        lambda keys: {key: descriptors[key] for key in keys},
        1 << 20,
        mirror=True,
        turn=True,
        comparers=gate,
        kept=None,
    )


def asked(descriptors: dict[int, Descriptor]) -> list[tuple[Descriptor, dict[int, str]]]:
    """The first picture with all others."""
    hashes = {key: one.content_hash for key, one in descriptors.items()}
    return [(descriptors[0], {key: hashes[key] for key in hashes if key})]


def test_batches_find_what_single_queries_find(
    descriptors: dict[int, Descriptor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "AT_ONCE", 2)
    index = DuplicateIndex(lambda keys: {key: descriptors[key] for key in keys})
    index.add(descriptors.items())
    together = index.search_all(list(descriptors.values()), SearchOptions())
    index.forget_scores()
    assert together == [index.search(one, SearchOptions()) for one in descriptors.values()]
    assert all(len(hits) == len(QUALITIES) for hits in together)


@pytest.mark.parametrize("gate", [False, True], ids=["", "failing"], indirect=True)
def test_a_pair_under_comparison_is_waited_for_or_compared_where_that_failed(
    descriptors: dict[int, Descriptor], gate: Gate, scores: Scores, request: pytest.FixtureRequest
) -> None:
    wanted = asked(descriptors)
    assert len(wanted[0][1]) >= MANY
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(scores.of, wanted)
        assert gate.is_asked.wait(SECONDS)
        second = threads.submit(scores.of, wanted)
        gate.may_go_on.set()
        found = second.result(SECONDS)
        failed = first.exception(SECONDS)
    assert found == scores.of(wanted)
    assert len(found[0]) == len(wanted[0][1])
    if "failing" in request.node.callspec.id:
        assert isinstance(failed, OSError)
        assert len(gate.asked) == 2
    else:
        assert failed is None
        assert len(gate.asked) == 1


def test_a_search_does_not_wait_for_a_batch(
    descriptors: dict[int, Descriptor], gate: Gate, scores: Scores
) -> None:
    wanted = asked(descriptors)
    few = [(wanted[0][0], dict(list(wanted[0][1].items())[: MANY - 1]))]
    with ThreadPoolExecutor(1) as threads:
        batch = threads.submit(scores.of, wanted)
        assert gate.is_asked.wait(SECONDS)
        found = scores.of(few)
        assert not batch.done()
        gate.may_go_on.set()
    assert found[0].items() <= batch.result(SECONDS)[0].items()
