"""Whether parts of two pictures may be the same, by their landmarks alone.

Landmarks with the same word lie on each other where a part of one picture is in the other: then all of them
have turned and grown alike, and lead to the same place. Chance gives words in common, but hardly ever so
many that agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from include.detector.imaging.landmarks import (
    ACROSS,
    DIRECTION,
    DIRECTIONS,
    DOWN,
    PIXELS,
    SIZE,
    SIZES,
    UNSURE,
    UNSURE_BITS,
    WORD,
    part_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.imaging.landmarks import Marks, Whole

    Directions = NDArray[np.uint8]
    Reals = NDArray[np.float64]

LEAST_VOTES, LEAST_TURNED_VOTES = 4, 7  # places of a picture that agree
TURN_STEPS = 256 // DIRECTIONS
LARGEST_TURN = np.uint8(3 * TURN_STEPS)  # beside quarter turns
QUARTER = np.uint8(64)  # steps
QUARTERS = 4
LEAST_GROWTH, LARGEST_GROWTH = 0.5, 2.5  # octaves
LEAST_MOVE = 3  # steps of a place
SAME_GROWTH, SAME_PLACE = 0.7, 28  # octaves, pixels of the thumbnail
MIDDLE = 56  # pixels of the thumbnail, about
PROBES = 1 << UNSURE_BITS
# Bins overlap by half, so that what agrees is not cut apart: by how much of a bin each grid is shifted.
GRIDS = np.array([[0.0, 0.0], [0.0, 0.5], [0.5, 0.0], [0.5, 0.5]])  # of growth, of places
PLACE_BITS = 16  # the last ones of a landmark
_BINS = 6  # bits that the number of a bin has in either direction


def words(marks: Marks) -> Whole:
    """The word of each landmark."""
    return part_of(marks, WORD)


def probes(marks: Marks) -> Whole:
    """The words that each landmark may also have, int64 [n, PROBES]; its own is the first one."""
    unsure = part_of(marks, UNSURE)
    found = part_of(marks, WORD)[:, None]
    for _ in range(UNSURE_BITS):
        bit = unsure & -unsure
        unsure ^= bit
        found = np.concatenate([found, found ^ bit[:, None]], axis=1)
    return found


def directions(marks: Marks) -> Directions:
    """Which way each landmark points, in steps of which a full turn has 256, so that they begin anew."""
    return (part_of(marks, DIRECTION) * TURN_STEPS).astype(np.uint8)


def turned_alike(own: Directions, others: Directions) -> NDArray[np.bool_]:
    """Whether landmarks that point so may be the same, turned by quarter turns or not at all."""
    alike: NDArray[np.bool_] = (others - own + LARGEST_TURN) % QUARTER <= 2 * LARGEST_TURN
    return alike


def quarters(own: Directions, others: Directions) -> Whole:
    """By how many quarter turns each landmark must be turned to be the other one, 0..3."""
    return ((others - own + LARGEST_TURN) // QUARTER).astype(np.int64)


def grown_alike(own: Marks, others: Marks) -> NDArray[np.bool_]:
    """Whether each landmark may be the other one, which may be larger."""
    alike: NDArray[np.bool_] = np.abs(part_of(others, SIZE) - part_of(own, SIZE)) < LARGEST_GROWTH * SIZES
    return alike


def votes(own: Marks, others: Marks, pairs: Whole) -> tuple[Whole, Whole]:
    """How many places of one picture are found in the other, all by the same turn, shift and growth.

    What is as large and where it was is no part. Where as much of a pair is, they are pages of one template.

    Args:
        own: landmarks of one picture, [n].
        others: those of the other picture with the same words.
        pairs: which pair of pictures they are of, QUARTERS times that and the `quarters`; less than 2 ** 40.

    Returns:
        Those of `pairs` that have enough votes in increasing order, and their votes: LEAST_VOTES, or where
        they are turned LEAST_TURNED_VOTES, as there are more ways to agree by chance.
    """
    is_same = stays(own, others) & (pairs % QUARTERS == 0)
    unmoved, stayed = _voted(own[is_same], pairs[is_same])
    found, counts = _moved(own[~is_same], others[~is_same], pairs[~is_same])
    _, at, there = np.intersect1d(found, unmoved, assume_unique=True, return_indices=True)
    is_part = (found % QUARTERS == 0) | (counts >= LEAST_TURNED_VOTES)
    is_part[at] &= counts[at] > stayed[there]
    return found[is_part], counts[is_part]


def moves(own: Marks, others: Marks, turned: Whole) -> tuple[Reals, Reals, Reals]:
    """By how many octaves each landmark grows, and where the middle of its picture comes to lie, in pixels.

    `turned`: by how many quarter turns it is turned to be the other one.
    """
    growth = _growth(own, others)
    right, below = ((MIDDLE - PIXELS * part_of(own, part)) * 2.0**growth for part in (ACROSS, DOWN))
    across: Reals = np.choose(turned, (right, -below, -right, below)) + PIXELS * part_of(others, ACROSS)
    down: Reals = np.choose(turned, (below, right, -below, -right)) + PIXELS * part_of(others, DOWN)
    return growth, across, down


def _moved(own: Marks, others: Marks, pairs: Whole) -> tuple[Whole, Whole]:
    """The pairs in which LEAST_VOTES places have moved alike, in increasing order, and how many at most."""
    growth, across, down = moves(own, others, pairs % QUARTERS)
    bins = pairs * len(GRIDS) + np.arange(len(GRIDS))[:, None]
    for numbers, shifts in (
        (growth / SAME_GROWTH, GRIDS[:, :1]),
        (across / SAME_PLACE, GRIDS[:, 1:]),
        (down / SAME_PLACE, GRIDS[:, 1:]),
    ):
        within = np.floor(numbers + shifts).astype(np.int64) + (1 << _BINS - 1)
        bins = (bins << _BINS) | np.minimum(np.maximum(within, 0), (1 << _BINS) - 1)
    joined, counts = _voted(np.tile(own, len(GRIDS)), bins.ravel())
    joined = (joined >> 3 * _BINS) // len(GRIDS)
    begins = _begins(joined)
    return joined[begins], np.maximum.reduceat(counts, begins) if len(begins) else counts


def _growth(own: Marks, others: Marks) -> NDArray[np.float64]:
    """By how many octaves each landmark is smaller than the other one."""
    return (part_of(others, SIZE) - part_of(own, SIZE)) / SIZES


def stays(own: Marks, others: Marks) -> NDArray[np.bool_]:
    """Whether each landmark is about as large as the other one, and where it is."""
    same = np.abs(_growth(own, others)) < LEAST_GROWTH
    for part in (ACROSS, DOWN):
        same &= np.abs(part_of(own, part) - part_of(others, part)) <= LEAST_MOVE
    return same


def places(marks: Marks) -> Whole:
    """Where each landmark is, as one number."""
    return (marks & np.uint64((1 << PLACE_BITS) - 1)).astype(np.int64)


def _voted(own: Marks, bins: Whole) -> tuple[Whole, Whole]:
    """The bins that hold LEAST_VOTES different places of `own`, and how many."""
    where = places(own)
    order = np.lexsort((where, bins))
    bins, where = bins[order], where[order]
    is_new = np.ones(len(bins), np.bool_)
    is_new[1:] = (bins[1:] != bins[:-1]) | (where[1:] != where[:-1])
    bins = bins[is_new]
    begins = _begins(bins)
    counts = np.diff(begins, append=len(bins))
    enough = counts >= LEAST_VOTES
    return bins[begins[enough]], counts[enough]


def _begins(ordered: Whole) -> NDArray[np.intp]:
    """Where other numbers begin."""
    return np.flatnonzero(np.diff(ordered, prepend=-1))
