"""Landmarks hold of each keypoint what parts are found by, in eight bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from include.detector.imaging import Descriptor, analyze
from include.detector.imaging.keypoints import ENTRIES, MOST, Keypoints
from include.detector.imaging.landmarks import (
    ACROSS,
    DIRECTION,
    DOWN,
    MARK_BYTES,
    SIZE,
    UNSURE,
    UNSURE_BITS,
    WORD,
    landmarks,
    part_of,
    project,
    read_landmarks,
)
from tests.support.drawn import file, structured


def keypoints(count: int, seed: int = 1) -> Keypoints:
    random = np.random.default_rng(seed)
    return Keypoints(
        points=random.uniform(0, 448, (count, 2)).astype(np.float32),
        scales=random.uniform(1.7, 60, count).astype(np.float32),
        angles=random.uniform(0, 2 * np.pi, count).astype(np.float32),
        codes=random.integers(0, 120, (count, ENTRIES), np.uint8),
    )


def test_words_are_the_signs_of_the_projections_and_the_least_sure_are_marked() -> None:
    made = keypoints(50)
    values, marks = project(made.codes), read_landmarks(landmarks(made))
    bits = np.arange(values.shape[1])
    assert np.array_equal(part_of(marks, WORD)[:, None] >> bits & 1, values > 0)
    unsure = (part_of(marks, UNSURE)[:, None] >> bits & 1).astype(bool)
    assert (unsure.sum(axis=1) == UNSURE_BITS).all()
    largest = np.where(unsure, np.abs(values), 0).max(axis=1)
    assert (largest <= np.where(unsure, np.inf, np.abs(values)).min(axis=1)).all()


def test_place_size_and_direction_are_kept_within_their_steps() -> None:
    made = keypoints(50)
    marks = read_landmarks(landmarks(made))
    places = np.column_stack([part_of(marks, ACROSS), part_of(marks, DOWN)])
    assert np.abs(2 * places - made.points).max() <= 1.001
    assert np.abs(part_of(marks, SIZE) / 8 - np.log2(made.scales)).max() <= 1 / 16 + 1e-6
    turns = part_of(marks, DIRECTION) / 64 * 2 * np.pi - made.angles
    assert np.abs(np.angle(np.exp(1j * turns))).max() <= np.pi / 64 + 1e-6


def test_a_descriptor_has_so_many_and_brings_them_back() -> None:
    descriptor = analyze(file(structured(3)))
    assert 0 < len(descriptor.landmarks) <= MOST * MARK_BYTES
    assert Descriptor.from_bytes(descriptor.to_bytes()).landmarks == descriptor.landmarks
    assert landmarks(keypoints(MOST + 30)) == landmarks(keypoints(MOST + 30))[: MOST * MARK_BYTES]


@pytest.mark.parametrize("data", [b"1234567", b"12345678" * (MOST + 1)])
def test_other_bytes_are_refused(data: bytes) -> None:
    descriptor = replace(analyze(file(structured(3))), landmarks=data)
    with pytest.raises(ValueError, match="no landmarks: analyze the picture again"):
        Descriptor.from_outputs(descriptor.to_outputs())


def test_a_picture_of_one_colour_has_none() -> None:
    assert len(read_landmarks(landmarks(keypoints(0)))) == 0
