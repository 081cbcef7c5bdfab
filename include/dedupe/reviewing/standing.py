"""Standing: what is decided of documents of some clusters when all verdicts of a moment are counted in.

Decisions of one cluster never depend on another; so some clusters can be decided without the rest.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.clustering.cluster import to_clusters
from include.dedupe.clustering.pair_rules import allowed_pairs
from include.dedupe.deciding.decide import SaidSoFar
from include.dedupe.deciding.documents import decide_documents
from include.dedupe.reviewing.layout import UNKNOWN_SIZE, places
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.tables import DECIDED, DECISIONS, FACTS, NAMES, PAIRS, SHOWN_DECISIONS
from include.dedupe.verdicts import SETTLING, Verdict, not_undone

NO_DUPLICATE = "no duplicate of the others, as people said"
Rows = npt.NDArray[np.int64]


def decide_some(
    members: pd.DataFrame, pairs: pd.DataFrame, said: SaidSoFar, config: CollectionConfig
) -> pd.DataFrame:
    """Return what is decided of each document that is still in a cluster (columns of DECISIONS).

    Args:
        members: columns of SHOWN_MEMBERS: all documents of some clusters.
        pairs: columns of SHOWN_PAIRS: all pairs of these clusters.
        said: what people said.
        config: the run's settings.
    """
    ordered = pairs[PAIRS.names].sort_values(["id_a", "id_b"], ignore_index=True)
    allowed = allowed_pairs(ordered, None, config, said.standing)
    hubs = members.loc[members["hub"], "id"]
    clusters = to_clusters(allowed, config.scan.exact_threshold, members[NAMES.names], list(hubs)).members
    if config.policies is None:
        return undecided(clusters)
    return decide_documents(clusters, allowed, members[FACTS.names], config=config, **said.basis())


def undecided(clusters: pd.DataFrame) -> pd.DataFrame:
    """Return rows as of DECISIONS for clusters of which no policy says anything."""
    texts = dict.fromkeys(set(DECISIONS.names) - {"cluster_id", "id", "score"}, "")
    found: pd.DataFrame = clusters[["cluster_id", "id"]].assign(**texts, score=0.0)[DECISIONS.names]
    return found


def align(ids: pd.Series[str], decisions: pd.DataFrame) -> pd.DataFrame:
    """Return ``decisions`` in the order of ``ids``; what is in no cluster any more stays, and is told so."""
    place = places(ids, decisions["id"])
    is_in = place >= 0
    names = [name for name in SHOWN_DECISIONS.names if name != "now_in"]
    absent = {"keeper_id": "", "decision": "keep", "duplicates": "none", "rule": "", "reason": NO_DUPLICATE}
    columns = {}
    for name, column in (("now_in", "cluster_id"), *((one, one) for one in names)):
        values = decisions[column].to_numpy(dtype=object)
        kept = np.full(len(ids), absent.get(name, 0.0 if name == "score" else ""), dtype=object)
        kept[is_in] = values[place[is_in]]
        columns[name] = kept
    found = pd.DataFrame(columns, columns=SHOWN_DECISIONS.names)
    return found.astype({"score": np.float64})


def summarise(members: pd.DataFrame, decided: pd.DataFrame, starts: Rows, first_row: Rows) -> pd.DataFrame:
    """Return, for each cluster, its keeper's row, counts by decision, and bytes that would be freed.

    Args:
        members: columns id and bytes, cluster by cluster.
        decided: columns of SHOWN_DECISIONS, rows as ``members``.
        starts: where each cluster begins in both.
        first_row: that place in the whole table.
    """
    decision = decided["decision"].to_numpy(dtype=object)
    sizes = members["bytes"].to_numpy(np.int64)
    deleted = np.isin(decision.astype(str), DELETING)
    known = deleted & (sizes != UNKNOWN_SIZE)

    def total(values: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Rows:
        return np.add.reduceat(values.astype(np.int64), starts) if len(starts) else np.zeros(0, np.int64)

    keeps = (members["id"].to_numpy(dtype=object) == decided["keeper_id"].to_numpy(dtype=object)).nonzero()[0]
    cluster = np.searchsorted(starts, keeps, side="right") - 1
    keeper = np.full(len(starts), -1, np.int64)
    keeper[cluster[::-1]] = (first_row[cluster] + keeps - starts[cluster])[::-1]
    counts = {name: total(decision == name) for name in DECIDED}
    freed = {"bytes": total(np.where(known, sizes, 0)), "bytes_unknown": total(deleted & ~known)}
    return pd.DataFrame({"keeper": keeper, **freed, **counts})


def picture_digest(address: str) -> str:
    """Return what tells that a document has another picture than when something was said of it."""
    return hashlib.blake2b(address.encode(), digest_size=6).hexdigest()


def are_judged(
    members: pd.DataFrame, decided: pd.DataFrame, starts: Rows, verdicts: Sequence[Verdict]
) -> npt.NDArray[np.bool_]:
    """Tell of which clusters people have said what they have to say.

    That is so where one standing verdict has seen all documents that are in it now, with the pictures that
    they have now; and where a cluster holds no duplicates any more. What joins it brings it back.

    Args:
        members: columns id and image, cluster by cluster.
        decided: columns of SHOWN_DECISIONS, rows as ``members``.
        starts: where each cluster begins.
        verdicts: all of them.
    """
    seen_by: dict[str, set[int]] = defaultdict(set)
    seen = [one.seen for one in not_undone(list(verdicts)) if _settles(one)]
    for number, documents in enumerate(seen):
        for name in documents:
            seen_by[name].add(number)
    in_cluster = decided["now_in"].to_numpy(dtype=object) != ""
    unseen = in_cluster & ~members["id"].isin(seen_by.keys()).to_numpy(bool)
    open_ones = np.add.reduceat(unseen.astype(np.int64), starts) if len(starts) else np.zeros(0, np.int64)
    judged: npt.NDArray[np.bool_] = open_ones == 0
    ends = np.append(starts[1:], len(members))
    ids, images = members["id"].to_numpy(dtype=object), members["image"].to_numpy(dtype=object)
    now_in = decided["now_in"].to_numpy(dtype=object)
    for cluster in np.flatnonzero(judged):
        rows = range(int(starts[cluster]), int(ends[cluster]))
        groups: dict[str, list[int]] = defaultdict(list)
        for row in rows:
            if now_in[row]:
                groups[now_in[row]].append(row)
        judged[cluster] = all(
            _is_seen([(ids[row], images[row]) for row in group], seen, seen_by) for group in groups.values()
        )
    return judged


def _settles(verdict: Verdict) -> bool:
    """Whether it is the word on a whole cluster: of a part of it, the rest is still open."""
    is_whole = verdict.kind == "keep" or bool(verdict.members)
    return verdict.kind in SETTLING and is_whole and bool(verdict.seen)


def _is_seen(
    documents: Iterable[tuple[str, str]], seen: Sequence[Mapping[str, str]], seen_by: Mapping[str, set[int]]
) -> bool:
    shown = [(name, picture_digest(image)) for name, image in documents]
    by_all = set.intersection(*(seen_by[name] for name, _ in shown))
    return any(all(seen[number][name] == digest for name, digest in shown) for number in by_all)
