"""Numbering: the ids of any number of parts get positions in one order, without being in memory together.

Each part brings its own ids, distinct and in order. They lie in a file.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from include.dedupe.clustering.held import lay_down, rounds
from include.dedupe.clustering.ordering import Codes, in_order

BATCH_IDS = 65_536
_ID = pa.schema({"id": pa.large_string()})


class Numbering:
    """Takes in the ids of parts; ``folder``: an empty one, with space for all of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.parts = 0

    def add(self, ids: pa.Array) -> None:
        """Take in the ids (large strings) of one more part."""
        lay_down(pa.Table.from_arrays([ids], schema=_ID), self._file("ids", self.parts), BATCH_IDS)
        self.parts += 1

    def finish(self) -> pa.Array:
        """Return the ids of all parts, distinct and in order; they are read from where they lie."""
        with ExitStack() as opened:
            places = [
                opened.enter_context(self._file("places", part).open("wb")) for part in range(self.parts)
            ]
            texts = opened.enter_context(_Texts(self._folder))
            for taken in rounds([self._file("ids", part) for part in range(self.parts)]):
                _number([rows["id"] for _, rows in taken], [places[part] for part, _ in taken], texts)
        return texts.read()

    def places(self, part: int) -> Codes:
        """Return where the ids of a part, in the order of ``add``, stand among all."""
        return np.fromfile(self._file("places", part), np.int32)

    def _file(self, kind: str, part: int) -> Path:
        return self._folder / f"{part}.{kind}"


def _number(taken: list[pa.ChunkedArray], places: list[BinaryIO], texts: _Texts) -> None:
    ids, codes = in_order([chunk for one in taken for chunk in one.chunks])
    ends = np.cumsum([len(one) for one in taken])
    for own, file in zip(np.split(codes + np.int32(texts.count), ends[:-1]), places, strict=True):
        own.tofile(file)
    texts.append(ids)


class _Texts:
    """An array of texts that is written piece by piece and then read from its files."""

    def __init__(self, folder: Path) -> None:
        self._files = (folder / "all.offsets", folder / "all.bytes")
        self.count = self._size = 0

    def __enter__(self) -> _Texts:
        self._offsets, self._bytes = (file.open("wb") for file in self._files)
        np.zeros(1, np.int64).tofile(self._offsets)
        return self

    def __exit__(self, *_: object) -> None:
        self._bytes.write(b"\0")  # an empty file cannot be mapped
        self._offsets.close()
        self._bytes.close()

    def append(self, texts: pa.Array) -> None:
        _, offsets, data = texts.buffers()
        ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
        (ends[1:] - ends[0] + self._size).tofile(self._offsets)
        if data is not None:
            self._bytes.write(memoryview(data)[ends[0] : ends[-1]])
        self.count += len(texts)
        self._size += int(ends[-1] - ends[0])

    def read(self) -> pa.Array:
        offsets, data = (pa.memory_map(str(file)).read_buffer() for file in self._files)
        return pa.LargeStringArray.from_buffers(self.count, offsets, data)
