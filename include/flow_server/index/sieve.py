"""Which candidates of a search are worth comparing in full.

Stage 1 sees classes of things: the more alike a collection is, the more candidates a picture has. The
original of a copy is nearly always the closest of them by far, or close by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

BESIDE = 8  # closest others that a candidate is held against
FIRST = 2  # closest ones for which less is enough: one of them nearly always is the original


class Effort(NamedTuple):
    """How much a search does for completeness.

    `least`: closeness that stage 1 asks for. `failures`: candidates that may fail before a search gives up.
    A candidate is compared if it is `close` by itself, by `ahead` closer than the closest others are on
    average, or one of the FIRST closest and closer than `first`. `parts`: of the documents that share a part
    with the query, as many may fail; with 0 none are looked for.
    """

    least: float
    failures: int
    close: float
    ahead: float
    first: float
    parts: int = 0


# Measured on 1,135 near copies of 50 photographs among 2,100 (imagenet-sample-images, clothing-dataset-small,
# GroceryStoreDataset) and 165 copies beyond what is promised, found by the embedding alone: "off" leaves 12
# and 16 of them out, "low" 30 and 24, "medium" 46 and 34, "high" 78 and 50, "extreme" 97 and 55. Of the 12
# most were turned by quarter turns, which hashes find. A picture meets 0.9, 0.6, 0.35, 0.2 and 0.15 others.
# `parts`: of 300 copies in collages, posts and the like, 3 finds one less than 8.
EFFORTS = {
    "off": Effort(least=0.36, failures=32, close=0.52, ahead=0.08, first=0.38, parts=3),
    "low": Effort(least=0.40, failures=24, close=0.52, ahead=0.08, first=0.44),
    "medium": Effort(least=0.44, failures=16, close=0.54, ahead=0.08, first=0.50),
    "high": Effort(least=0.50, failures=8, close=0.58, ahead=0.08, first=0.56),
    "extreme": Effort(least=0.58, failures=4, close=0.58, ahead=0.08, first=0.58),
}


def worth_comparing(closeness: Sequence[float], effort: Effort) -> list[int]:
    """Places of the candidates to compare.

    Args:
        closeness: of the candidates that have not passed yet, closest first. Those that passed are no
            measure: all copies of a picture are close to each other.
        effort: what the search does for completeness.
    """
    own = np.array(closeness[: effort.failures])
    first = np.full(BESIDE + 1, effort.least)
    first[: len(closeness)] = closeness[: BESIDE + 1]
    ahead = own - (first.sum() - own) / BESIDE
    least = np.where(np.arange(len(own)) < FIRST, effort.first, effort.close)
    found: list[int] = np.flatnonzero((own > least) | (ahead > effort.ahead)).tolist()
    return found
