"""Components: what pairs connect, what is to be said of each component, and the tables that tell it.

All of it goes by numbers; ids and names are put in when rows are made, some whole clusters at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from include.dedupe.clustering.bridges import find_bridges
from include.dedupe.clustering.coding import CodedPairs
from include.dedupe.clustering.earlier import Earlier
from include.dedupe.clustering.names import Naming, name_components
from include.dedupe.clustering.ordering import Codes, Flags, places_in_order
from include.dedupe.tables import BRIDGES, CLUSTERS, PARTS

BLOCK_PAIRS = 20_000_000
PIECE_DOCUMENTS = 500_000
PIECE_PAIRS = 1_000_000
KINDS = pa.array(["near", "mixed", "exact"])
Measures = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class Clusters:
    """The components of ``pairs``, each of whose ids is in one.

    ``component`` of each id, ``of_hubs``: the components with a hub, ``each``: what is to be said of each
    component, by columns of CLUSTERS, ``bridge``: the pairs that are bridges.
    """

    pairs: CodedPairs
    component: Codes
    of_hubs: Codes
    naming: Naming
    each: Measures
    bridge: Flags

    @property
    def documents(self) -> int:
        return len(self.component)

    @property
    def events(self) -> pd.DataFrame:
        """What became of earlier clusters (columns of CLUSTER_EVENTS)."""
        return self.naming.events

    @cached_property
    def members(self) -> pd.DataFrame:
        """All rows of CLUSTERS, sorted by cluster and document."""
        found: pd.DataFrame = pa.concat_tables(self.pieces()).to_pandas()
        return found

    @cached_property
    def bridges(self) -> pd.DataFrame:
        """The bridges (columns of BRIDGES), sorted by cluster and documents."""
        found = self.pairs.take(self.bridge)
        names = self.naming.names.take(pa.array(self.component[found.low])).to_pandas()
        rows: pd.DataFrame = found.to_frame().assign(cluster_id=names)[BRIDGES.names]
        return rows.sort_values(["cluster_id", "id_a", "id_b"], ignore_index=True)

    @cached_property
    def _in_order(self) -> Codes:
        """The components in the order of their names."""
        return places_in_order(self.naming.names).astype(np.int32)

    def pieces(self) -> Iterator[pa.Table]:
        """Yield the rows of CLUSTERS in order, some whole clusters at a time; one piece if there are none."""
        for rows in self.spans():
            yield self._rows(rows)

    def spans(self) -> Iterator[Codes]:
        """Yield the documents by cluster and id, as positions, some whole clusters at a time."""
        rank = np.empty(len(self._in_order), np.int64)
        rank[self._in_order] = np.arange(len(rank)) * self.documents
        places = rank[self.component]
        del rank
        places += np.arange(self.documents, dtype=np.int32)
        places.sort()
        places %= max(self.documents, 1)
        order = places.astype(np.int32)
        del places
        ends = np.cumsum(self.each["size"][self._in_order])
        wanted = np.arange(PIECE_DOCUMENTS, self.documents, PIECE_DOCUMENTS)
        cuts = np.unique(ends[np.searchsorted(ends, wanted)])
        yield from np.split(order, cuts[cuts < self.documents])

    def pair_pieces(self) -> Iterator[pa.Table]:
        """Yield the pairs in order, some at a time; one piece if there are none."""
        for first in range(0, max(1, len(self.pairs)), PIECE_PAIRS):
            yield self.pairs.take(slice(first, first + PIECE_PAIRS)).to_table()

    def _rows(self, rows: Codes) -> pa.Table:
        component = self.component[rows]
        columns: dict[str, pa.Array] = {
            "cluster_id": self.naming.names.take(pa.array(component)),
            "id": self.pairs.ids.take(pa.array(rows)),
            "duplicates": KINDS.take(pa.array(self.each["duplicates"][component])),
            "hub": pa.array(np.isin(component, self.of_hubs)),
        }
        said = (columns.get(one.name, self.each.get(one.name)) for one in CLUSTERS)
        arrays = [
            one if isinstance(one, pa.Array) else pa.array(one[component]) for one in said if one is not None
        ]
        types = zip(arrays, CLUSTERS.types, strict=True)
        return pa.Table.from_arrays([array.cast(kind) for array, kind in types], schema=CLUSTERS)

    def parts_at(self, thresholds: Sequence[float]) -> pd.DataFrame:
        """Return into how many parts each cluster falls at each threshold (columns of PARTS).

        ``documents`` counts those that still have a pair there; clusters without any are left out.
        """
        found = [self._parts_at(threshold) for threshold in sorted(thresholds)]
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=PARTS.names)

    def _parts_at(self, threshold: float) -> pd.DataFrame:
        strong = self.pairs.take(self.pairs.scores >= threshold)
        count, part = _components(strong.low, strong.high, self.documents)
        paired = np.zeros(self.documents, bool)
        paired[strong.low] = paired[strong.high] = True
        cluster_of = np.full(count, -1, np.int32)
        cluster_of[part[paired]] = self.component[paired]
        clusters = len(self._in_order)
        parts = np.bincount(cluster_of[cluster_of >= 0], minlength=clusters)
        documents = np.bincount(self.component[paired], minlength=clusters)
        shown = self._in_order[documents[self._in_order] > 0]
        names = self.naming.names.take(pa.array(shown)).to_pandas()
        columns = (threshold, names, parts[shown], documents[shown])
        return pd.DataFrame(dict(zip(PARTS.names, columns, strict=True)))


def find_clusters(
    pairs: CodedPairs, exact_threshold: float, before: Earlier, hubs: Collection[str] = ()
) -> Clusters:
    """Return the connected components of pairs.

    Args:
        pairs: each unordered pair once, sorted by both ids; each id is in one.
        exact_threshold: lowest score of an exact pair.
        before: the names that documents' clusters had.
        hubs: documents with more hits than were read.
    """
    count, component = _components(pairs.low, pairs.high, len(pairs.ids))
    of_pair = component[pairs.low]
    each = _measured(component, of_pair, pairs.scores, count, exact_threshold)
    bridge = _bridges(pairs, component, of_pair, each["chained"])
    each["bridges"] = np.bincount(of_pair[bridge], minlength=count).astype(np.int32)
    del of_pair
    is_hub = pc.is_in(pairs.ids, pa.array(list(hubs), pa.large_string())).to_numpy(zero_copy_only=False)
    naming = name_components(pairs.ids, component, count, before)
    return Clusters(pairs, component, np.unique(component[is_hub]), naming, each, bridge)


def _components(a: Codes, b: Codes, nodes: int) -> tuple[int, Codes]:
    """Return the number of components and that of each node, in the order of their first nodes.

    Some pairs at a time are joined, and what they connect counts as one node for those that follow.
    """
    count, component = nodes, np.arange(nodes, dtype=np.int32)
    for first in range(0, len(a), BLOCK_PAIRS):
        one, other = (component[side[first : first + BLOCK_PAIRS]] for side in (a, b))
        graph = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(count, count))
        count, joined = connected_components(graph, directed=False)
        component = joined[component]
    return count, component


def _measured(
    component: Codes, of_pair: Codes, scores: npt.NDArray[np.float64], count: int, exact_threshold: float
) -> Measures:
    """Return what is to be said of each component, by columns of CLUSTERS; ``duplicates`` as in KINDS."""
    size, pair_count = np.bincount(component, minlength=count), np.bincount(of_pair, minlength=count)
    weakest, strongest = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(weakest, of_pair, scores)
    np.maximum.at(strongest, of_pair, scores)
    return {
        "size": size.astype(np.int32),
        "duplicates": (weakest >= exact_threshold).astype(np.int8) + (strongest >= exact_threshold),
        "weakest_score": weakest,
        "strongest_score": strongest,
        "pairs": pair_count.astype(np.int32),
        "chained": pair_count < size * (size - 1) // 2,
    }


def _bridges(pairs: CodedPairs, component: Codes, of_pair: Codes, chained: Flags) -> Flags:
    """Look for bridges where there can be any: a cluster in which all are pairs has none, nor have two."""
    bridge = np.zeros(len(pairs), bool)
    candidates = np.flatnonzero(chained[of_pair])
    nodes, codes = np.unique(np.r_[pairs.low[candidates], pairs.high[candidates]], return_inverse=True)
    _, roots = np.unique(component[nodes], return_index=True)
    half = len(candidates)
    bridge[candidates] = find_bridges(codes[:half], codes[half:], roots, len(nodes))
    return bridge
