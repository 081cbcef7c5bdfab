"""Merge: the edges of all partitions become pairs, and join those that earlier runs have found.

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

from include.dedupe.clustering.known_hubs import settle_hubs
from include.dedupe.clustering.known_pairs import (
    added,
    keep_pairs,
    read_known_pairs,
    read_state,
    split_stale,
    to_known,
    unite,
)
from include.dedupe.errors import ScanFailedError
from include.dedupe.flow import FlowReader
from include.dedupe.planning.plan import Plan, read_plan
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.coverage import scanned_partitions
from include.dedupe.scanning.outage import Outage
from include.dedupe.scanning.search import Searcher, document_fields, fingerprint
from include.dedupe.tables import ADDED, DOCUMENTS, EDGES, HUBS, PAIRS

Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MergeStats:
    """``found``: pairs of this run. ``pairs``: those among all known ones that count, at the threshold.

    ``rechecked``: documents that had changed since an earlier run, and were searched for again. ``floor``:
    score down to which all runs have kept their pairs.
    """

    edges: int
    found: int
    pairs: int
    documents: int
    rechecked: int
    floor: float = 1.0


async def merge(flow: FlowReader, run: RunDir, attempt: Attempt) -> MergeStats:
    """Write all known pairs that count and the documents in them, both sorted by id.

    Raises:
        ScanFailedError: a document that has changed could not be searched for again; a retry may help.
    """
    stage = run.stage("pairs", attempt)
    if finished := stage.finished():
        return MergeStats(**finished.result)
    plan = read_plan(run)
    edges, fingerprints = _read_scans(run, plan)
    own = to_known(to_pairs(edges), fingerprints, plan)
    before = read_known_pairs(run, attempt, plan)
    known = pd.concat([before, own], ignore_index=True)
    state = await read_state(flow, plan, sorted({*known["id_a"], *known["id_b"]}))
    _, changed = split_stale(known, state.documents)
    fresh, hubs = await _search_again(flow, plan, sorted(changed))
    own = unite(pd.concat([own, fresh], ignore_index=True))
    keep_pairs(run, attempt, plan, own)
    if len(fresh):
        known = pd.concat([known, fresh], ignore_index=True)
        state = await read_state(flow, plan, sorted({*known["id_a"], *known["id_b"]}))
    threshold, lowest = plan.config.scan.threshold, plan.config.scan.lowest_score
    valid, _ = split_stale(known, state.documents)
    valid = unite(valid[state.counts(valid) & (valid["score"] >= lowest) & (valid["id_a"] != valid["id_b"])])
    weak, valid = valid[valid["score"] < threshold], valid[valid["score"] >= threshold]
    documents = state.documents[state.documents["id"].isin({*valid["id_a"], *valid["id_b"]})]
    stage.write_table("hubs", settle_hubs(run, attempt, plan, hubs, changed), HUBS)
    stage.write_table("pairs", valid[PAIRS.names], PAIRS)
    stage.write_table("added", added(valid, before), ADDED)
    stage.write_table("weak", weak[PAIRS.names], PAIRS)
    stage.write_table("documents", documents, DOCUMENTS)
    found = int((own["id_a"] != own["id_b"]).sum())
    floor = float(known["floor"].max()) if len(known) else lowest
    stats = MergeStats(len(edges), found, len(valid), len(documents), len(changed), floor)
    stage.finish(asdict(stats))
    return stats


def _read_scans(run: RunDir, plan: Plan) -> tuple[pd.DataFrame, pd.Series[str]]:
    """Return the edges of all partitions, and the fingerprint of each document in them."""
    partitions = scanned_partitions(run, plan)
    edges = [run.read_table(name, "edges", EDGES) for name in partitions]
    documents = pd.concat([run.read_table(name, "documents", DOCUMENTS) for name in partitions])
    documents = documents.sort_values(["id", "image"]).drop_duplicates("id", keep="last")
    return pd.concat(edges, ignore_index=True), documents.set_index("id")["fingerprint"]


async def _search_again(flow: FlowReader, plan: Plan, ids: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the pairs that documents have which changed since they were scanned, and the hubs among them."""
    outage = Outage(flow, plan.config.scan.wait_hours * 3600)
    documents = await flow.existing(ids, document_fields(plan))
    found = await Searcher(flow, plan, outage).search(documents)
    if found.failures:
        name, cause, _ = found.failures[0]
        raise ScanFailedError(
            f"{len(found.failures)} of {len(ids)} documents that have changed could not be searched for "
            f"again, first {name!r}: {cause} Retry when the cause is gone."
        )
    frames = found.frames()
    fingerprints = frames["documents"].set_index("id")["fingerprint"]
    image = plan.config.fields.image
    searched = pd.DataFrame(
        [(each["id"], each["id"], 0.0, True, True) for each in documents], columns=PAIRS.names
    )
    as_they_are = pd.Series({each["id"]: fingerprint(each, image) for each in documents}, dtype=object)
    fresh = to_known(to_pairs(frames["edges"]), fingerprints, plan)
    pairs = pd.concat([fresh, to_known(searched, as_they_are, plan)], ignore_index=True)
    return pairs, frames["hubs"]


def to_pairs(edges: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each unordered pair of ``edges`` (columns of EDGES), sorted by both ids.

    A document that found itself makes no pair.
    """
    ids, query, match = encode(edges["query_id"], edges["match_id"])
    scores = edges["score"].to_numpy(np.float64)
    apart = query != match
    query, match, scores = query[apart], match[apart], scores[apart]
    low, high = np.minimum(query, match), np.maximum(query, match)
    order = np.argsort(low * len(ids) + high)
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
    columns = [_strings(column) for column in (left, right)]
    seen = pa.concat_arrays(columns).dictionary_encode()
    order = pc.sort_indices(seen.dictionary).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    codes = place[seen.indices.to_numpy()]
    return seen.dictionary.take(pa.array(order)), codes[: len(left)], codes[len(left) :]


def _strings(column: pd.Series[str]) -> pa.Array:
    """Return a column as an Arrow array, without a copy where pandas holds it so already."""
    array = pa.array(column, type=pa.large_string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
