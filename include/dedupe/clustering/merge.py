"""Merge: the edges of all partitions become pairs, and join those that earlier runs have found.

An edge says what one query found; the same two documents may be found from both sides, with two scores, and
from several partitions. A pair says it once: the best score, and from which sides it was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa

from include.dedupe.ahead import read_ahead
from include.dedupe.clustering.coding import CodedPairs, to_pairs
from include.dedupe.clustering.known_hubs import settle_hubs
from include.dedupe.clustering.known_pairs import keep_pairs, known_tables, to_known
from include.dedupe.clustering.known_rows import Gathering, KnownRows
from include.dedupe.clustering.known_state import State, read_state
from include.dedupe.clustering.numbering import Numbering
from include.dedupe.clustering.ordering import in_order
from include.dedupe.clustering.prints import UNKNOWN, Prints, to_numbers
from include.dedupe.clustering.spilling import join_on_disk
from include.dedupe.errors import ScanFailedError
from include.dedupe.flow import FlowReader
from include.dedupe.planning.plan import Plan, read_plan
from include.dedupe.rundir import Attempt, RunDir, Stage
from include.dedupe.scanning.coverage import scanned_partitions
from include.dedupe.scanning.outage import Outage
from include.dedupe.scanning.search import Searcher, document_fields, fingerprint
from include.dedupe.tables import ADDED, DOCUMENTS, EDGES, HUBS, PAIRS


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
    with TemporaryDirectory() as name:
        found = _read_scans(run, plan, Path(name) / "scans")
        earlier = known_tables(run, attempt, plan)
        known = await _gather(flow, plan, earlier, found, folder=Path(name) / "first")
        changed: list[str] = known.rows.pairs.ids.take(pa.array(known.state.changed(known.rows))).to_pylist()
        fresh, hubs = await _search_again(flow, plan, changed)
        if len(fresh):
            earlier = known_tables(run, attempt, plan)
            del known  # as large as what takes its place
            known = await _gather(flow, plan, earlier, found, fresh, folder=Path(name) / "again")
        edges = found.edges
        del found
        own = keep_pairs(run, attempt, plan, known.rows.take(slice(known.before, None)))
        stage.write_table("hubs", settle_hubs(run, attempt, plan, hubs, changed), HUBS)
        pairs, documents = _write(stage, plan, known)
    stats = MergeStats(edges, own, pairs, documents, len(changed), float(known.rows.floors.max()))
    stage.finish(asdict(stats))
    return stats


@dataclass(frozen=True, slots=True)
class _Found:
    """What the scans of a run found: edges, their pairs in parts, and the fingerprint of each document."""

    edges: int
    pairs: list[CodedPairs]
    prints: Prints


@dataclass(frozen=True, slots=True)
class _Known:
    """All known pairs, those of other runs first, of which there are ``before``; and their documents now."""

    rows: KnownRows
    before: int
    state: State


def _read_scans(run: RunDir, plan: Plan, folder: Path) -> _Found:
    """Return what all partitions have found; few parts of the edges are held at a time."""
    partitions = scanned_partitions(run, plan)
    counts: list[int] = []

    def read() -> Iterator[pa.Table]:
        for name in partitions:
            for part in run.read_rows(name, "edges", EDGES):
                counts.append(len(part))
                yield part

    (folder / "edges").mkdir(parents=True)
    pairs = list(join_on_disk(read(), folder / "edges"))
    numbering, prints = Numbering(folder), list[Prints]()
    numbering.add(pairs[0].ids)
    for name in partitions:
        for part in run.read_rows(name, "documents", DOCUMENTS):
            ids, place = in_order(part["id"].chunks)
            numbering.add(ids)
            last = np.empty(len(ids), np.uint64)
            last[place] = to_numbers(part["fingerprint"])
            prints.append(last)
    of_all = np.full(len(numbering.finish()), UNKNOWN, np.uint64)
    for number, each in enumerate(prints, 1):
        of_all[numbering.places(number)] = each
    return _Found(sum(counts), pairs, of_all[numbering.places(0)])


async def _gather(
    flow: FlowReader,
    plan: Plan,
    earlier: Iterable[pa.Table],
    found: _Found,
    *fresh: pa.Table,
    folder: Path,
) -> _Known:
    """Return all pairs, the earliest first, the ``fresh`` ones last; what is large lies in the folder."""
    gathering = Gathering(folder / "ids")
    for rows in earlier:
        gathering.add(rows)
    before = gathering.count
    gathering.add_found(found.pairs, found.prints, plan.config.scan.lowest_score)
    for rows in fresh:
        gathering.add(rows)
    known = gathering.finish()
    return _Known(known, before, await read_state(flow, plan, known.pairs.ids, folder / "documents"))


def _write(stage: Stage, plan: Plan, known: _Known) -> tuple[int, int]:
    """Write the pairs that hold and count, and their documents; return how many of both there are."""
    rows, state, scan = known.rows, known.state, plan.config.scan
    before = rows.take(slice(known.before))
    is_valid = [
        state.holds(part) & state.counts(part) & part.of_two() & (part.pairs.scores >= scan.lowest_score)
        for part in rows.spans()
    ]
    is_paired, pairs = np.zeros(len(state.prints), bool), 0
    for number, part in enumerate(read_ahead(rows.united(np.concatenate(is_valid)))):
        label = f"{stage.attempt.label}-{number:05}"
        is_strong = part.pairs.scores >= scan.threshold
        strong, new = part.only(is_strong).pairs, part.only(is_strong & ~part.are_in(before)).pairs
        stage.write_part("pairs", label, strong.to_table(), PAIRS)
        stage.write_part("added", label, new.to_table().select(ADDED.names).cast(ADDED), ADDED)
        stage.write_part("weak", label, part.only(~is_strong).pairs.to_table(), PAIRS)
        is_paired[strong.low] = is_paired[strong.high] = True
        pairs += len(strong)
    documents = 0
    for number, found in enumerate(state.documents(is_paired)):
        stage.write_part("documents", f"{stage.attempt.label}-{number:05}", found, DOCUMENTS)
        documents += len(found)
    return pairs, documents


async def _search_again(flow: FlowReader, plan: Plan, ids: list[str]) -> tuple[pa.Table, pd.DataFrame]:
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
    return pa.concat_tables([fresh, to_known(searched, as_they_are, plan)]), frames["hubs"]
