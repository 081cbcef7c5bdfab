"""Cluster: the connected components of the pairs that can be duplicates.

Components chain: when A resembles B and B resembles C, all three share a cluster although A and C may have
little in common. Therefore a cluster says how weak its weakest pair is, whether some members are no pair, and
which pairs hold it together alone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.clustering.coding import CodedPairs
from include.dedupe.clustering.components import Clusters, find_clusters
from include.dedupe.clustering.earlier import Earlier
from include.dedupe.clustering.found_pairs import FoundPairs, read_found
from include.dedupe.clustering.names import NAMES_FOLDER
from include.dedupe.clustering.news import News, tell_news
from include.dedupe.parquet import from_parquet, to_parquet
from include.dedupe.planning.plan import read_plan
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.tables import BRIDGES, CLUSTER_EVENTS, CLUSTERS, HUBS, NAMES, NEWS, PAIRS, PARTS
from include.dedupe.verdicts import read_verdicts, standing_verdicts

_LARGE_NAMES = pa.schema([(name, pa.large_string()) for name in NAMES.names])


@dataclass(frozen=True, slots=True)
class ClusterStats:
    clusters: int
    documents: int
    exact_pairs: int
    near_pairs: int
    largest: int
    merged: int
    split: int
    not_duplicates: int = 0
    """Pairs that were left out because a person said that they are none."""
    new_clusters: int = 0
    changed_clusters: int = 0
    known_clusters: int = 0
    new_documents: int = 0
    new_exact_pairs: int = 0
    new_near_pairs: int = 0
    """What of all this earlier runs had not found, as in ``News``."""


def cluster(run: RunDir, attempt: Attempt) -> ClusterStats:
    """Write the clusters of the pairs that verdicts and settings let through, sorted by cluster and document.

    The names of the clusters are kept beside the runs for the next one. Tables are read and written part by
    part; between them stand numbers.
    """
    stage = run.stage("clusters", attempt)
    if finished := stage.finished():
        return ClusterStats(**finished.result)
    plan = read_plan(run)
    exact_threshold = plan.config.scan.exact_threshold
    standing = standing_verdicts(read_verdicts(run.lasting))
    own_names = f"{plan.created_at.replace(':', '-')}--{run.storage.root.rpartition('/')[2]}.parquet"
    with TemporaryDirectory() as folder:
        read = read_found(run, plan.config, standing, Path(folder))
        before = _names_before(run, own_names)
        found = find_clusters(read.pairs, exact_threshold, Earlier.of(before, read.pairs.ids), hub_ids(run))
        stage.write_tables("clusters", found.pieces(), CLUSTERS)
        stage.write_tables("pairs", found.pair_pieces(), PAIRS)
        stage.write_table("bridges", found.bridges, BRIDGES)
        stage.write_table("events", found.events, CLUSTER_EVENTS)
        stage.write_table("parts", found.parts_at(plan.config.cluster.thresholds), PARTS)
        news = _news(found, Earlier.of(_names_before(run, own_names, others=True), read.pairs.ids))
        stage.write_table("news", news, NEWS)
        stage.require_latest()
        run.lasting.write(f"{NAMES_FOLDER}/{own_names}", to_parquet(_names_after(found, before), NAMES))
        stats = _count(found, read, news, exact_threshold)
    stage.finish(asdict(stats))
    return stats


def _count(found: Clusters, read: FoundPairs, news: pd.DataFrame, exact_threshold: float) -> ClusterStats:
    is_exact = read.pairs.scores >= exact_threshold
    counted = News.of(news, int((read.is_new & is_exact).sum()), int((read.is_new & ~is_exact).sum()))
    exact_pairs = int(is_exact.sum())
    return ClusterStats(
        clusters=len(found.naming.names),
        documents=found.documents,
        exact_pairs=exact_pairs,
        near_pairs=len(read.pairs) - exact_pairs,
        largest=int(found.each["size"].max(initial=0)),
        merged=int((found.events["event"] == "merge").sum()),
        split=int((found.events["event"] == "split").sum()),
        not_duplicates=read.apart,
        **asdict(counted),
    )


def _news(found: Clusters, before: Earlier) -> pd.DataFrame:
    pieces = zip(found.pieces(), found.spans(), strict=True)
    told = [
        tell_news(rows.select(NAMES.names).to_pandas().assign(before=before.names_of(documents).to_pandas()))
        for rows, documents in pieces
    ]
    return pd.concat(told, ignore_index=True)


def to_clusters(
    pairs: pd.DataFrame,
    exact_threshold: float,
    before: pd.DataFrame | None = None,
    hubs: Collection[str] = (),
) -> Clusters:
    """Return the connected components of ``pairs`` (columns of PAIRS).

    Args:
        pairs: each unordered pair once, sorted by both ids.
        exact_threshold: lowest score of an exact pair.
        before: columns of NAMES: the names that documents' clusters had.
        hubs: documents with more hits than were read.
    """
    coded = CodedPairs.of_pairs(pairs)
    return find_clusters(coded, exact_threshold, Earlier.of(before, coded.ids), hubs)


def hub_ids(run: RunDir) -> frozenset[str]:
    """Return the documents of which only the best hits are known, by this run or an earlier one."""
    return frozenset(run.read_table("pairs", "hubs", HUBS)["id"])


def _none_named() -> pd.DataFrame:
    return pd.DataFrame(columns=NAMES.names)


def _names_before(run: RunDir, own: str, *, others: bool = False) -> pd.DataFrame:
    """Return the names that were given last before; ``others``: by another run than this one."""
    earlier = [name for name in run.lasting.names(NAMES_FOLDER) if name < own]
    if others:
        earlier = [name for name in earlier if name.partition("--")[2] != own.partition("--")[2]]
    if not earlier:
        return _none_named()
    path = f"{NAMES_FOLDER}/{earlier[-1]}"
    return from_parquet(run.lasting.read(path), NAMES, run.lasting.path(path))


def _names_after(found: Clusters, before: pd.DataFrame) -> pa.Table:
    """Documents that are in no cluster now keep the name that they last had."""
    names = found.naming.names.take(pa.array(found.component))
    now = pa.table([found.pairs.ids, names], schema=_LARGE_NAMES)
    is_in = pc.is_in(pa.array(before["id"], pa.large_string()), found.pairs.ids)
    gone = pa.Table.from_pandas(before, _LARGE_NAMES, preserve_index=False).filter(pc.invert(is_in))
    known = pa.concat_tables([now, gone]).sort_by("id") if len(gone) else now
    return known.cast(NAMES)
