"""Landmarks: keypoints in eight bytes each, by which a part of a picture is found among many documents.

The signs of WORD_BITS projections of a keypoint's descriptor are its word. The bits that might as well be
the other way are marked, so that a search looks for those words, too. Where the keypoint lies, how large it
is and which way it points come along: parts of two pictures agree in how all of these differ.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from include.detector.imaging.keypoints import MOST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.imaging.keypoints import Keypoints

    Marks = NDArray[np.uint64]
    Whole = NDArray[np.int64]

PROJECTION = Path(__file__).with_name("landmark-projection.npz")
WORD_BITS, UNSURE_BITS = 18, 4
DIRECTIONS = 64  # of a full turn
SIZES = 8  # in an octave
PIXELS = 2  # of the thumbnail, in one step of a place
# Where the parts of a landmark begin, and how many bits they have; words come first, so that landmarks that
# are in order are so by word.
WORD, UNSURE, DIRECTION, SIZE, ACROSS, DOWN = ((46, 18), (28, 18), (22, 6), (16, 6), (8, 8), (0, 8))
MARK_BYTES = 8


def landmarks(keypoints: Keypoints) -> bytes:
    """Those of a picture's MOST first keypoints, MARK_BYTES each, as `read_landmarks` reads them."""
    values = project(keypoints.codes[:MOST])
    bits = np.int64(1) << np.arange(WORD_BITS)
    least_sure = np.argsort(np.abs(values), axis=1, kind="stable")[:, :UNSURE_BITS]
    directions = np.rint(keypoints.angles[:MOST] / (2 * np.pi) * DIRECTIONS).astype(np.int64) % DIRECTIONS
    sizes = np.rint(np.log2(np.maximum(keypoints.scales[:MOST], 1)) * SIZES)
    places = np.rint(keypoints.points[:MOST] / PIXELS)
    parts: tuple[tuple[NDArray[Any], tuple[int, int]], ...] = (
        ((values > 0) @ bits, WORD),
        (bits[least_sure].sum(axis=1), UNSURE),
        (directions, DIRECTION),
        (sizes, SIZE),
        (places[:, 0], ACROSS),
        (places[:, 1], DOWN),
    )
    marks = np.zeros(len(values), np.uint64)
    for numbers, (begin, length) in parts:
        marks |= np.clip(numbers, 0, (1 << length) - 1).astype(np.uint64) << np.uint64(begin)
    return marks.astype("<u8").tobytes()


def read_landmarks(data: bytes) -> Marks:
    """The landmarks that `landmarks` wrote, uint64 [n].

    Raises:
        ValueError: the bytes are no landmarks.
    """
    if len(data) % MARK_BYTES or len(data) > MOST * MARK_BYTES:
        raise ValueError(f"{len(data)} bytes are no landmarks: analyze the picture again")
    return np.frombuffer(data, "<u8").astype(np.uint64, copy=False)


def part_of(marks: Marks, part: tuple[int, int]) -> Whole:
    """One of WORD, UNSURE, DIRECTION, SIZE, ACROSS, DOWN of each landmark, int64 [n]."""
    begin, length = part
    return (marks >> np.uint64(begin) & np.uint64((1 << length) - 1)).astype(np.int64)


def project(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The projections of keypoint descriptors uint8 [n, ENTRIES], whose signs are words, [n, WORD_BITS]."""
    mean, matrix = _projection()
    found = (codes.astype(np.float32) - mean) @ matrix
    return found.astype(np.float32, copy=False)


@cache
def _projection() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean [ENTRIES] and matrix [ENTRIES, WORD_BITS], as `include.detector.training.build_landmarks` made."""
    with np.load(PROJECTION, allow_pickle=False) as stored:
        return stored["mean"], stored["matrix"]
