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
import pyarrow as pa
import pyarrow.compute as pc

from include.dedupe.clustering.earlier import Earlier
from include.dedupe.clustering.ordering import Codes
from include.dedupe.parquet import from_parquet
from include.dedupe.storage import Storage
from include.dedupe.tables import NAMES

NAMES_FOLDER = "clusters"
_NAME = re.compile(r"c-[0-9a-f]{16}")
_PREFIX, _HEX = (np.frombuffer(text, np.uint8) for text in (b"c-", b"0123456789abcdef"))
CHUNK = 1_000_000


@dataclass(frozen=True, slots=True)
class Naming:
    """The name of each component, and what became of earlier clusters.

    ``events`` has the columns of CLUSTER_EVENTS.
    """

    names: pa.Array
    events: pd.DataFrame


def name_components(ids: pa.Array, component: Codes, count: int, before: Earlier) -> Naming:
    """Name the components of this run.

    Args:
        ids: all documents, ascending, each once.
        component: the component of each, from 0 to ``count`` - 1.
        count: how many components there are.
        before: the last name under which each document was known.
    """
    shared = _shared(component, count, before)
    heirs = shared.drop_duplicates("cluster_id").drop_duplicates("component")
    kept, given = heirs["component"].to_numpy(np.int64), pa.array(heirs["cluster_id"], pa.large_string())
    place = np.arange(count)
    place[kept] = -1
    new = np.flatnonzero(place >= 0)
    first = np.empty(count, np.int32)
    first[component[::-1]] = np.arange(len(component) - 1, -1, -1, dtype=np.int32)
    names = _new_names(ids.take(pa.array(first[new])), taken=before.names)
    place[new], place[kept] = np.arange(len(new)), len(new) + np.arange(len(kept))
    all_names = pa.chunked_array([names, given], pa.large_string()).combine_chunks().take(pa.array(place))
    return Naming(all_names, _events(shared, heirs, all_names))


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


def _shared(component: Codes, count: int, before: Earlier) -> pd.DataFrame:
    """Count the documents that each old cluster shares with each component, the closest first."""
    known = before.of_document >= 0
    keys = before.of_document[known].astype(np.int64) * count + component[known]
    key, documents = np.unique(keys, return_counts=True)
    old, new = np.divmod(key, max(count, 1))
    names = before.names.take(pa.array(old)).to_pandas()
    counts = pd.DataFrame({"cluster_id": names, "component": new, "documents": documents})
    return counts.sort_values(["documents", "component", "cluster_id"], ascending=[False, True, True])


def _new_names(documents: pa.Array, taken: pa.Array) -> pa.Array:
    """Name clusters after their first documents, so that no name is given twice or was given before."""
    codes = np.concatenate(
        [
            np.zeros(0, np.uint64),
            *(_digests(documents[at : at + CHUNK]) for at in range(0, len(documents), CHUNK)),
        ]
    )
    names = _spelled(codes)
    is_taken = pc.is_in(names, taken).to_numpy(zero_copy_only=False)
    in_order = np.sort(codes)
    twice = in_order[1:][in_order[1:] == in_order[:-1]]
    clashing = np.flatnonzero(is_taken | np.isin(codes, twice))
    if not len(clashing):
        return names
    others = np.delete(np.arange(len(names)), clashing)
    gone = {*taken.to_pylist(), *names.take(pa.array(others)).to_pylist()}
    given = [_untaken(str(document), gone) for document in documents.take(pa.array(clashing))]
    place = np.arange(len(names))
    place[clashing] = len(names) + np.arange(len(given))
    both = pa.chunked_array([names, pa.array(given, pa.large_string())]).combine_chunks()
    return both.take(pa.array(place))


def _untaken(document: str, taken: set[str]) -> str:
    """Return a name that nobody has, and take it."""
    texts = itertools.chain([document], (f"{document}\n{number}" for number in itertools.count(1)))
    names = (str(_spelled(_digests(pa.array([text])))[0]) for text in texts)
    name = next(name for name in names if name not in taken)
    taken.add(name)
    return name


def _digests(documents: pa.Array) -> npt.NDArray[np.uint64]:
    texts = documents.to_numpy(zero_copy_only=False)
    codes: npt.NDArray[np.uint64] = pd.util.hash_array(texts, categorize=False)
    return codes


def _spelled(codes: npt.NDArray[np.uint64]) -> pa.Array:
    """Return ``c-`` and the sixteen hexadecimal digits of each code."""
    digits = codes.astype(">u8").view(np.uint8).reshape(-1, 8)
    text = np.empty((len(codes), len(_PREFIX) + 16), np.uint8)
    text[:, : len(_PREFIX)] = _PREFIX
    text[:, len(_PREFIX) :: 2], text[:, len(_PREFIX) + 1 :: 2] = _HEX[digits >> 4], _HEX[digits & 15]
    ends = np.arange(len(codes) + 1, dtype=np.int64) * text.shape[1]
    return pa.LargeStringArray.from_buffers(len(codes), pa.py_buffer(ends), pa.py_buffer(text))


def _events(shared: pd.DataFrame, heirs: pd.DataFrame, names: pa.Array) -> pd.DataFrame:
    moved = shared[~shared.index.isin(heirs.index)]
    into = names.take(pa.array(moved["component"].to_numpy(np.int64))).to_numpy(zero_copy_only=False)
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
