"""What a run found, as tables in memory: for the report and its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from include.dedupe.clustering.facts import read_facts, read_fields
from include.dedupe.clustering.news import CHANGED, NEW
from include.dedupe.deciding.decide import DecideStats
from include.dedupe.deciding.decisions import read_decisions
from include.dedupe.planning.plan import Plan
from include.dedupe.rundir import RunDir, read_manifest
from include.dedupe.scanning.coverage import scanned_partitions
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.tables import CLUSTERS, DOCUMENTS, FAILURES, NEWS, PAIRS, PARTS, empty


@dataclass(frozen=True, slots=True)
class Findings:
    """Columns as in ``tables``: CLUSTERS, PAIRS, PARTS, NEWS, and DOCUMENTS of all that are in a pair.

    ``decisions`` has the columns of DECISIONS, ``decided`` their hash and counts; None without policies.
    ``dates`` are those of documents whose fields were read; ``failures`` has the columns of FAILURES.
    """

    clusters: pd.DataFrame
    pairs: pd.DataFrame
    parts: pd.DataFrame
    documents: pd.DataFrame
    news: pd.DataFrame
    decisions: pd.DataFrame | None = None
    decided: DecideStats | None = None
    dates: Mapping[str, str] = field(default_factory=dict)
    failures: pd.DataFrame = field(default_factory=lambda: empty(FAILURES))

    def largest_first(self) -> list[tuple[str, pd.DataFrame]]:
        """Return each cluster's name and rows, the largest first, equal sizes by their first document."""
        groups = [(str(name), members) for name, members in self.clusters.groupby("cluster_id", sort=False)]
        return sorted(groups, key=lambda group: (-len(group[1]), group[1]["id"].iloc[0]))

    def newest_first(self) -> list[tuple[str, pd.DataFrame]]:
        """Return each cluster's name and rows: new, then changed, then known ones, the largest first."""
        place = {NEW: 0, CHANGED: 1}
        news = dict(zip(self.news["cluster_id"], self.news["news"], strict=True))
        return sorted(self.largest_first(), key=lambda group: place.get(news.get(group[0], ""), 2))


def read_findings(run: RunDir, plan: Plan) -> Findings:
    decided = read_manifest(run.storage, "decide")
    return Findings(
        clusters=run.read_table("clusters", "clusters", CLUSTERS),
        pairs=run.read_table("clusters", "pairs", PAIRS),
        parts=run.read_table("clusters", "parts", PARTS),
        documents=run.read_table("pairs", "documents", DOCUMENTS),
        news=run.read_table("clusters", "news", NEWS),
        decisions=read_decisions(run, decided.result["hash"]) if decided else None,
        decided=DecideStats(**decided.result) if decided else None,
        dates=_dates(run, plan.config),
        failures=_failures(run, plan),
    )


def _failures(run: RunDir, plan: Plan) -> pd.DataFrame:
    scanned = scanned_partitions(run, plan)
    frames = [run.read_table(name, "failures", FAILURES) for name in scanned]
    return pd.concat(frames, ignore_index=True) if frames else empty(FAILURES)


def _dates(run: RunDir, config: CollectionConfig) -> dict[str, str]:
    """Return the date of each document whose fields were read, where the settings name its field."""
    facts, name = read_facts(run, config), config.fields.date
    if facts is None or name is None:
        return {}
    found = zip(facts["id"], read_fields(facts), strict=True)
    return {document: str(fields[name]) for document, fields in found if name in fields}
