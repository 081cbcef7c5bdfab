"""Numbering: the ids of any number of parts get positions in one order, without being in memory together.

Each part brings its own ids, distinct and in order. They lie in a file, of which some are held. The lowest
of the last ids that are held tells up to where nothing can follow that belongs before it: so far, ids get
numbers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa

from include.dedupe.clustering.ordering import Codes, in_order

BATCH_IDS = 65_536
ROUND_IDS = 2_000_000
_ID = pa.schema({"id": pa.large_string()})


class Numbering:
    """Takes in the ids of parts; ``folder``: an empty one, with space for all of them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.parts = 0

    def add(self, ids: pa.Array) -> None:
        """Take in the ids (large strings) of one more part."""
        with (
            pa.OSFile(str(self._file("ids", self.parts)), "wb") as file,
            pa.ipc.new_stream(file, _ID) as out,
        ):
            out.write_table(pa.Table.from_arrays([ids], schema=_ID), max_chunksize=BATCH_IDS)
        self.parts += 1

    def finish(self) -> pa.Array:
        """Return the ids of all parts, distinct and in order; they are read from where they lie."""
        with ExitStack() as opened:
            readers = [_Ids(self._file("ids", part)) for part in range(self.parts)]
            places = [
                opened.enter_context(self._file("places", part).open("wb")) for part in range(self.parts)
            ]
            texts = opened.enter_context(_Texts(self._folder))
            waiting, wanted = list(zip(readers, places, strict=True)), ROUND_IDS // max(self.parts, 1)
            while waiting := [pair for pair in waiting if pair[0].hold(wanted)]:
                bound = min((reader.last for reader, _ in waiting if not reader.is_at_end), default=None)
                _number(
                    [reader.take_up_to(bound) for reader, _ in waiting], [out for _, out in waiting], texts
                )
        return texts.read()

    def places(self, part: int) -> Codes:
        """Return where the ids of a part, in the order of ``add``, stand among all."""
        return np.fromfile(self._file("places", part), np.int32)

    def _file(self, kind: str, part: int) -> Path:
        return self._folder / f"{part}.{kind}"


def _number(taken: list[pa.Array], places: list[BinaryIO], texts: _Texts) -> None:
    ids, codes = in_order(taken)
    ends = np.cumsum([len(one) for one in taken])
    for own, file in zip(np.split(codes + np.int32(texts.count), ends[:-1]), places, strict=True):
        own.tofile(file)
    texts.append(ids)


class _Ids:
    """What was read of a part and not taken yet; nothing at its end."""

    def __init__(self, file: Path) -> None:
        self._batches: Iterator[pa.RecordBatch] = iter(pa.ipc.open_stream(pa.OSFile(str(file))))
        self._ids = pa.array([], pa.large_string())
        self.is_at_end = False

    @property
    def last(self) -> str:
        return str(self._ids[-1])

    def hold(self, wanted: int) -> bool:
        """Read on until so many ids are held, or all that are left, and tell whether there are any."""
        while not self.is_at_end and len(self._ids) <= wanted:
            batch = next(self._batches, None)
            self.is_at_end = batch is None
            self._ids = pa.concat_arrays([self._ids, *([] if batch is None else [batch["id"]])])
        return len(self._ids) > 0

    def take_up_to(self, bound: str | None) -> pa.Array:
        """Take what is not above the bound; None is all."""
        count = len(self._ids)
        if bound is not None:
            count = bisect_right(range(count), bound, key=lambda place: str(self._ids[place]))
        taken, self._ids = self._ids[:count], self._ids[count:]
        return taken


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
