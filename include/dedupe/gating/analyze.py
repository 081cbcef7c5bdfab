"""Analyze: Flow looks at each picture once. What it says is kept, so that no retry asks again."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from include.dedupe.acting.sketch import sketch
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.errors import GateError
from include.dedupe.gating.flight import for_each
from include.dedupe.gating.incoming import Incoming
from include.dedupe.gating.picture import Analysis, measure, read_picture
from include.dedupe.gating.tables import ANALYSED
from include.dedupe.gating.take import GatePlan, read_chunk, read_gate_plan
from include.dedupe.progress import show_progress
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.outage import Outage
from include.dedupe.scanning.search import ROUNDS

KEPT = "analyses"


async def analyze(writer: FlowWriter, run: RunDir, attempt: Attempt, chunk: str) -> dict[str, int]:
    """Analyse the pictures of one chunk and return the counts of analysed and failed ones.

    Raises:
        OutageError: Flow does not answer; what was analysed is kept, and a retry goes on there.
    """
    stage = run.stage(f"analyze/{chunk}", attempt)
    if finished := stage.finished():
        return finished.result
    plan = read_gate_plan(run)
    wanted = [one for one in read_chunk(run, chunk) if not one.problem]
    with show_progress(f"analyze {chunk}", len(wanted), "pictures") as progress:
        work = _Work(writer, run, plan, attempt.generation)
        problems = await work.all(wanted, progress.advance)
    rows = [(one.number, problems[one.number]) for one in wanted]
    stage.write_table("analysed", pd.DataFrame(rows, columns=ANALYSED.names), ANALYSED)
    failed = sum(1 for problem in problems.values() if problem)
    counts = {"analysed": len(wanted) - failed, "failed": failed, "generation": attempt.generation}
    stage.finish(counts)
    return counts


def read_problems(run: RunDir, chunk: str) -> dict[int, str]:
    """Return by number why documents of a chunk were not analysed; empty texts for those that were."""
    frame = run.read_table(f"analyze/{chunk}", "analysed", ANALYSED)
    return dict(zip(frame["number"].tolist(), frame["problem"], strict=True))


def read_analysis(run: RunDir, chunk: str, number: int) -> Analysis:
    """Return what is kept of one document that was analysed."""
    generation = run.result(f"analyze/{chunk}").result["generation"]
    return run.storage.read_json(_file(generation, number), Analysis.from_json)


def _file(generation: int, number: int) -> str:
    return f"{KEPT}/g{generation}/{number:08}.json"


class _Work:
    def __init__(self, writer: FlowWriter, run: RunDir, plan: GatePlan, generation: int) -> None:
        self._writer = writer
        self._run = run
        self._plan = plan
        self._generation = generation
        self._outage = Outage(writer.reader, plan.config.scan.wait_hours * 3600)

    async def all(self, documents: Sequence[Incoming], advance: Callable[[int], None]) -> dict[int, str]:
        """Return the problem of each document by its number, empty where there is none."""
        kept = set(await asyncio.to_thread(self._run.storage.names, f"{KEPT}/g{self._generation}"))
        problems: dict[int, str] = {}

        async def work(one: Incoming) -> None:
            is_kept = _file(self._generation, one.number).rpartition("/")[2] in kept
            problems[one.number] = "" if is_kept else await self._one(one)
            advance(1)

        await for_each(documents, self._plan.gate.in_flight, work)
        return problems

    async def _one(self, document: Incoming) -> str:
        """Read, analyse and keep one picture; return the problem."""
        reader = self._writer.reader
        try:
            data = await asyncio.to_thread(read_picture, document.source, self._plan.config, reader.origin)
        except GateError as error:
            return str(error)
        outputs, problem = await self._ask(data)
        if problem:
            return problem
        measures = await asyncio.to_thread(measure, data, self._plan.config)
        drawn = await asyncio.to_thread(sketch, data)
        kept = Analysis(dict(outputs), measures, hashlib.sha256(data).hexdigest(), drawn)
        name = _file(self._generation, document.number)
        await asyncio.to_thread(self._run.storage.write, name, kept.to_json())
        return ""

    async def _ask(self, data: bytes) -> tuple[Mapping[str, Any], str]:
        """Return what Flow says of a picture, or the problem; an outage is waited for."""
        reader, problem = self._writer.reader, ""
        for _ in range(ROUNDS):
            try:
                return await self._writer.analyze(data=data), ""
            except reader.outage as error:
                await self._outage.wait()
                problem = str(error)
            except reader.denial:
                raise
            except reader.failure as error:
                problem = str(error)
                if not getattr(error, "retryable", False):
                    break
        return {}, f"Flow cannot analyse it: {problem}"
