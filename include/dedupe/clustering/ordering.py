"""Ordering: texts become positions among the distinct ones in order, by numbers instead of comparisons.

Eight bytes of a text are one number, the first byte the highest, so numbers sort as texts do. Where these are
the same, the next eight bytes tell texts apart, and last the length.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]
WORD, FEW_WORDS = 8, 2
BLOCK, SAMPLE = 32_768, 100
_FIRST_BYTES = np.array([(1 << 64) - (1 << 64 - 8 * count) for count in range(WORD + 1)], np.uint64)
"""For each number of bytes what keeps so many of a word, the highest."""


def in_order(texts: Sequence[pa.Array]) -> tuple[pa.Array, Codes]:
    """Return the distinct texts of arrays in order, and the position of each text in them."""
    large = [one.cast(pa.large_string()) for one in texts]
    whole = pa.concat_arrays(large) if large else pa.array([], pa.large_string())
    skipped = _common(whole)
    if (pc.max(pc.binary_length(whole)).as_py() or 0) - skipped <= FEW_WORDS * WORD:
        return _numbered(whole, skipped)
    seen = whole.dictionary_encode()  # comparing each text once is faster than so many numbers of all
    distinct, place = _numbered(seen.dictionary, skipped)
    return distinct, place[seen.indices.to_numpy()]


def places_in_order(texts: pa.Array) -> Places:
    """Return where the first of texts (large strings) stands, then the next one, and so on."""
    return _sorted(_Bytes.of(texts, _common(texts)))[0]


def places_among(names: pd.Series[str], among: pd.Series[str] | Sequence[str]) -> Places:
    """Return where each name stands among others, of which each comes once; -1 for what is not there."""
    wanted, known = (pa.array(texts, type=pa.large_string()) for texts in (names, among))
    whole = known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known
    places: Places = pc.index_in(wanted, value_set=whole).fill_null(-1).to_numpy().astype(np.int64)
    return places


def _numbered(texts: pa.Array, skipped: int) -> tuple[pa.Array, Codes]:
    order, begins = _sorted(_Bytes.of(texts, skipped))
    codes = np.empty(len(order), np.int32)
    codes[order] = np.cumsum(begins, dtype=np.int32) - np.int32(1)
    return texts.take(pa.array(order[begins])), codes


@dataclass(frozen=True, slots=True)
class _Bytes:
    """The bytes of texts: ``words`` begin at every byte, ``ends`` are the offsets of the texts in them.

    ``skipped``: with how many bytes all of them begin. ``longest``: what at most follows these, in bytes.
    """

    words: Words
    ends: Places
    skipped: int
    longest: int
    are_as_long: bool

    @classmethod
    def of(cls, texts: pa.Array, skipped: int) -> _Bytes:
        _, offsets, data = texts.buffers()
        ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
        held = np.frombuffer(data or b"", np.uint8)
        if len(held) < WORD:
            held = np.concatenate([held, np.zeros(WORD, np.uint8)])
        words: Words = np.ndarray((len(held) - WORD + 1,), "<u8", held.data, strides=(1,))
        shortest, longest = (end.as_py() or 0 for end in pc.min_max(pc.binary_length(texts)).values())
        return cls(words, ends, skipped, longest - skipped, shortest == longest)

    def numbers(self, depth: int) -> Words:
        """Return the bytes of each text from ``depth`` on as a number; zeros follow its end."""
        numbers, last = np.empty(len(self.ends) - 1, np.uint64), len(self.words) - 1
        for at in range(0, len(numbers), BLOCK):
            ends = self.ends[at : at + BLOCK + 1]
            places = ends[:-1] + (self.skipped + depth)
            left = np.clip(ends[1:] - places, 0, WORD)
            places[left == 0] = 0
            found = self.words[np.minimum(places, last)].byteswap()
            if (over := places - last).max() > 0:
                found <<= (np.maximum(over, 0) * 8).astype(np.uint64)
            np.bitwise_and(found, _FIRST_BYTES[left], out=numbers[at : at + BLOCK])
        return numbers


def _common(texts: pa.Array) -> int:
    """Return with how many bytes all texts begin alike."""
    if not len(texts):
        return 0
    texts = texts.cast(pa.large_binary())
    some = texts.take(pa.array(np.linspace(0, len(texts) - 1, SAMPLE).astype(np.int64)))
    if pc.all(pc.starts_with(texts, begin := _beginning(some))).as_py():
        return len(begin)
    return len(_beginning(texts))


def _beginning(texts: pa.Array) -> bytes:
    first, last = (end.as_py() for end in pc.min_max(texts).values())
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return bytes(byte for byte, _ in alike)


def _sorted(texts: _Bytes) -> tuple[Places, Flags]:
    """Return the order of texts, and where in it another text begins than the one before."""
    numbers = texts.numbers(0)
    order: Places = np.argsort(numbers)
    begins = changes(numbers[order])
    del numbers
    for depth in range(WORD, texts.longest, WORD):
        _refine(order, begins, texts.numbers(depth))
    if not texts.are_as_long:
        _refine(order, begins, np.diff(texts.ends))
    return order, begins


def _refine(order: Places, begins: Flags, numbers: npt.NDArray[Any]) -> None:
    """Order those by numbers that were alike so far."""
    found = numbers[order]
    differs = changes(found) & ~begins
    if not differs.any():
        return
    group = np.cumsum(begins, dtype=np.int32)
    is_mixed = np.zeros(group[-1] + 1, bool)
    is_mixed[group[differs]] = True
    rows = np.flatnonzero(is_mixed[group])
    del group, differs, is_mixed
    by_number = np.argsort(found[rows])
    rank = np.empty(len(rows), np.int64)
    rank[by_number] = np.cumsum(changes(found[rows[by_number]]))
    group = np.cumsum(begins[rows])
    moved = rows[np.argsort(group * (len(rows) + 1) + rank)]
    order[rows] = order[moved]
    begins[rows] |= changes(found[moved])


def changes(values: npt.NDArray[Any]) -> Flags:
    """Tell which values are others than those before them; the first one is."""
    changes = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=changes[1:])
    return changes
