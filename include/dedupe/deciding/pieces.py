"""Pieces: whole clusters, so many documents at a time, so that deciding takes no more memory in a large run.

What is decided of a cluster rests on its own documents and pairs only. Fields become dictionaries, and dozens
of columns are made of them, so this takes many times as much memory as the tables that it is made from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.deciding.groups import Rows
from include.dedupe.tables import FACTS

DOCUMENTS = 250_000


@dataclass(frozen=True, slots=True)
class Piece:
    """Some whole clusters; ``rows``: columns of CLUSTERS and FACTS; pairs by the rows of their documents."""

    rows: pd.DataFrame
    one: Rows
    other: Rows
    scores: npt.NDArray[np.float64]


def pieces_of(clusters: pd.DataFrame, pairs: pd.DataFrame, facts: pd.DataFrame) -> Iterator[Piece]:
    """Yield all clusters in order, in pieces of about ``DOCUMENTS`` documents; one piece if there are none.

    Args:
        clusters: columns of CLUSTERS, sorted by cluster and document.
        pairs: columns of PAIRS, all of them in ``clusters``.
        facts: columns of FACTS, of all documents in ``clusters``.
    """
    fact = _places(clusters["id"], facts["id"])
    one, other = (_places(pairs[name], clusters["id"]) for name in ("id_a", "id_b"))
    begins = _begins(clusters["cluster_id"])
    number = np.searchsorted(begins, one, side="right") - 1
    order = np.argsort(number, kind="stable")
    ends = np.searchsorted(number, np.arange(len(begins)), side="right", sorter=order)
    names = [name for name in FACTS.names if name != "id"]
    spans = zip(begins, [*begins[1:], len(clusters)], np.split(order, ends[:-1]), strict=True)
    for begin, end, own in spans:
        found = facts[names].take(fact[begin:end])
        rows = clusters.iloc[begin:end].reset_index(drop=True)
        rows = rows.assign(**{name: found[name].array for name in names})
        yield Piece(rows, one[own] - begin, other[own] - begin, pairs["score"].to_numpy(np.float64)[own])


def _begins(names: pd.Series[str]) -> list[int]:
    """Return the rows at which pieces begin, each of them with a cluster."""
    values, begins = names.array, [0]
    while (at := begins[-1] + DOCUMENTS) < len(values):
        while at < len(values) and values[at] == values[at - 1]:
            at += 1
        if at == len(values):
            break
        begins.append(at)
    return begins


def _places(names: pd.Series[str], among: pd.Series[str]) -> Rows:
    """Return where each name stands in a column that holds all of them, each once."""
    wanted, known = (pa.array(column, type=pa.large_string()) for column in (names, among))
    whole = known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known
    places: Rows = pc.index_in(wanted, value_set=whole).to_numpy().astype(np.int64)
    return places
