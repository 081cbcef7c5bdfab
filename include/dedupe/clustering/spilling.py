"""Spilling: the pairs of any number of parts become one order without the parts being in memory together.

Some parts at a time are united and laid into a file, as numbers. When all ids have one order, the numbers of
each file become positions in it, and the pairs of some low ids at a time are taken from all files and united.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.dedupe.clustering.coding import CodedPairs, Codes, Flags, in_order
from include.dedupe.clustering.numbering import Numbering
from include.dedupe.tables import PAIRS

FILE_ROWS = 2_000_000
PIECE_PAIRS = 1_000_000
_ROW = np.dtype(
    [
        ("low", np.int32),
        ("high", np.int32),
        ("score", np.float64),
        ("from_low", np.bool_),
        ("from_high", np.bool_),
    ]
)
Places = npt.NDArray[np.int64]


def join_on_disk(parts: Iterable[pa.Table], folder: Path) -> Iterator[CodedPairs]:
    """Yield the pairs of all edges, each once and in order: those of some low ids, then of what follows them.

    Args:
        parts: edges (columns of EDGES), read one after the other.
        folder: an empty one, with space for about 60 bytes an edge.
    """
    numbering, rows = Numbering(folder), 0
    files: list[Path] = []
    for edges in gathered(parts):
        pairs = CodedPairs.of(edges)
        numbering.add(pairs.ids)
        files.append(_spill(pairs, folder / f"{len(files)}.rows"))
        rows += len(pairs)
    ids = numbering.finish()
    bounds = np.linspace(0, len(ids), 1 + max(1, -(-rows // PIECE_PAIRS))).astype(np.int64)
    cuts = [_renumber(file, numbering.places(part), bounds) for part, file in enumerate(files)]
    for piece in range(len(bounds) - 1):
        taken = [_read(file, *cut[piece : piece + 2]) for file, cut in zip(files, cuts, strict=True)]
        united = np.concatenate([np.zeros(0, _ROW), *taken])
        yield CodedPairs(ids, *(united[name] for name in _ROW.names or ())).united()


def gathered(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Put parts together until they are worth a file."""
    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= FILE_ROWS:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _spill(pairs: CodedPairs, file: Path) -> Path:
    rows = np.empty(len(pairs), _ROW)
    for name, column in zip(_ROW.names or (), pairs.columns, strict=True):
        rows[name] = column
    rows.tofile(file)
    return file


def _renumber(file: Path, places: Codes, bounds: Places) -> Places:
    """Bring the numbers of a file into the order of all ids; return the row at which each bound begins."""
    rows = np.fromfile(file, _ROW)
    for name in ("low", "high"):
        rows[name] = places[rows[name]]
    rows.tofile(file)
    cuts: Places = np.searchsorted(rows["low"], bounds)
    return cuts


def _read(file: Path, begin: int, end: int) -> npt.NDArray[np.void]:
    return np.fromfile(file, _ROW, count=end - begin, offset=begin * _ROW.itemsize)


def number_pairs(
    parts: Iterable[CodedPairs], folder: Path, existing: Iterable[pa.Array] = ()
) -> tuple[CodedPairs, Flags]:
    """Return the pairs of parts that follow each other in order, by ids that lie in the folder.

    Of each id it tells whether it is in ``existing``, columns of ids.
    """
    numbering, found = Numbering(folder), []
    none = CodedPairs.of_pairs(PAIRS.empty_table())
    for pairs in chain((none,), parts):
        numbering.add(pairs.ids)
        found.append(pairs.columns)
    for ids in existing:
        numbering.add(in_order([ids])[0])
    ids = numbering.finish()
    for part, columns in enumerate(found):
        places = numbering.places(part)
        columns[:2] = [places[side] for side in columns[:2]]
    exists = np.zeros(len(ids), bool)
    for part in range(len(found), numbering.parts):
        exists[numbering.places(part)] = True
    return CodedPairs(ids, *(np.concatenate([each.pop(0) for each in found]) for _ in range(5))), exists
