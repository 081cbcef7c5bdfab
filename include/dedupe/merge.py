"""Merge: the edges of all partitions become pairs.

An edge says what one query found; the same two documents may be found from both sides, with two scores, and
from several partitions. A pair says it once: the best score, and from which sides it was seen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.coverage import scanned_partitions
from include.dedupe.plan import read_plan
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.tables import DOCUMENTS, EDGES, PAIRS

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MergeStats:
    edges: int
    pairs: int
    documents: int


def merge(run: RunDir, attempt: Attempt) -> MergeStats:
    """Write the pairs of the run and the documents in them, both sorted by id."""
    stage = run.stage("pairs", attempt)
    if finished := stage.finished():
        return MergeStats(**finished.result)
    plan = read_plan(run)
    partitions = scanned_partitions(run, plan)
    edges = pd.concat([run.read_table(name, "edges", EDGES) for name in partitions], ignore_index=True)
    documents = pd.concat([run.read_table(name, "documents", DOCUMENTS) for name in partitions])
    documents = documents.sort_values(["id", "image"]).drop_duplicates("id", keep="last")
    pairs = to_pairs(edges[edges["score"] >= plan.config.scan.threshold])
    stage.write_table("pairs", pairs, PAIRS)
    stage.write_table("documents", documents, DOCUMENTS)
    stats = MergeStats(len(edges), len(pairs), len(documents))
    stage.finish(asdict(stats))
    return stats


def to_pairs(edges: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each unordered pair of ``edges`` (columns of EDGES), sorted by both ids.

    A document that found itself makes no pair.
    """
    ids, query, match = encode(edges["query_id"], edges["match_id"])
    scores = edges["score"].to_numpy(np.float64)
    apart = query != match
    query, match, scores = query[apart], match[apart], scores[apart]
    low, high = np.minimum(query, match), np.maximum(query, match)
    order = np.lexsort((high, low))
    low, high, scores, from_low = low[order], high[order], scores[order], (query < match)[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(low) != 0) | (np.diff(high) != 0)]) if len(low) else low
    return pd.DataFrame(
        {
            "id_a": ids.take(pa.array(low[starts])).to_pandas(),
            "id_b": ids.take(pa.array(high[starts])).to_pandas(),
            "score": np.maximum.reduceat(scores, starts) if len(starts) else scores,
            "seen_from_a": np.logical_or.reduceat(from_low, starts) if len(starts) else from_low,
            "seen_from_b": np.logical_or.reduceat(~from_low, starts) if len(starts) else from_low,
        }
    )


def encode(left: pd.Series[str], right: pd.Series[str]) -> tuple[pa.Array, Codes, Codes]:
    """Return the distinct ids of two columns in order, and each column as positions in them."""
    columns = [pa.array(column.astype(object), type=pa.string()) for column in (left, right)]
    ids = pc.unique(pa.chunked_array(columns, type=pa.string()))
    ids = ids.take(pc.sort_indices(ids))
    query, match = (pc.index_in(column, ids).to_numpy().astype(np.int64) for column in columns)
    return ids, query, match
