"""Edges of a large collection, written part by part as scans leave them: for measurements of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from include.dedupe.tables import EDGES

PARTITIONS = 64
CHUNK_PAIRS = 1_000_000
SIZES, SHARES = np.array([2, 3, 4, 5, 8]), [0.5, 0.25, 0.12, 0.08, 0.05]
SCORES = np.array([0.8, 0.94, 0.97, 1.0])
Numbers = npt.NDArray[np.int64]


def write_edges(folder: Path, pairs: int, seed: int = 7) -> list[Path]:
    """Write the edges of about so many pairs, each found from both sides, and return the partitions' files.

    Clusters have two to eight documents, which lie in partitions at random.
    """
    rng = np.random.default_rng(seed)
    files = [folder / f"edges-{number:02}.parquet" for number in range(PARTITIONS)]
    writers = [pq.ParquetWriter(file, EDGES) for file in files]
    written = documents = 0
    while written < pairs:
        query, match, size = _chunk(rng, min(CHUNK_PAIRS, pairs - written), documents)
        partition = rng.integers(0, PARTITIONS, size)[query - documents]
        scores = SCORES[rng.integers(0, len(SCORES), len(query))]
        for number, writer in enumerate(writers):
            rows = partition == number
            writer.write_table(_table(query[rows], match[rows], scores[rows]))
        written, documents = written + len(query) // 2, documents + size
    for writer in writers:
        writer.close()
    return files


def _chunk(rng: np.random.Generator, pairs: int, first: int) -> tuple[Numbers, Numbers, int]:
    """Return queries, matches and how many documents they are of, numbered from ``first``."""
    sizes = rng.choice(SIZES, p=SHARES, size=max(1, pairs // 2))
    sizes = sizes[: max(1, int(np.searchsorted(np.cumsum(sizes * (sizes - 1) // 2), pairs, "right")))]
    starts = first + np.r_[0, np.cumsum(sizes)[:-1]]
    sides = []
    for size in np.unique(sizes):
        one, other = np.nonzero(~np.eye(size, dtype=bool))
        base = starts[sizes == size][:, None]
        sides.append(((base + one).ravel(), (base + other).ravel()))
    query, match = (np.concatenate([side[which] for side in sides]) for which in (0, 1))
    return query, match, int(sizes.sum())


def _table(query: Numbers, match: Numbers, scores: npt.NDArray[np.float64]) -> pa.Table:
    return pa.table([_names(query), _names(match), pa.array(scores)], schema=EDGES)


def _names(numbers: Numbers) -> pa.Array:
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 9, "0")
    return pc.binary_join_element_wise("image-", digits, "")
