"""Runs that were never scanned: their pairs are given, so that tests of what follows need no server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from include.dedupe.rundir import RunDir
from include.dedupe.tables import EDGES
from include.tools.made_run import SETTINGS, make_run

Edge = tuple[str, str, float]
TRIO: list[Edge] = [("a", "b", 1.0), ("a", "c", 0.97), ("b", "c", 0.96)]
CHAIN: list[Edge] = [("m", "n", 1.0), ("n", "o", 0.8)]
PAIR: list[Edge] = [("x", "y", 0.99)]
ALL = [*TRIO, *CHAIN, *PAIR]
FIELDS: dict[str, dict[str, Any]] = {
    "a": {"pixels_i": 400, "bytes_l": 40, "category_s": "animals", "labels": ["Red", "cat"]},
    "b": {"pixels_i": 300, "bytes_l": 30, "category_s": "animals"},
    "c": {"pixels_i": 200, "category_s": "places"},
    "m": {"pixels_i": 100, "bytes_l": 10, "category_s": "things"},
    "n": {"pixels_i": 200, "bytes_l": 20, "category_s": "things"},
    "o": {"pixels_i": 300, "bytes_l": 30, "category_s": "things"},
    "x": {"pixels_i": 100, "bytes_l": 1000},
    "y": {"pixels_i": 100, "bytes_l": 1000},
}


@dataclass
class Made:
    """A collection of which runs can be made at will."""

    storage: Path
    collection: str = "pictures"

    def run(self, run_id: str = "run-1") -> RunDir:
        return RunDir(str(self.storage), self.collection, run_id)

    def make(
        self,
        edges: Sequence[Edge] = ALL,
        run_id: str = "run-1",
        created_at: str = "2026-01-01T00:00:00+00:00",
        fields: Mapping[str, Mapping[str, Any]] = FIELDS,
        **settings: Any,
    ) -> RunDir:
        run = self.run(run_id)
        both = [*edges, *((b, a, score) for a, b, score in edges)]
        shown = {"review": {"fields": ["labels"]}, **settings}
        frame = pd.DataFrame(both, columns=EDGES.names)
        make_run(run, frame, {**SETTINGS, **shown}, created_at=created_at, fields=fields)
        return run
