"""Keypoints that were found once are kept: the same ones, for other processes too, and never another's."""

from __future__ import annotations

import pickle
import sqlite3
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.imaging import Descriptor, analyze_whole
from include.detector.imaging.keypoints import ROW, Keypoints
from include.flow_server.comparers import Comparers
from include.flow_server.index.keypoint_file import KeypointFile
from tests.support.cropped import PHOTOS, photos_and_crops

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def descriptors() -> list[Descriptor]:
    return photos_and_crops(60, 40, 90, 50)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[KeypointFile]:
    made = KeypointFile(tmp_path / "keypoints.sqlite")
    yield made
    made.close()


def never() -> Keypoints:
    raise AssertionError("keypoints were found although they are kept")


def stored(path: Path) -> list[str]:
    with sqlite3.connect(path) as connection:
        return [
            content for (content,) in connection.execute("SELECT content FROM keypoints ORDER BY content")
        ]


def test_kept_keypoints_are_those_that_were_found(kept: KeypointFile, descriptors: list[Descriptor]) -> None:
    found = [Thumb.of(one, kept).keypoints for one in descriptors]
    kept.flush()
    again = KeypointFile(kept.path)
    for descriptor, own in zip(descriptors, found, strict=True):
        other = again.keypoints(descriptor, never)
        assert np.array_equal(own.points, other.points)
        assert np.array_equal(own.scales, other.scales)
        assert np.array_equal(own.angles, other.angles)
        assert np.array_equal(own.codes, other.codes)
    again.close()


def test_comparisons_use_what_the_analysis_found(kept: KeypointFile) -> None:
    analysis = analyze_whole(PHOTOS[0].read_bytes())
    kept.keep([analysis])
    again = KeypointFile(kept.path)
    found, own = again.keypoints(analysis.descriptor, never), Thumb.of(analysis.descriptor).keypoints
    assert found.to_bytes() == own.to_bytes()
    again.close()


def test_a_picture_without_keypoints_is_kept_too(kept: KeypointFile, descriptors: list[Descriptor]) -> None:
    none = Keypoints.from_bytes(b"")
    kept.keypoints(descriptors[0], lambda: none)
    kept.flush()
    assert len(kept.keypoints(descriptors[0], never).scales) == 0


def test_scores_are_the_same_by_other_processes(kept: KeypointFile, descriptors: list[Descriptor]) -> None:
    pairs = list(combinations(descriptors, 2))
    alone = [score_pair(Thumb.of(one), Thumb.of(other), mirror=True) for one, other in pairs]
    comparers = Comparers(2)
    try:
        assert comparers.scores(pairs, mirror=True, kept=kept) == alone
        assert stored(kept.path)
        assert comparers.scores(pairs, mirror=True, kept=pickle.loads(pickle.dumps(kept))) == alone  # noqa: S301
    finally:
        comparers.close()
    assert [
        score_pair(Thumb.of(one, kept), Thumb.of(other, kept), mirror=True) for one, other in pairs
    ] == alone


def test_another_picture_of_a_document_has_its_own(kept: KeypointFile, descriptors: list[Descriptor]) -> None:
    """Even if somebody made up a descriptor with a content hash that is another's."""
    before, after = descriptors[0], replace(descriptors[1], content_hash=descriptors[0].content_hash)
    assert len(Thumb.of(before, kept).keypoints.scales) > 0
    kept.flush()
    found = Thumb.of(after, kept).keypoints
    assert np.array_equal(found.codes, Thumb.of(after).keypoints.codes)


def test_pictures_that_nobody_has_are_forgotten(kept: KeypointFile, descriptors: list[Descriptor]) -> None:
    for descriptor in descriptors[:3]:
        kept.keypoints(descriptor, lambda: Keypoints.from_bytes(b"\0" * ROW))
    kept.flush()
    kept.keep_only({descriptors[1].content_hash}.__contains__)
    assert stored(kept.path) == [descriptors[1].content_hash]


@pytest.mark.parametrize("damage", [b"no database at all" * 500, b""], ids=["damaged", "emptied"])
def test_a_file_that_cannot_be_read_costs_time_alone(
    tmp_path: Path, descriptors: list[Descriptor], damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keypoints.sqlite"
    path.write_bytes(damage)
    kept = KeypointFile(path)
    found = Thumb.of(descriptors[0], kept).keypoints
    assert np.array_equal(found.codes, Thumb.of(descriptors[0]).keypoints.codes)
    kept.flush()
    kept.keep_only(lambda _: True)
    kept.close()
    assert [record.getMessage().startswith(str(path)) for record in caplog.records] == [True] * bool(damage)


def test_keypoints_cut_short_are_found_anew(kept: KeypointFile, descriptors: list[Descriptor]) -> None:
    found = Thumb.of(descriptors[0], kept).keypoints
    kept.flush()
    with sqlite3.connect(kept.path) as connection:
        connection.execute("UPDATE keypoints SET keypoints = x'001122'")
    assert np.array_equal(Thumb.of(descriptors[0], kept).keypoints.codes, found.codes)
