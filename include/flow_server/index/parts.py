"""Which documents hold a part of a picture, or lie in it as a part: by landmarks, looked up by their words.

What stage 1 sees of a picture as a whole does not find it in a collage or before another background. Here
each document is proposed that has enough landmarks which agree with those of the picture.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from include.detector.comparing.landmarks import (
    LEAST_VOTES,
    QUARTERS,
    directions,
    grown_alike,
    probes,
    quarters,
    turned_alike,
    votes,
    words,
)
from include.detector.imaging.landmarks import WORD_BITS, read_landmarks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from include.detector.imaging.landmarks import Marks, Whole

MOST_HELD = 1000  # landmarks of one word; a more frequent word says nothing of a picture
MOST_LOOKED_AT = 2_000_000  # landmarks at once


class Asked(NamedTuple):
    """Landmarks of pictures, which of these each is of, its probes, and how many documents' have each."""

    marks: Marks
    owners: Whole
    looked_for: Whole
    held: Whole


class Parts:
    """The landmarks of all documents in the order of their words; not thread-safe by itself."""

    def __init__(self) -> None:
        self._keys = np.zeros(0, np.int64)
        self._marks = np.zeros(0, np.uint64)
        self._directions = np.zeros(0, np.uint8)  # of each landmark
        self._rows = np.zeros(0, np.int32)  # of the document of each landmark
        self._by_key = np.zeros(0, np.int64)  # rows in the order of their keys
        self._starts = np.zeros((1 << WORD_BITS) + 1, np.int64)
        self._added: list[tuple[int, Marks]] = []

    def nbytes(self) -> int:
        """Bytes of memory held."""
        added = sum(marks.nbytes for _, marks in self._added)
        held = (self._keys, self._marks, self._directions, self._rows, self._starts, self._by_key)
        return added + sum(each.nbytes for each in held)

    def add(self, items: Sequence[tuple[int, bytes]]) -> None:
        """Take in landmarks of documents that are not there yet."""
        self._added += [(key, read_landmarks(landmarks)) for key, landmarks in items]

    def remove(self, keys: Sequence[int]) -> None:
        """Forget documents; unknown keys are none of its business."""
        self._settle()
        is_kept = ~np.isin(self._keys, np.array(keys, np.int64))
        if is_kept.all():
            return
        stays = is_kept[self._rows]
        self._marks = self._marks[stays]
        self._rows = (np.cumsum(is_kept, dtype=np.int32) - 1)[self._rows[stays]]
        self._keys = self._keys[is_kept]
        self._find_places()

    def holding(
        self, queries: Sequence[bytes], known: Sequence[Collection[int]], allowed: NDArray[np.int64] | None
    ) -> list[list[int]]:
        """For the landmarks of each picture, keys of documents; most votes first, ties by key.

        `allowed` keys only, and none that are `known` to each picture already.
        """
        if not queries:
            return []
        self._settle()
        may_be = np.ones((len(queries), len(self._keys)), np.bool_)
        if allowed is not None:
            may_be &= np.isin(self._keys, allowed)
        may_be[self._known(known)] = False
        landmarks = [read_landmarks(query) for query in queries]
        found: list[list[int]] = [[] for _ in queries]
        owners = np.repeat(np.arange(len(queries)), [len(marks) for marks in landmarks])
        for asked in self._portions(np.concatenate(landmarks), owners):
            numbers, rows, counts = self._voted(asked, may_be)
            order = np.lexsort((self._keys[rows], -counts, numbers))
            for number, key in zip(numbers[order].tolist(), self._keys[rows[order]].tolist(), strict=True):
                found[number].append(key)
        return [list(dict.fromkeys(keys)) for keys in found]

    def _known(self, known: Sequence[Collection[int]]) -> tuple[Whole, Whole]:
        """Numbers of the pictures, and rows of the documents that are known to each; others are left out."""
        keys = np.fromiter(chain.from_iterable(known), np.int64)
        numbers = np.repeat(np.arange(len(known)), [len(each) for each in known])
        places = np.searchsorted(self._keys, keys, sorter=self._by_key)
        inside = places < len(self._keys)
        numbers, keys, rows = numbers[inside], keys[inside], self._by_key[places[inside]]
        is_there = self._keys[rows] == keys
        return numbers[is_there], rows[is_there]

    def _portions(self, marks: Marks, owners: Whole) -> Iterator[Asked]:
        """What is asked for, of whole pictures, so that about MOST_LOOKED_AT landmarks are seen at once."""
        looked_for = probes(marks)
        held = self._starts[looked_for + 1] - self._starts[looked_for]
        held[held > MOST_HELD] = 0
        looked_at = np.cumsum(np.bincount(owners, weights=held.sum(axis=1)))
        portions = (looked_at // MOST_LOOKED_AT)[owners]
        for portion in np.unique(portions):
            chosen = portions == portion
            yield Asked(marks[chosen], owners[chosen], looked_for[chosen], held[chosen])

    def _voted(self, asked: Asked, may_be: NDArray[np.bool_]) -> tuple[Whole, Whole, Whole]:
        """Numbers of pictures, rows of documents that have enough votes for them, and the votes.

        `may_be`: for each picture and each row whether it may be found.
        """
        counts = asked.held.ravel()
        begins = self._starts[asked.looked_for].ravel() - (np.cumsum(counts) - counts)
        places = np.repeat(begins.astype(np.int32), counts) + np.arange(counts.sum(), dtype=np.int32)
        own = np.repeat(np.arange(len(asked.marks), dtype=np.int32), asked.held.sum(axis=1))
        pointing = directions(asked.marks)
        alike = turned_alike(pointing[own], self._directions[places])
        own, places = own[alike], places[alike]
        possible = may_be[asked.owners[own], self._rows[places]]
        own, places = own[possible], places[possible]
        grown = grown_alike(asked.marks[own], self._marks[places])
        own, places = own[grown], places[grown]
        pairs = asked.owners[own] * len(self._keys) + self._rows[places]
        pairs = pairs * QUARTERS + quarters(pointing[own], self._directions[places])
        _, which, several = np.unique(pairs, return_inverse=True, return_counts=True)
        enough = several[which] >= LEAST_VOTES
        own, places = own[enough], places[enough]
        voted, votes_of = votes(asked.marks[own], self._marks[places], pairs[enough])
        numbers, rows = np.divmod(voted // QUARTERS, max(len(self._keys), 1))
        return numbers, rows, votes_of

    def _settle(self) -> None:
        """Bring what was added into its place."""
        if not self._added:
            return
        keys, landmarks = zip(*self._added, strict=True)
        self._added = []
        rows = np.repeat(np.arange(len(keys), dtype=np.int32), [len(marks) for marks in landmarks])
        self._rows = np.concatenate([self._rows, rows + np.int32(len(self._keys))])
        self._keys = np.concatenate([self._keys, np.array(keys, np.int64)])
        fresh = np.concatenate(landmarks)
        by_word = np.argsort(fresh)
        marks = np.concatenate([self._marks, fresh[by_word]])
        self._rows[len(self._marks) :] = self._rows[len(self._marks) :][by_word]
        order = np.argsort(marks, kind="stable")  # merges two that are in order
        self._marks, self._rows = marks[order], self._rows[order]
        self._find_places()

    def _find_places(self) -> None:
        self._by_key = np.argsort(self._keys)
        self._directions = directions(self._marks)
        counts = np.bincount(words(self._marks), minlength=1 << WORD_BITS)
        np.cumsum(counts, out=self._starts[1:])
