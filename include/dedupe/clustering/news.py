"""News: what a run added to what earlier runs had found.

A cluster is new where no document of it was in a cluster before, changed where some were not, or were in
another one, and known else. What a run has found itself, before its tasks were cleared, is not before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from include.dedupe.tables import NEWS

NEW, CHANGED, KNOWN = "new", "changed", "known"


@dataclass(frozen=True, slots=True)
class News:
    """Clusters by what is new of them; documents that were in none before; pairs that were not known."""

    new_clusters: int = 0
    changed_clusters: int = 0
    known_clusters: int = 0
    new_documents: int = 0
    new_exact_pairs: int = 0
    new_near_pairs: int = 0

    @classmethod
    def of(cls, news: pd.DataFrame, exact_pairs: int, near_pairs: int) -> Self:
        """Count; ``news`` has the columns of NEWS."""
        new, changed, known = (int((news["news"] == word).sum()) for word in (NEW, CHANGED, KNOWN))
        return cls(new, changed, known, int(news["new_documents"].sum()), exact_pairs, near_pairs)

    @classmethod
    def read(cls, result: Mapping[str, Any]) -> Self | None:
        """Return the news of a finished clustering; None if it did not tell."""
        names = cls.__slots__
        return cls(**{name: result[name] for name in names}) if set(names) <= result.keys() else None

    @property
    def is_nothing(self) -> bool:
        return not (self.new_clusters or self.changed_clusters or self.new_exact_pairs + self.new_near_pairs)

    def __str__(self) -> str:
        if self.is_nothing:
            return f"Nothing new; known before: {_count(self.known_clusters, 'cluster')}."
        pairs = _count(self.new_exact_pairs + self.new_near_pairs, "new pair")
        return (
            f"This run added {_count(self.new_clusters, 'new cluster')} and {pairs}, with "
            f"{_count(self.new_documents, 'document')} that were in none before; "
            f"{_count(self.changed_clusters, 'cluster')} changed, {self.known_clusters:,} were known."
        )


def tell_news(members: pd.DataFrame) -> pd.DataFrame:
    """Return what is new of each cluster (columns of NEWS).

    ``members``: cluster_id, and before: the cluster that the document was in before this run, or nothing.
    """
    old = members["before"]
    rows = pd.DataFrame(
        {
            "cluster_id": members["cluster_id"],
            "new": old.isna().astype(np.int64),
            "moved": (old.notna() & (old != members["cluster_id"])).astype(np.int64),
        }
    )
    counted = rows.groupby("cluster_id", sort=False).agg(
        new_documents=("new", "sum"), moved=("moved", "sum"), size=("new", "size")
    )
    is_same = (counted["new_documents"] == 0) & (counted["moved"] == 0)
    is_new = counted["new_documents"] == counted["size"]
    news = np.select([is_new, is_same], [NEW, KNOWN], CHANGED)
    found: pd.DataFrame = counted.assign(news=news).reset_index()[NEWS.names]
    return found


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
