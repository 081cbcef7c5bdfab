"""Turned copies are among the candidates, and only where they count."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from include.detector.comparing.orientation import ALL, MIRRORED, UPRIGHT, Orientation, orientations
from include.detector.imaging import analyze
from include.detector.imaging.descriptor import Descriptor
from include.flow_server.index import DuplicateIndex, SearchOptions
from include.flow_server.index.turned import TurnedHashes
from tests.support.drawn import file, structured

TURNED = 3  # the picture whose copies are searched for


def copy(orientation: Orientation) -> Descriptor:
    pixels = np.ascontiguousarray(orientation.grid(np.asarray(structured(TURNED))))
    return analyze(file(Image.fromarray(pixels)))


@pytest.fixture(scope="module")
def descriptors() -> dict[int, Descriptor]:
    return {number: analyze(file(structured(number))) for number in range(8)}


def index_of(descriptors: dict[int, Descriptor], *, mirror: bool = True, turn: bool = True) -> DuplicateIndex:
    index = DuplicateIndex(
        lambda keys: {key: descriptors[key] for key in keys}, mirror=mirror, turn=turn, comparers=None
    )
    index.add(descriptors.items())
    return index


@pytest.mark.parametrize("orientation", ALL[1:])
def test_a_turned_copy_is_near_its_original_and_nothing_else(
    descriptors: dict[int, Descriptor], orientation: Orientation
) -> None:
    (hit,) = index_of(descriptors).search(copy(orientation), SearchOptions(), explain=True)
    assert hit.key == TURNED
    assert 0.70 <= hit.score < 0.95
    assert hit.explanation is not None
    assert (hit.explanation.mirrored, hit.explanation.turned) == (
        orientation.flipped,
        90 * orientation.quarters,
    )


@pytest.mark.parametrize("orientation", ALL)
@pytest.mark.parametrize(("mirror", "turn"), [(False, True), (True, False), (False, False)])
def test_what_is_switched_off_is_not_found(
    descriptors: dict[int, Descriptor], orientation: Orientation, mirror: bool, turn: bool
) -> None:
    index = index_of(descriptors, mirror=mirror, turn=turn)
    found = [hit.key for hit in index.search(copy(orientation), SearchOptions())]
    counts = orientation in (UPRIGHT, *orientations(mirror=mirror, turn=turn))
    assert found == ([TURNED] if counts else [])


def test_of_a_turned_copy_each_document_finds_the_other(descriptors: dict[int, Descriptor]) -> None:
    both = descriptors | {8: copy(ALL[1])}
    hits = index_of(both).search_all(list(both.values()), SearchOptions())
    found = {(key, hit.key) for key, each in zip(both, hits, strict=True) for hit in each if hit.key != key}
    assert found == {(TURNED, 8), (8, TURNED)}


def test_rows_move_up_when_others_go(descriptors: dict[int, Descriptor]) -> None:
    hashes = TurnedHashes(ALL[1:])
    hashes.add([descriptors[number].pdq_content for number in range(4)])
    hashes.add([descriptors[number].pdq_content for number in range(4, 8)])
    hashes.keep(np.arange(8) != 1)
    rows, numbers, distances = hashes.search([descriptors[0].pdq_content, copy(MIRRORED).pdq_content])
    assert (rows.tolist(), numbers.tolist()) == ([TURNED - 1], [1])
    assert distances.max() <= 42
