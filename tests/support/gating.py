"""Runs of the gate on a collection that tests may change, step by step or as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.gating.analyze import analyze
from include.dedupe.gating.check import check
from include.dedupe.gating.decide import Row, decide
from include.dedupe.gating.index import index
from include.dedupe.gating.report import read_outcomes, report
from include.dedupe.gating.take import gate_run_id, read_gate_plan, take
from include.dedupe.planning.effort import choose_effort
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.settings.config import CollectionConfig
from tests.support.acting import FIRST, Acting
from tests.support.drawn import file, scene
from tests.support.small_collection import PHOTOS

CHELSEA, COFFEE_CUP, ROCKET = "skimage-chelsea.jpg", "skimage-coffee.jpg", "skimage-rocket.jpg"


@dataclass
class Gating:
    """A collection, a folder of incoming pictures with a manifest, and runs of the gate."""

    acting: Acting
    folder: Path

    def picture(self, name: str, photo: str = "", share: float = 1.0, seed: int = 0) -> str:
        """Write a picture: a photograph, maybe smaller, or one that is drawn; return its name."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if photo and share == 1.0:
            path.write_bytes((PHOTOS / photo).read_bytes())
        elif photo:
            with Image.open(PHOTOS / photo) as image:
                image.resize((int(image.width * share), int(image.height * share))).save(path)
        else:
            path.write_bytes(file(scene(seed=seed)))
        return name

    def manifest(self, rows: Sequence[Mapping[str, Any] | str], name: str = "incoming.jsonl") -> str:
        """Write a manifest of records and broken lines; return its path."""
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text("".join(f"{line}\n" for line in lines))
        return str(self.folder / name)

    def config(self, gate: Mapping[str, Any] | None = None, **settings: Any) -> CollectionConfig:
        return self.acting.config(gate=dict(gate or {}), **settings)

    def run_dir(self, run_id: str = "run-1") -> RunDir:
        return RunDir(str(self.acting.storage), "pictures", gate_run_id(run_id))

    def take(
        self,
        place: str,
        config: CollectionConfig,
        run_id: str = "run-1",
        *,
        by_analysis: bool = True,
        dry_run: bool = False,
    ) -> RunDir:
        run = self.run_dir(run_id)
        effort = choose_effort("balanced", 1)
        take(run, FIRST, config, (place,), by_analysis=by_analysis, effort=effort, dry_run=dry_run)
        return run

    def go_on(self, run: RunDir, attempt: Attempt = FIRST) -> dict[str, int]:
        """Run all steps after the first; return the counts of outcomes."""
        return self.acting.ask(lambda writer: steps(writer, run, attempt))

    def go(
        self,
        rows: Sequence[Mapping[str, Any] | str],
        gate: Mapping[str, Any] | None = None,
        run_id: str = "run-1",
        *,
        by_analysis: bool = True,
        dry_run: bool = False,
        **settings: Any,
    ) -> dict[str, Row]:
        """Run the whole gate on a manifest of ``rows``; return the rows by id."""
        config, place = self.config(gate, **settings), self.manifest(rows)
        run = self.take(place, config, run_id, by_analysis=by_analysis, dry_run=dry_run)
        self.go_on(run)
        return {row.id: row for row in read_outcomes(run)}


async def steps(writer: ClientWriter, run: RunDir, attempt: Attempt) -> dict[str, int]:
    """Run all steps after the first; return the counts of outcomes."""
    for chunk in read_gate_plan(run).chunks:
        await analyze(writer, run, attempt, chunk)
        await check(writer.reader, run, attempt, chunk)
    decide(run, attempt)
    counts = await index(writer, run, attempt)
    report(run, attempt)
    return counts


def outcomes(rows: Mapping[str, Row]) -> dict[str, str]:
    return {name: row.outcome for name, row in rows.items()}
