"""What if: the clusters and deletions of every threshold, from the pairs that the run knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from include.dedupe.clustering.cluster import hub_ids
from include.dedupe.clustering.coding import encode
from include.dedupe.clustering.facts import needs_facts, read_fields
from include.dedupe.clustering.pair_rules import allowed_pairs
from include.dedupe.deciding.keeper import ranking_columns, unreadable
from include.dedupe.deciding.linked import own_sizes
from include.dedupe.deciding.what_if import Documents, what_if
from include.dedupe.planning.plan import Plan
from include.dedupe.reporting.plot import Line, Mark, Plot
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.tables import FACTS, PAIRS
from include.dedupe.verdicts import Standing, read_verdicts, standing_verdicts

HIGHEST = 99  # hundredths


def reckon_thresholds(run: RunDir, plan: Plan, pairs: pd.DataFrame) -> dict[str, Any]:
    """Return what each threshold would group and delete, for ``summary.json``.

    ``points`` are those of ``deciding.what_if``, from the score down to which all runs have kept their
    pairs to 0.99; ``marks`` the settings' thresholds by name. ``has_sizes``: documents tell their bytes.

    Args:
        run: the run.
        plan: its plan.
        pairs: columns of PAIRS, from the run's threshold up, that verdicts and settings let through.
    """
    config = plan.config
    facts = _facts(run, config)
    standing = standing_verdicts(read_verdicts(run.lasting))
    weak = allowed_pairs(run.read_table("pairs", "weak", PAIRS), facts, config, standing)
    known = pd.concat([pairs, weak], ignore_index=True)
    ids, one, other = encode(known["id_a"], known["id_b"])
    documents = documents_of(ids, facts, config, standing, hub_ids(run))
    floor = min(float(run.result("pairs").result.get("floor", 1.0)), config.scan.threshold)
    marks = _marks(config)
    hundredths = [number / 100 for number in range(100) if floor <= number / 100 <= HIGHEST / 100]
    thresholds = sorted({floor, *hundredths, *(mark for mark in marks.values() if mark >= floor)})
    points = what_if(
        np.column_stack([one, other]),
        known["score"].to_numpy(np.float64),
        documents,
        thresholds,
        exact_threshold=config.scan.exact_threshold,
        max_size=config.cluster.max_size,
    )
    has_sizes = any(point.deletes > point.unknown for point in points)
    return {"marks": marks, "points": [asdict(point) for point in points], "has_sizes": has_sizes}


def draw_thresholds(found: Mapping[str, Any]) -> list[Markup]:
    """Return the curves: documents and clusters, and bytes where any are known."""
    points: Sequence[Mapping[str, Any]] = found["points"]
    marks = [Mark(label, threshold) for label, threshold in found["marks"].items()]
    scores, lowest = [point["threshold"] for point in points], points[0]["threshold"]
    words = {
        "documents": "documents in clusters",
        "deletes": "documents that would go if all these pairs were deleted",
        "clusters": "clusters",
    }
    most = max(1, *(point["documents"] for point in points))
    lines = [Line(label, [point[name] / most for point in points]) for name, label in words.items()]
    plot = Plot("Documents and clusters from each threshold up", lowest, marks, f"{most:,}")
    drawn = [plot.curves(scores, lines)]
    if found["has_sizes"]:
        largest = max(1, *(point["bytes"] for point in points))
        freed = Line("bytes that would be freed", [point["bytes"] / largest for point in points])
        title = "Bytes freed from each threshold up"
        drawn.append(Plot(title, lowest, marks, _shown_bytes(largest)).curves(scores, [freed]))
    return drawn


def _facts(run: RunDir, config: CollectionConfig) -> pd.DataFrame | None:
    if not needs_facts(config):
        return None
    parts = [run.read_table("facts", name, FACTS) for name in ("facts", "weak")]
    return pd.concat(parts, ignore_index=True)


def documents_of(
    ids: pa.Array,
    facts: pd.DataFrame | None,
    config: CollectionConfig,
    standing: Standing,
    hubs: frozenset[str],
) -> Documents:
    """Return what counts of the documents of pairs; without facts, only how many pairs they have, and ids."""
    names = ids.to_pandas()
    if facts is None:
        rows = pd.DataFrame({"id": names, "is_protected": False, "filled": 0})
        fields: list[dict[str, Any]] = [{}] * len(rows)
    else:
        known = pa.array(facts["id"], type=ids.type)
        whole = known.combine_chunks() if isinstance(known, pa.ChunkedArray) else known
        rows = facts.take(pc.index_in(ids, value_set=whole).to_numpy()).reset_index(drop=True)
        fields = read_fields(rows)
    said = names.isin(standing.keepers | standing.rejected)
    return Documents(
        ranking=ranking_columns(rows, fields, config, standing.keepers),
        deletable=~(rows["is_protected"] | said).to_numpy(bool),
        readable=~unreadable(fields, config),
        is_hub=names.isin(hubs).to_numpy(bool),
        sizes=own_sizes(fields, config),
    )


def _marks(config: CollectionConfig) -> dict[str, float]:
    marks = {"near": config.scan.threshold, "exact": config.scan.exact_threshold}
    policies = config.policies
    if policies and {policies.exact.do, policies.near.do} & set(DELETING):
        marks["deletes from"] = config.guards.delete_threshold
    return marks


def _shown_bytes(count: int) -> str:
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"
