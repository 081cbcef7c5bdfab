"""Merge: the edges of all partitions become pairs, and join those that earlier runs have found.

An edge says what one query found; the same two documents may be found from both sides, with two scores, and
from several partitions. A pair says it once: the best score, and from which sides it was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa

from include.dedupe.clustering.coding import to_pairs
from include.dedupe.clustering.known_hubs import settle_hubs
from include.dedupe.clustering.known_pairs import (
    are_added,
    documents_of,
    keep_pairs,
    read_known_pairs,
    read_state,
    split_stale,
    to_known,
    unite,
)
from include.dedupe.clustering.ordering import places_among
from include.dedupe.clustering.spilling import join_on_disk
from include.dedupe.errors import ScanFailedError
from include.dedupe.flow import FlowReader
from include.dedupe.planning.plan import Plan, read_plan
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.coverage import scanned_partitions
from include.dedupe.scanning.outage import Outage
from include.dedupe.scanning.search import Searcher, document_fields, fingerprint
from include.dedupe.tables import ADDED, DOCUMENTS, EDGES, HUBS, PAIRS, empty

PART_PAIRS = 1_000_000


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
    edges, found_pairs, fingerprints = _read_scans(run, plan)
    own = to_known(found_pairs, fingerprints, plan)
    before = read_known_pairs(run, attempt, plan)
    known = pd.concat([before, own], ignore_index=True)
    state = await read_state(flow, plan, documents_of(known))
    _, changed = split_stale(known, state.documents)
    fresh, hubs = await _search_again(flow, plan, sorted(changed))
    own = unite(pd.concat([own, fresh], ignore_index=True))
    keep_pairs(run, attempt, plan, own)
    if len(fresh):
        known = pd.concat([known, fresh], ignore_index=True)
        state = await read_state(flow, plan, documents_of(known))
    threshold, lowest = plan.config.scan.threshold, plan.config.scan.lowest_score
    valid, _ = split_stale(known, state.documents)
    valid = unite(valid[state.counts(valid) & (valid["score"] >= lowest) & (valid["id_a"] != valid["id_b"])])
    weak, valid = valid[valid["score"] < threshold], valid[valid["score"] >= threshold]
    documents = state.documents[places_among(state.documents["id"], documents_of(valid)) >= 0]
    stage.write_table("hubs", settle_hubs(run, attempt, plan, hubs, changed), HUBS)
    is_new = are_added(valid, before)
    spans = [slice(first, first + PART_PAIRS) for first in range(0, len(valid), PART_PAIRS) or (0,)]
    stage.write_tables("pairs", (valid[span][PAIRS.names] for span in spans), PAIRS)
    stage.write_tables("added", (valid[span][ADDED.names][is_new[span]] for span in spans), ADDED)
    stage.write_table("weak", weak[PAIRS.names], PAIRS)
    stage.write_table("documents", documents, DOCUMENTS)
    found = int((own["id_a"] != own["id_b"]).sum())
    floor = float(known["floor"].max()) if len(known) else lowest
    stats = MergeStats(edges, found, len(valid), len(documents), len(changed), floor)
    stage.finish(asdict(stats))
    return stats


def _read_scans(run: RunDir, plan: Plan) -> tuple[int, pd.DataFrame, pd.Series[str]]:
    """Return how many edges all partitions have, their pairs, and the fingerprint of each document in them.

    Few parts of the edges are held at a time.
    """
    partitions = scanned_partitions(run, plan)
    counts: list[int] = []

    def read() -> Iterator[pa.Table]:
        for name in partitions:
            for part in run.read_rows(name, "edges", EDGES):
                counts.append(len(part))
                yield part

    with TemporaryDirectory() as folder:
        pairs = [each.to_frame() for each in join_on_disk(read(), Path(folder))]
    documents = pd.concat([run.read_table(name, "documents", DOCUMENTS) for name in partitions])
    documents = documents.sort_values(["id", "image"]).drop_duplicates("id", keep="last")
    found = pd.concat(pairs, ignore_index=True) if pairs else empty(PAIRS)
    return sum(counts), found, documents.set_index("id")["fingerprint"]


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
