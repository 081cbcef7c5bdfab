"""Names of clusters that last: a cluster keeps its name from run to run while it keeps its documents.

A cluster of this run takes over the name that most of its documents had before. Where several clusters claim
one name, the one with most of its documents has it and the others are a split; where a cluster could take
several names, the one of most documents stays and the others are merged into it. A new cluster is named after
its first document.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.dedupe.storage import Storage
from include.dedupe.tables import NAMES, from_parquet

NAMES_FOLDER = "clusters"
_NAME = re.compile(r"c-[0-9a-f]{16}")
Components = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Naming:
    """The name of each component, and what became of earlier clusters.

    ``events`` has the columns of CLUSTER_EVENTS.
    """

    names: npt.NDArray[np.object_]
    events: pd.DataFrame


def name_components(ids: pd.Series[str], component: Components, count: int, before: pd.DataFrame) -> Naming:
    """Name the components of this run.

    Args:
        ids: all documents, ascending, each once.
        component: the component of each, from 0 to ``count`` - 1.
        count: how many components there are.
        before: columns id and cluster_id: the last name under which each document was known.
    """
    names = np.full(count, None, dtype=object)
    shared = _shared(ids, component, before)
    heirs = shared.drop_duplicates("cluster_id").drop_duplicates("component")
    names[heirs["component"].to_numpy()] = heirs["cluster_id"].to_numpy()
    _name_new(names, ids, component, taken=set(before["cluster_id"].unique()) if len(before) else set())
    return Naming(names, _events(shared, heirs, names))


def cluster_names(texts: Iterable[str]) -> frozenset[str]:
    """Return those texts that may name a cluster."""
    return frozenset(text for text in texts if _NAME.fullmatch(text))


def members(names: pd.DataFrame, wanted: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the documents of the clusters among ``wanted`` that a table with columns as NAMES knows."""
    found = names[names["cluster_id"].isin(list(wanted))]
    return {str(name): tuple(ids) for name, ids in found.groupby("cluster_id")["id"]}


def last_members(lasting: Storage, wanted: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return the documents of clusters by the newest run that knew each, also under names that are gone."""
    found: dict[str, tuple[str, ...]] = {}
    missing = cluster_names(wanted)
    for file in reversed(lasting.names(NAMES_FOLDER) if missing else []):
        path = f"{NAMES_FOLDER}/{file}"
        found |= members(from_parquet(lasting.read(path), NAMES, lasting.path(path)), missing)
        missing -= found.keys()
        if not missing:
            break
    return found


def _shared(ids: pd.Series[str], component: Components, before: pd.DataFrame) -> pd.DataFrame:
    """Count the documents that each old cluster shares with each component, the closest first."""
    if before.empty or ids.empty:
        return pd.DataFrame({"cluster_id": [], "component": np.empty(0, np.int32), "documents": []})
    known = pd.DataFrame({"id": ids.to_numpy(), "component": component}).merge(before, on="id")
    counts = known.groupby(["cluster_id", "component"]).size().rename("documents").reset_index()
    return counts.sort_values(["documents", "component", "cluster_id"], ascending=[False, True, True])


def _name_new(
    names: npt.NDArray[np.object_], ids: pd.Series[str], component: Components, taken: set[str]
) -> None:
    _, first = np.unique(component, return_index=True)
    nameless = np.flatnonzero(pd.isna(names))
    documents = ids.iloc[first[nameless]].to_numpy(dtype=object)
    given = _digests(documents)
    if len(set(given)) < len(given) or not taken.isdisjoint(given):
        given = [_untaken(document, taken) for document in documents]
    names[nameless] = given


def _untaken(document: str, taken: set[str]) -> str:
    """Return a name that nobody has, and take it."""
    texts = itertools.chain([document], (f"{document}\n{number}" for number in itertools.count(1)))
    names = (_digests(np.array([text], dtype=object))[0] for text in texts)
    name = next(name for name in names if name not in taken)
    taken.add(name)
    return name


def _digests(documents: npt.NDArray[np.object_]) -> list[str]:
    return [f"c-{code:016x}" for code in pd.util.hash_array(documents, categorize=False).tolist()]


def _events(shared: pd.DataFrame, heirs: pd.DataFrame, names: npt.NDArray[np.object_]) -> pd.DataFrame:
    moved = shared[~shared.index.isin(heirs.index)]
    into = names[moved["component"].to_numpy(dtype=np.int64)] if len(moved) else np.empty(0, object)
    lives = moved["cluster_id"].isin(set(heirs["cluster_id"])).to_numpy(dtype=bool)
    events = pd.DataFrame(
        {
            "event": np.where(lives, "split", "merge").astype(object),
            "from_id": moved["cluster_id"].to_numpy(dtype=object),
            "to_id": into,
            "documents": moved["documents"].to_numpy(dtype=np.int64),
        }
    )
    return events.sort_values(["from_id", "to_id"], ignore_index=True)
