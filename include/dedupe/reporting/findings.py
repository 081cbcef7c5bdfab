"""What a run found, as tables in memory: for the report and its page."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from include.dedupe.clustering.news import CHANGED, NEW
from include.dedupe.deciding.decide import DecideStats
from include.dedupe.deciding.decisions import read_decisions
from include.dedupe.rundir import RunDir, read_manifest
from include.dedupe.tables import CLUSTERS, DOCUMENTS, NEWS, PAIRS, PARTS


@dataclass(frozen=True, slots=True)
class Findings:
    """Columns as in ``tables``: CLUSTERS, PAIRS, PARTS, NEWS, and DOCUMENTS of all that are in a pair.

    ``decisions`` has the columns of DECISIONS, ``decided`` their hash and counts; None without policies.
    """

    clusters: pd.DataFrame
    pairs: pd.DataFrame
    parts: pd.DataFrame
    documents: pd.DataFrame
    news: pd.DataFrame
    decisions: pd.DataFrame | None = None
    decided: DecideStats | None = None

    def largest_first(self) -> list[tuple[str, pd.DataFrame]]:
        """Return each cluster's name and rows, the largest first, equal sizes by their first document."""
        groups = [(str(name), members) for name, members in self.clusters.groupby("cluster_id", sort=False)]
        return sorted(groups, key=lambda group: (-len(group[1]), group[1]["id"].iloc[0]))

    def newest_first(self) -> list[tuple[str, pd.DataFrame]]:
        """Return each cluster's name and rows: new, then changed, then known ones, the largest first."""
        place = {NEW: 0, CHANGED: 1}
        news = dict(zip(self.news["cluster_id"], self.news["news"], strict=True))
        return sorted(self.largest_first(), key=lambda group: place.get(news.get(group[0], ""), 2))


def read_findings(run: RunDir) -> Findings:
    decided = read_manifest(run.storage, "decide")
    return Findings(
        clusters=run.read_table("clusters", "clusters", CLUSTERS),
        pairs=run.read_table("clusters", "pairs", PAIRS),
        parts=run.read_table("clusters", "parts", PARTS),
        documents=run.read_table("pairs", "documents", DOCUMENTS),
        news=run.read_table("clusters", "news", NEWS),
        decisions=read_decisions(run, decided.result["hash"]) if decided else None,
        decided=DecideStats(**decided.result) if decided else None,
    )
