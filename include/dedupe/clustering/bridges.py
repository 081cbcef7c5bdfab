"""Bridges: pairs without which a cluster would fall apart.

Each pair outside a spanning forest gets a random label; a pair of the forest carries the exclusive or of the
labels that lead around it. Zero means that nothing leads around it: a bridge. Two labels cancel by accident
once in 2^64. The forest is walked level by level, so that millions of pairs take array operations only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

Codes = npt.NDArray[Any]


def find_bridges(a: Codes, b: Codes, roots: Codes, nodes: int) -> npt.NDArray[np.bool_]:
    """Tell for each pair whether it is a bridge.

    Args:
        a: one node of each pair; no pair comes twice.
        b: the other node.
        roots: one node of each component.
        nodes: how many nodes there are.
    """
    if not len(a):
        return np.zeros(0, bool)
    start = nodes  # a node of our own that leads into every component
    rows, columns = np.r_[a, np.full(len(roots), start)], np.r_[b, roots]
    graph = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(nodes + 1, nodes + 1))
    order, parent = breadth_first_order(graph.tocsr(), start, directed=False)
    in_forest = (parent[a] == b) | (parent[b] == a)
    labels = np.random.default_rng(0).integers(1, 2**63, size=len(a), dtype=np.uint64)
    carried = np.zeros(nodes + 1, np.uint64)
    for ends in (a, b):
        np.bitwise_xor.at(carried, ends[~in_forest], labels[~in_forest])
    for first, last in reversed(_levels(order, parent)):
        level = order[first:last]
        np.bitwise_xor.at(carried, parent[level], carried[level])
    child = np.where(parent[a] == b, a, b)
    bridge: npt.NDArray[np.bool_] = in_forest & (carried[child] == 0)
    return bridge


def _levels(order: Codes, parent: Codes) -> list[tuple[int, int]]:
    """Return where each level below the start begins and ends in the breadth-first order."""
    place = np.empty(len(parent), np.int64)
    place[order] = np.arange(len(order))
    parents = place[parent[order[1:]]]  # ascending
    levels, first = [], 1
    while first < len(order):
        last = 1 + int(np.searchsorted(parents, first, side="left"))
        levels.append((first, last))
        first = last
    return levels
