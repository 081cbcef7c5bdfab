"""Makes the artifacts of a run with any number of clusters, without a server, for measurements and tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from include.dedupe.clustering.cluster import cluster
from include.dedupe.clustering.coding import to_pairs
from include.dedupe.clustering.facts import canonical, fingerprint
from include.dedupe.deciding.decide import decide
from include.dedupe.planning.effort import Effort
from include.dedupe.planning.plan import Plan
from include.dedupe.planning.scope import Scope
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.sequence import next_number
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.tables import ADDED, DOCUMENTS, FACTS, PAIRS, empty

FIRST = Attempt()
SETTINGS: dict[str, Any] = {
    "flow": {"connection": "flow_made", "collection": "made"},
    "fields": {"pixels": "pixels_i", "bytes": "bytes_l", "category": "category_s"},
    "keeper": {"rules": [{"rule": "highest", "field": "pixels"}]},
    "policies": {"exact": {"do": "delete"}, "near": {"do": "tag"}},
    "guards": {"max_delete_share": 1.0, "max_delete_count": 10_000_000},
}


def make_run(
    run: RunDir,
    edges: pd.DataFrame,
    settings: Mapping[str, Any] = SETTINGS,
    *,
    created_at: str = "2026-01-01T00:00:00+00:00",
    fields: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write a run that found ``edges`` (columns of EDGES), up to its clusters and, with policies, decisions.

    ``fields``: those of documents; without them each has made-up ones.
    """
    config = CollectionConfig.model_validate(settings)
    write_plan(run, config, created_at)
    pairs = to_pairs(edges)
    ids = sorted({*pairs["id_a"], *pairs["id_b"]}, key=str.encode)
    documents = {name: _document(name, number, fields) for number, name in enumerate(ids)}
    images = [str(documents[name]["image"]) for name in ids]
    stage = run.stage("pairs", FIRST)
    stage.write_table("pairs", pairs, PAIRS)
    stage.write_table("added", empty(ADDED), ADDED)
    known = pd.DataFrame({"id": ids, "image": images, "fingerprint": ""})
    stage.write_table("documents", known, DOCUMENTS)
    stage.finish({})
    rows = [
        (name, False, len(document), canonical(document), fingerprint(document, config))
        for name, document in documents.items()
    ]
    stage = run.stage("facts", FIRST)
    stage.write_table("facts", pd.DataFrame(rows, columns=FACTS.names), FACTS)
    stage.finish({"documents": len(rows), "in_scope": len(rows)})
    cluster(run, FIRST)
    if config.policies:
        decide(run, FIRST)


def write_plan(run: RunDir, config: CollectionConfig, created_at: str) -> None:
    """Write the plan of a run that scans nothing."""
    plan = Plan(
        run_id=run.run_id,
        created_at=created_at,
        config=config,
        scope=Scope(known=True),
        fq=(),
        search_fq=(),
        collection_documents=0,
        detector="made-1",
        effort=Effort(approximate=False, smartfilter="off"),
        partitions=(),
        sequence=next_number(run.lasting),
    )
    stage = run.stage("plan", FIRST)
    stage.write_file("plan.json", json.dumps(plan.to_json()).encode())
    stage.finish({"documents": 0, "partitions": 0})


def _document(name: str, number: int, fields: Mapping[str, Mapping[str, Any]] | None) -> dict[str, Any]:
    image = f"http://pictures.invalid/{name}.jpg"
    if fields is not None:
        return {"image": image, **fields.get(name, {})}
    random = np.random.default_rng(number)
    return {
        "image": image,
        "pixels_i": int(random.integers(1, 5)) * 1_000_000,
        "bytes_l": int(random.integers(10_000, 5_000_000)),
        "category_s": ("animals", "places", "things")[number % 3],
    }
