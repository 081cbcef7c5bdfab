"""Layout: documents and pairs of a run, cluster by cluster, so that a page reads only what it shows.

It is written once for a run, by its report or when somebody first looks, and again if the clusters are made
anew. Verdicts do not change it.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.clustering.cluster import hub_ids
from include.dedupe.clustering.facts import read_facts, read_fields
from include.dedupe.deciding.linked import own_sizes
from include.dedupe.errors import UnknownError
from include.dedupe.parquet import to_parquet
from include.dedupe.planning.plan import Plan
from include.dedupe.reviewing.rows import GROUP_ROWS, RowFile
from include.dedupe.rundir import Attempt, RunDir, read_manifest
from include.dedupe.tables import (
    BRIDGES,
    CLUSTERS,
    DOCUMENTS,
    PAIRS,
    SHOWN_CLUSTERS,
    SHOWN_DECISIONS,
    SHOWN_MEMBERS,
    SHOWN_PAIRS,
)

STAGE = "review"
UNKNOWN_SIZE, MOST_BYTES = -1, 2**62
Rows = npt.NDArray[np.int64]
_SHOWN = (SHOWN_CLUSTERS, SHOWN_MEMBERS, SHOWN_PAIRS, SHOWN_DECISIONS)
_COLUMNS = hashlib.sha256("\n".join(str(schema) for schema in _SHOWN).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of documents and pairs; ``source`` tells what they were made of."""

    source: str
    members: str
    pairs: str

    def read_members(self, run: RunDir) -> RowFile:
        return RowFile(run.storage, self.members, SHOWN_MEMBERS)

    def read_pairs(self, run: RunDir) -> RowFile:
        return RowFile(run.storage, self.pairs, SHOWN_PAIRS)


def open_layout(run: RunDir, plan: Plan) -> Layout:
    """Return the layout of a run's clusters; make it if it is not there.

    Raises:
        UnknownError: the run has no clusters yet.
    """
    source = _source(run)
    found = read_manifest(run.storage, STAGE)
    if found and found.result["source"] == source:
        return Layout(**found.result)
    members = _members(run, plan)
    label = f"{uuid.uuid4().hex[:12]}.parquet"
    stage = run.stage(STAGE, Attempt())
    made = Layout(source, f"{STAGE}/members-{label}", f"{STAGE}/pairs-{label}")
    stage.write_file(f"members-{label}", to_parquet(members, SHOWN_MEMBERS, GROUP_ROWS))
    stage.write_file(f"pairs-{label}", to_parquet(_pairs(run, members), SHOWN_PAIRS, GROUP_ROWS))
    stage.finish({"source": source, "members": made.members, "pairs": made.pairs})
    return made


def order_of_clusters(clusters: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each cluster, as in CLUSTERS but for the document, the largest first."""
    first = clusters.drop_duplicates("cluster_id").drop(columns="id")
    return first.sort_values(["size", "cluster_id"], ascending=[False, True], ignore_index=True)


def _source(run: RunDir) -> str:
    """Return what tells these clusters and facts from those of another attempt or of other columns."""
    clusters, facts = (read_manifest(run.storage, name) for name in ("clusters", "facts"))
    if clusters is None:
        raise UnknownError(f"Run {run.run_id} has no clusters yet; wait until it has reported.")
    written = [manifest.parts for manifest in (clusters, facts) if manifest]
    names = [name for parts in written for names in parts.values() for name in names]
    return " ".join([*names, _COLUMNS])


def _members(run: RunDir, plan: Plan) -> pd.DataFrame:
    clusters = run.read_table("clusters", "clusters", CLUSTERS)
    place = order_of_clusters(clusters).reset_index().set_index("cluster_id")["index"]
    order = np.argsort(clusters["cluster_id"].map(place).to_numpy(np.int64), kind="stable")
    rows = clusters.loc[order, ["cluster_id", "id"]].reset_index(drop=True)
    documents = run.read_table("pairs", "documents", DOCUMENTS)
    facts = read_facts(run, plan.config)
    rows = _joined(rows, documents[["id", "image"]])
    rows["hub"] = rows["id"].isin(hub_ids(run))
    if facts is None:
        return rows.assign(is_protected=False, filled=0, fields="{}", fingerprint="", bytes=UNKNOWN_SIZE)
    rows = _joined(rows, facts)
    sizes = own_sizes(read_fields(rows), plan.config)
    is_known = (sizes >= 0) & (sizes < MOST_BYTES)
    return rows.assign(bytes=np.where(is_known, sizes, UNKNOWN_SIZE).astype(np.int64))


def _joined(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    place = places(rows["id"], known["id"])
    names = [name for name in known.columns if name != "id"]
    return rows.assign(**{name: known[name].take(place).array for name in names})


def places(names: pd.Series[str], among: pd.Series[str]) -> Rows:
    """Return where each name stands in a column that holds each once; -1 where it does not."""
    wanted, known = (pa.array(column, type=pa.large_string()) for column in (names, among))
    whole = known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known
    found = pc.fill_null(pc.index_in(wanted, value_set=whole), -1)
    numbers: Rows = found.to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers


def _pairs(run: RunDir, members: pd.DataFrame) -> pd.DataFrame:
    pairs = run.read_table("clusters", "pairs", PAIRS)
    bridges = run.read_table("clusters", "bridges", BRIDGES)
    row = places(pairs["id_a"], members["id"])
    names = members["cluster_id"].to_numpy()
    starts = np.r_[True, names[1:] != names[:-1]] if len(names) else np.zeros(0, bool)
    cluster = np.cumsum(starts)[row] if len(pairs) else row
    order = np.lexsort((np.arange(len(pairs)), -pairs["score"].to_numpy(np.float64), cluster))
    held = pd.MultiIndex.from_frame(bridges[["id_a", "id_b"]])
    is_bridge = pd.MultiIndex.from_frame(pairs[["id_a", "id_b"]]).isin(held)
    found = pairs.assign(cluster_id=names[row] if len(pairs) else [], bridge=is_bridge)
    ordered: pd.DataFrame = found.iloc[order].reset_index(drop=True)
    return ordered
