"""Thresholds: what each of them would group and delete, and what the calibration says of the run's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.dedupe.rundir import RunDir, read_manifest
from include.dedupe.storage import named


@dataclass(frozen=True, slots=True)
class Thresholds:
    """As the run's report tells it; all empty where it has none, or one from before it told that.

    ``says``: sentences of the calibration. ``marks``: the settings' thresholds by name. ``points``: by
    threshold, the lowest first: clusters, documents, deletes, bytes, and how many tell none (unknown).
    """

    says: tuple[str, ...] = ()
    marks: Mapping[str, float] = field(default_factory=dict)
    points: tuple[Mapping[str, Any], ...] = ()
    has_sizes: bool = False


def read_thresholds(run: RunDir) -> Thresholds:
    """Return what the report of a run says of thresholds."""
    if read_manifest(run.storage, "report") is None:
        return Thresholds()
    told = run.storage.read_json("report/summary.json", named)
    found = told.get("what_if")
    if found is None:
        return Thresholds()
    says, points = tuple(told["calibration"]), tuple(found["points"])
    return Thresholds(says, found["marks"], points, found["has_sizes"])
