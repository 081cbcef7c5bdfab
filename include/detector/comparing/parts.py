"""How one picture is a part of another, as the landmarks of both have it."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from include.detector.comparing.alignment import evenly_through
from include.detector.comparing.landmarks import (
    LEAST_VOTES,
    QUARTERS,
    directions,
    grown_alike,
    moves,
    places,
    quarters,
    stays,
    turned_alike,
    votes,
    words,
)
from include.detector.imaging.landmarks import (
    ACROSS,
    DOWN,
    PIXELS,
    UNSURE,
    WORD_BITS,
    part_of,
    read_landmarks,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.comparing.alignment import Alignment
    from include.detector.comparing.landmarks import Directions
    from include.detector.imaging.descriptor import Descriptor
    from include.detector.imaging.landmarks import Marks

KEPT = 256  # pictures whose landmarks are held unpacked
ALIKE = np.array([0.35, 14.0, 14.0])  # octaves, pixels of the thumbnail


class Part(NamedTuple):
    """By how many quarter turns the first is turned; where it lies in the second, None if that is unsure."""

    quarters: int
    alignment: Alignment | None


class _Unpacked(NamedTuple):
    """The landmarks of a picture, and of each the word, which bits of that are sure, and its direction."""

    marks: Marks
    words: NDArray[np.int32]
    sure: NDArray[np.int32]
    directions: Directions


@lru_cache(KEPT)
def _unpacked(landmarks: bytes) -> _Unpacked:
    marks = read_landmarks(landmarks)
    sure = (1 << WORD_BITS) - 1 ^ part_of(marks, UNSURE)
    return _Unpacked(marks, words(marks).astype(np.int32), sure.astype(np.int32), directions(marks))


def shared_part(first: Descriptor, second: Descriptor) -> Part | None:
    """What so many landmarks of both agree in; None if they do not."""
    one, two = _unpacked(first.landmarks), _unpacked(second.landmarks)
    found = _lies_in(one, two)
    if found is not None:
        return found
    back = _lies_in(two, one)
    return back and Part(-back.quarters % QUARTERS, back.alignment and back.alignment.inverse())


def _lies_in(own: _Unpacked, others: _Unpacked) -> Part | None:
    """How a search for the picture of `own` would find the one of `others`."""
    differing = (own.words[:, None] ^ others.words) & own.sure[:, None]
    here, there = np.divmod(np.flatnonzero(differing == 0), max(len(others.marks), 1))
    alike = turned_alike(own.directions[here], others.directions[there])
    here, there = here[alike], there[alike]
    if len(here) < LEAST_VOTES:
        return None
    turned = quarters(own.directions[here], others.directions[there])
    ours, theirs = own.marks[here], others.marks[there]
    grown = grown_alike(ours, theirs)
    ours, theirs, turned = ours[grown], theirs[grown], turned[grown]
    moved = ~stays(ours, theirs) | (turned > 0)
    if len(set(places(ours[moved]).tolist())) < LEAST_VOTES:
        return None
    found, counts = votes(ours, theirs, turned)
    if not len(found):
        return None
    most = int(found[counts.argmax()])
    return Part(most, None if most else _straight(ours[moved & (turned == 0)], theirs[moved & (turned == 0)]))


def _straight(own: Marks, others: Marks) -> Alignment | None:
    """Where the picture of `own` lies in the other, through most of the landmarks that move alike."""
    moved = np.column_stack(moves(own, others, np.zeros(len(own), np.int64)))
    agreeing = np.all(np.abs(moved[:, None] - moved) < ALIKE, axis=2)
    voters: NDArray[np.bool_] = agreeing[int(np.argmax(agreeing.sum(axis=1)))]
    source, target = (
        np.column_stack([PIXELS * part_of(marks[voters], part) for part in (ACROSS, DOWN)]).astype(np.float64)
        for marks in (own, others)
    )
    return evenly_through(source, target)
