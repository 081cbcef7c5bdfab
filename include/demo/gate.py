"""The last part of `make demo`: new pictures come to the gate, and what it let in is taken back again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from include.dedupe.acting.archive import archived_runs
from include.dedupe.acting.client_writer import locate_flow, open_writer
from include.dedupe.acting.restore import Restored, restore
from include.dedupe.acting.wanted import Wanted
from include.dedupe.gating.decide import Row
from include.dedupe.gating.report import read_outcomes
from include.dedupe.rundir import RunDir
from include.dedupe.settings.config import find_collection
from include.dedupe.storage import Storage, default_storage

COLLECTION = "demo"
RUNS = "gate__"


def take_back() -> int:
    """Take back what runs of the gate have let in, so that each demo begins as the first; return how many."""
    config = find_collection(COLLECTION)
    lasting = Storage(f"{config.storage or default_storage()}/{COLLECTION}")
    runs = tuple(name for name in archived_runs(lasting) if name.startswith(RUNS))

    async def ask() -> list[Restored]:
        async with open_writer(locate_flow(config, None, writes=True)) as writer:
            return await restore(writer, lasting, config, Wanted(runs=runs), "the demo", dry_run=False)

    return sum(one.outcome == "restored" for one in asyncio.run(ask())) if runs else 0


def gate_lines(run: RunDir, manifest: Path) -> Iterator[str]:
    """Yield what became of each new picture."""
    rows = read_outcomes(run)
    yield f"new pictures {len(rows)} at the gate ({manifest}): {_listed(rows)}"
    width = max(len(row.id) for row in rows)
    for row in rows:
        yield f"  {row.outcome:9} {row.id:{width}}  {row.reason}"
    if any(row.outcome == "held" for row in rows):
        yield f"held         {run.address}/report/held.jsonl"


def _listed(rows: Sequence[Row]) -> str:
    counts = Counter(row.outcome for row in rows)
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
