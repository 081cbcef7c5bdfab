"""A collection in memory, to decide what becomes of its documents."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from include.dedupe.clustering.cluster import to_clusters
from include.dedupe.clustering.coding import to_pairs
from include.dedupe.clustering.facts import canonical
from include.dedupe.clustering.pair_rules import allowed_pairs
from include.dedupe.deciding.documents import decide_documents
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.tables import EDGES, FACTS
from include.dedupe.verdicts import Standing

NOW = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
IDS = [f"d{number}" for number in range(12)]


def config(**sections: Any) -> CollectionConfig:
    fields = {"date": "date_dt", "pixels": "pixels_i"}
    flow = {"connection": "flow_test", "collection": "pictures"}
    return CollectionConfig.model_validate({"flow": flow, "fields": fields, **sections})


@dataclass
class Case:
    """A collection, what was found in it, and what people said."""

    edges: list[tuple[str, str, float]]
    config: CollectionConfig
    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    protected: frozenset[str] = frozenset()
    standing: Standing = field(default_factory=Standing)
    hubs: frozenset[str] = frozenset()

    def facts(self) -> pd.DataFrame:
        rows = [
            (name, name in self.protected, len(fields), canonical(fields), f"print-{name}")
            for name in sorted({*IDS, *self.documents})
            for fields in [self.documents.get(name, {})]
        ]
        return pd.DataFrame(rows, columns=FACTS.names)

    def pairs(self) -> pd.DataFrame:
        pairs = to_pairs(pd.DataFrame(self.edges, columns=EDGES.names))
        return allowed_pairs(pairs, self.facts(), self.config, self.standing)

    def decide(self) -> pd.DataFrame:
        pairs = self.pairs()
        clusters = to_clusters(pairs, self.config.scan.exact_threshold, None, self.hubs).members
        facts = self.facts()
        return decide_documents(clusters, pairs, facts, config=self.config, standing=self.standing, now=NOW)

    def decided(self) -> dict[str, str]:
        rows = self.decide()
        return dict(zip(rows["id"], rows["decision"], strict=True))
