"""Groups: exact duplicates are settled among themselves, before anything is decided of near ones.

Exactness does not carry on: of three in a row the outer two may be near only. So a group is one document with
those that are exact duplicates of it directly, and a cluster of exact pairs may fall into several groups.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


def settle_groups(one: Rows, other: Rows, rank: Rows) -> Rows:
    """Return for each document the one that it is grouped under, by place; itself where it stays.

    Taken from the best to the worst, each document that is no exact duplicate of one that stays already stays
    itself. So of each exact pair one at least goes, in favour of a direct exact duplicate that stays.

    Args:
        one: places of documents of exact pairs.
        other: the places of their partners.
        rank: each document's place among all, the lowest for the best.
    """
    better, worse = (np.where(rank[one] < rank[other], *pair) for pair in ((one, other), (other, one)))
    keeper = np.arange(len(rank))
    stays, goes = np.zeros(len(rank), bool), np.zeros(len(rank), bool)
    open_pairs = np.ones(len(better), bool)
    while open_pairs.any():
        is_beaten = np.zeros(len(rank), bool)
        is_beaten[worse[open_pairs]] = True
        stays |= ~is_beaten & ~goes
        goes[worse[stays[better]]] = True
        open_pairs = ~(goes[better] | goes[worse])
    best = np.full(len(rank), len(rank), np.int64)
    kept = ~goes[better]
    np.minimum.at(best, worse[kept], rank[better[kept]])
    place = np.empty(len(rank), np.int64)
    place[rank] = np.arange(len(rank))
    keeper[goes] = place[best[goes]]
    return keeper
