"""Known pairs: what all runs of a collection have found, kept beside the runs.

Each run leaves one file, which never changes. A pair counts as long as both documents exist, are as they were
when it was found, and belong to the scope; so that a run over one interval sees clusters across all of them.
Pairs of another detector, or another version of it, are never mixed in.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.clustering.coding import encode
from include.dedupe.clustering.ordering import changes, places_among
from include.dedupe.errors import ArtifactError
from include.dedupe.flow import FlowReader
from include.dedupe.planning.plan import Plan
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.search import document_fields, fingerprint
from include.dedupe.storage import Storage
from include.dedupe.tables import ADDED, DOCUMENTS, KNOWN_PAIRS, empty, from_parquet, to_parquet

log = logging.getLogger(__name__)
FOLDER = "pairs"
AT_ONCE = 100_000
"""Documents that are asked for, and held as Flow tells them, at once."""


@dataclass(frozen=True, slots=True)
class State:
    """The documents of pairs as they are now: columns of DOCUMENTS, and ids of those in each scope."""

    documents: pd.DataFrame
    in_scope: pd.Series[str]
    in_search_scope: pd.Series[str]

    def counts(self, pairs: pd.DataFrame) -> npt.NDArray[np.bool_]:
        """Tell which pairs the scopes let count: one document may be scanned, the other one found."""
        scanned, found = (
            {side: places_among(pairs[f"id_{side}"], scope) >= 0 for side in "ab"}
            for scope in (self.in_scope, self.in_search_scope)
        )
        counts: npt.NDArray[np.bool_] = scanned["a"] & found["b"] | scanned["b"] & found["a"]
        return counts


def read_known_pairs(run: RunDir, attempt: Attempt, plan: Plan) -> pd.DataFrame:
    """Return the pairs (columns of KNOWN_PAIRS) that other runs found with this detector, oldest first."""
    files = read_files(run.lasting, but=_name(run, attempt, plan))
    frames = [frame[frame["detector"] == plan.detector] for frame in files.values()]
    known = pd.concat([empty(KNOWN_PAIRS), *frames], ignore_index=True)
    floor = known["floor"].max() if len(known) else 0.0
    if floor > plan.config.scan.threshold:
        log.warning(
            "Some known pairs were kept down to a score of %s only; below it, down to the threshold %s, "
            "pairs are known of this run alone. Scan everything once to know all.",
            floor,
            plan.config.scan.threshold,
        )
    return known


def read_files(lasting: Storage, but: str = "") -> dict[str, pd.DataFrame]:
    """Return the files by name, the oldest first, without the one that is called ``but``.

    Files that go while they are read have been compacted into another one, and all are read anew.

    Raises:
        ArtifactError: a file is damaged, or is listed and cannot be read.
    """
    names = [name for name in lasting.names(FOLDER) if name != but]
    paths = [f"{FOLDER}/{name}" for name in names]
    try:
        read = lasting.read_many(paths)
    except ArtifactError:
        if set(names) <= set(lasting.names(FOLDER)):
            raise
        return read_files(lasting, but)
    tables = zip(names, paths, read, strict=True)
    return {name: from_parquet(data, KNOWN_PAIRS, lasting.path(path)) for name, path, data in tables}


def known_scores(lasting: Storage, detector: str) -> tuple[npt.NDArray[np.float64], float | None]:
    """Return the score of each pair ever found with a detector, as it was found last, and the floor.

    The floor is the score down to which all runs have kept their pairs, None where there are none.
    """
    known = pd.concat([empty(KNOWN_PAIRS), *read_files(lasting).values()], ignore_index=True)
    known = known[known["detector"] == detector]
    pairs = known[known["id_a"] != known["id_b"]].drop_duplicates(["id_a", "id_b"], keep="last")
    floor = float(known["floor"].max()) if len(known) else None
    return pairs["score"].to_numpy(np.float64), floor


def keep_pairs(run: RunDir, attempt: Attempt, plan: Plan, pairs: pd.DataFrame) -> None:
    """Put the pairs of a run beside the runs; a retry that finds them there leaves them."""
    run.lasting.create(f"{FOLDER}/{_name(run, attempt, plan)}", to_parquet(pairs, KNOWN_PAIRS))


def to_known(pairs: pd.DataFrame, fingerprints: pd.Series[str], plan: Plan) -> pd.DataFrame:
    """Return pairs (columns of PAIRS) with what tells later whether they still hold."""
    return pairs.assign(
        fingerprint_a=pairs["id_a"].map(fingerprints).fillna(""),
        fingerprint_b=pairs["id_b"].map(fingerprints).fillna(""),
        detector=plan.detector,
        floor=plan.config.scan.lowest_score,
    )


def documents_of(pairs: pd.DataFrame) -> list[str]:
    """Return the documents of pairs, each once and in order."""
    ids: list[str] = encode(pairs["id_a"], pairs["id_b"])[0].to_pylist()
    return ids


async def read_state(flow: FlowReader, plan: Plan, ids: list[str]) -> State:
    """Return how documents are now; ``ids`` are in order."""
    parts = [ids[first : first + AT_ONCE] for first in range(0, len(ids), AT_ONCE)]
    documents = [await _documents(flow, plan, part) for part in parts]
    joined = pd.concat([empty(DOCUMENTS), *documents], ignore_index=True)
    scopes = []
    for fq in (plan.config.scope, plan.search_fq):
        inside = [await _inside(flow, part, fq) for part in parts] if fq else [joined["id"]]
        scopes.append(pd.concat([empty(DOCUMENTS)["id"], *inside], ignore_index=True))
    return State(joined, *scopes)


async def _documents(flow: FlowReader, plan: Plan, ids: list[str]) -> pd.DataFrame:
    image = plan.config.fields.image
    there = [
        (document["id"], str(document.get(image, "")), fingerprint(document, image))
        for document in await flow.existing(ids, document_fields(plan))
    ]
    return pd.DataFrame(sorted(there), columns=DOCUMENTS.names)


async def _inside(flow: FlowReader, ids: list[str], fq: Sequence[str]) -> pd.Series[str]:
    return pd.Series([document["id"] for document in await flow.existing(ids, fq=fq)], dtype=str)


def split_stale(pairs: pd.DataFrame, documents: pd.DataFrame) -> tuple[pd.DataFrame, set[str]]:
    """Return the pairs that hold, and the documents that have changed since they were last seen in a pair.

    A pair holds when both documents exist and have the fingerprints that it was found with.
    """
    now = pa.array(documents["fingerprint"], pa.large_string())
    holds, changed, seen_anew = np.ones(len(pairs), bool), *np.zeros((2, len(documents)), bool)
    for side in "ab":
        place = places_among(pairs[f"id_{side}"], documents["id"])
        exists = place >= 0
        fingerprint = now.take(pa.array(place, mask=~exists))
        found_with = pa.array(pairs[f"fingerprint_{side}"], pa.large_string())
        same = pc.equal(fingerprint, found_with).fill_null(False).to_numpy(zero_copy_only=False)
        changed[place[exists & ~same]] = True
        seen_anew[place[same]] = True
        holds &= same
    return pairs[holds], set(documents["id"].to_numpy()[changed & ~seen_anew])


def unite(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return each pair once, as it was found last, sorted by both ids; seen from all sides it ever was."""
    ids, one, other = encode(pairs["id_a"], pairs["id_b"])
    key = one.astype(np.int64) * len(ids) + other
    order = np.argsort(key, kind="stable")
    begins = changes(key[order])
    last, starts = order[np.roll(begins, -1)], np.flatnonzero(begins)
    united = pairs.take(last).reset_index(drop=True)
    for side in ("seen_from_a", "seen_from_b") if len(pairs) else ():
        united[side] = np.logical_or.reduceat(pairs[side].to_numpy(bool)[order], starts)
    return united


def are_added(pairs: pd.DataFrame, before: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Tell which ``pairs`` are not in ``before`` with the same fingerprints; columns of KNOWN_PAIRS."""
    keys = [*ADDED.names, "fingerprint_a", "fingerprint_b"]
    found = pairs[keys].merge(before[keys].drop_duplicates(), on=keys, how="left", indicator=True)
    return (found["_merge"] == "left_only").to_numpy(bool)


def run_of(name: str) -> str:
    """Return the folder of the run that has kept its pairs in the file of this name."""
    return name.partition("--")[2].rpartition("-g")[0]


def _name(run: RunDir, attempt: Attempt, plan: Plan) -> str:
    return f"{plan.created_at.replace(':', '-')}--{run.folder}-g{attempt.generation}.parquet"
