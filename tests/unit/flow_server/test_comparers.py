"""Comparing in processes gives what comparing here does, and a process that dies loses nothing."""

from __future__ import annotations

import os
import signal
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.imaging import Descriptor
from include.flow_server.comparers import Comparers
from include.flow_server.index import DuplicateIndex, SearchOptions
from tests.support.cropped import photos_and_crops

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def descriptors() -> list[Descriptor]:
    return photos_and_crops(10, 10, 20, 15)


@pytest.fixture
def comparers() -> Iterator[Comparers]:
    made = Comparers(2)
    yield made
    made.close()


def test_scores_are_those_of_one_by_one(
    monkeypatch: pytest.MonkeyPatch, comparers: Comparers, descriptors: list[Descriptor]
) -> None:
    pairs = list(combinations(descriptors, 2))
    alone = [score_pair(Thumb.of(one), Thumb.of(other), mirror=True) for one, other in pairs]
    assert comparers.scores(pairs, mirror=True) == alone
    assert comparers.scores(pairs[:1], mirror=True) == alone[:1]
    assert comparers.scores([], mirror=True) == []
    monkeypatch.setattr("include.flow_server.comparers.LEAST_SHARE", 1)
    assert comparers.scores(pairs, mirror=True) == alone


def test_a_process_that_dies_loses_nothing(comparers: Comparers, descriptors: list[Descriptor]) -> None:
    pairs = list(combinations(descriptors, 2))
    before = comparers.scores(pairs, mirror=True)
    for _ in range(2):
        for process in list(comparers._running()._processes):
            os.kill(process, signal.SIGKILL)
        assert comparers.scores(pairs, mirror=True) == before


def test_a_page_finds_what_each_picture_finds_alone(
    monkeypatch: pytest.MonkeyPatch, comparers: Comparers, descriptors: list[Descriptor]
) -> None:
    monkeypatch.setattr("include.flow_server.index.scores.MANY", 1)

    def index(comparers: Comparers | None) -> DuplicateIndex:
        made = DuplicateIndex(lambda keys: {key: descriptors[key] for key in keys}, comparers=comparers)
        made.add(enumerate(descriptors))
        return made

    together = index(comparers).search_all(descriptors, SearchOptions(), explain=True)
    assert [[hit.key for hit in hits] for hits in together] == [
        [number, (number + 4) % 8] for number in range(8)
    ]
    assert together == [index(None).search(one, SearchOptions(), explain=True) for one in descriptors]
