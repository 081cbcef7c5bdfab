"""Fingerprints of documents as numbers: eight bytes each, however many there are."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Prints: TypeAlias = npt.NDArray[np.uint64]
UNKNOWN = 0
DIGITS = 16
_TWO_DIGITS = np.frombuffer(b"".join(b"%02x" % number for number in range(1 << 8)), np.uint16)
_FOUR_DIGITS = np.frombuffer(b"".join(b"%04x" % number for number in range(1 << 16)), np.uint32)
_OTHER = 1 << 8
_VALUES = np.full(1 << 16, _OTHER, np.uint16)
_VALUES[_TWO_DIGITS] = np.arange(1 << 8)


def to_numbers(texts: pa.Array | pa.ChunkedArray) -> Prints:
    """Return fingerprints as numbers; what is none, such as an empty text, is UNKNOWN."""
    numbers = np.full(len(texts), UNKNOWN, np.uint64)
    may_be = pc.equal(pc.binary_length(texts), DIGITS).fill_null(False).to_numpy(zero_copy_only=False)
    held = texts.filter(pa.array(may_be)).cast(pa.large_binary())
    chunks = held.chunks if isinstance(held, pa.ChunkedArray) else [held]
    digits = np.concatenate([np.zeros(0, np.uint8), *map(_bytes, chunks)])
    values = _VALUES[digits.view(np.uint16)].reshape(-1, DIGITS // 2)
    are_hexadecimal = values.max(axis=1, initial=0) < _OTHER
    found = values[are_hexadecimal].astype(np.uint8).view(">u8")[:, 0]
    numbers[np.flatnonzero(may_be)[are_hexadecimal]] = found
    return numbers


def to_texts(numbers: Prints) -> pa.Array:
    """Return the fingerprints (strings) of numbers; of UNKNOWN an empty text."""
    digits = _FOUR_DIGITS[numbers.astype(">u8").view(">u2")]
    ends = np.arange(0, digits.nbytes + 1, DIGITS, dtype=np.int64)
    texts = pa.LargeStringArray.from_buffers(len(numbers), pa.py_buffer(ends), pa.py_buffer(digits))
    return pc.if_else(pa.array(numbers == UNKNOWN), "", texts.cast(pa.string()))


def _bytes(texts: pa.Array) -> npt.NDArray[Any]:
    """The bytes of texts of DIGITS bytes, one after the other."""
    if not len(texts):
        return np.zeros(0, np.uint8)
    _, offsets, data = texts.buffers()
    begin = int(np.frombuffer(offsets, np.int64)[texts.offset])
    return np.frombuffer(data, np.uint8)[begin : begin + DIGITS * len(texts)]
