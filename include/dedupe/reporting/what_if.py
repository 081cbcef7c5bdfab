"""What if: the clusters and deletions of every threshold, from the pairs that the run knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from include.dedupe.clustering.coding import encode
from include.dedupe.clustering.facts import needs_facts, read_fields
from include.dedupe.clustering.pair_rules import allowed_pairs
from include.dedupe.clustering.what_if import Documents, what_if
from include.dedupe.deciding.keeper import rank_documents
from include.dedupe.field_values import numbers
from include.dedupe.planning.plan import Plan
from include.dedupe.reporting.plot import Line, Mark, Plot
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import DELETING
from include.dedupe.tables import FACTS, PAIRS
from include.dedupe.verdicts import read_verdicts, standing_verdicts

HIGHEST = 99  # hundredths


def reckon_thresholds(run: RunDir, plan: Plan, pairs: pd.DataFrame) -> dict[str, Any]:
    """Return what each threshold would group and delete, for ``summary.json``.

    ``points`` are those of ``clustering.what_if``, from the score down to which all runs have kept their
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
    documents = _documents(ids.to_pandas(), facts, config, standing.keepers)
    floor = min(float(run.result("pairs").result.get("floor", 1.0)), config.scan.threshold)
    marks = _marks(config)
    hundredths = [number / 100 for number in range(100) if floor <= number / 100 <= HIGHEST / 100]
    thresholds = sorted({floor, *hundredths, *(mark for mark in marks.values() if mark >= floor)})
    points = what_if(
        np.column_stack([one, other]), known["score"].to_numpy(np.float64), documents, thresholds
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


def _documents(
    ids: pd.Series[str], facts: pd.DataFrame | None, config: CollectionConfig, kept: frozenset[str]
) -> Documents:
    """Return what counts of the documents of pairs; without facts the lowest id stays."""
    if facts is None:
        return Documents(range(len(ids)), [True] * len(ids), [np.nan] * len(ids))
    rows = facts.set_index("id").loc[ids.tolist()].reset_index()
    fields = read_fields(rows)
    name = config.fields.bytes
    sizes = numbers([one.get(name) for one in fields], highest=True) if name else np.full(len(rows), np.nan)
    rank = rank_documents(rows, fields, config, kept)
    return Documents(rank.tolist(), (~rows["is_protected"].to_numpy(bool)).tolist(), sizes.tolist())


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
