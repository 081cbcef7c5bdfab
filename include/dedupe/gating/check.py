"""Check: each new picture is searched for with its analysis, before anything of it is in the collection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pandas as pd

from include.dedupe.errors import OutageError
from include.dedupe.flow import FlowReader
from include.dedupe.gating.analyze import read_analysis, read_problems
from include.dedupe.gating.flight import for_each
from include.dedupe.gating.incoming import Incoming
from include.dedupe.gating.matches import HubError, Match, Search, said_so_far
from include.dedupe.gating.tables import ANALYSED, MATCHES
from include.dedupe.gating.take import GatePlan, read_chunk, read_gate_plan
from include.dedupe.progress import show_progress
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.outage import Outage
from include.dedupe.scanning.search import ROUNDS

OTHER_PICTURE = "the collection has a document of this id with another picture"


async def check(flow: FlowReader, run: RunDir, attempt: Attempt, chunk: str) -> dict[str, int]:
    """Search for the pictures of one chunk and return the counts of searched, matched and failed ones.

    Where Flow does not search with an analysis, nothing is searched here.

    Raises:
        OutageError: Flow does not answer; a retry may help.
    """
    stage = run.stage(f"check/{chunk}", attempt)
    if finished := stage.finished():
        return finished.result
    plan, problems = read_gate_plan(run), read_problems(run, chunk)
    wanted = [one for one in read_chunk(run, chunk) if problems.get(one.number) == ""]
    work = _Work(flow, run, plan, chunk)
    if plan.by_analysis:
        with show_progress(f"check {chunk}", len(wanted), "pictures") as progress:
            await work.all(wanted, progress.advance)
    rows = [match.columns(one.number) for one in wanted for match in work.matches.get(one.number, ())]
    stage.write_table("matches", pd.DataFrame(rows, columns=MATCHES.names), MATCHES)
    failed = [(number, problem) for number, problem in work.problems.items()]
    stage.write_table("failed", pd.DataFrame(failed, columns=ANALYSED.names), ANALYSED)
    counts = {"checked": len(wanted), "matched": len({row[0] for row in rows}), "failed": len(failed)}
    stage.finish(counts)
    return counts


def read_matches(run: RunDir, chunk: str) -> dict[int, list[Match]]:
    """Return by number what the documents of a chunk look like, best first."""
    frame = run.read_table(f"check/{chunk}", "matches", MATCHES)
    found: dict[int, list[Match]] = {}
    for row in frame.itertuples(index=False, name=None):
        number, match = Match.from_columns(row)
        found.setdefault(number, []).append(match)
    return found


def read_refused(run: RunDir, chunk: str) -> dict[int, str]:
    """Return by number why documents of a chunk could not be checked."""
    frame = run.read_table(f"check/{chunk}", "failed", ANALYSED)
    return dict(zip(frame["number"].tolist(), frame["problem"], strict=True))


class _Work:
    def __init__(self, flow: FlowReader, run: RunDir, plan: GatePlan, chunk: str) -> None:
        self.matches: dict[int, list[Match]] = {}
        self.problems: dict[int, str] = {}
        self._flow = flow
        self._run = run
        self._plan = plan
        self._chunk = chunk
        self._search = Search(flow, plan.config, plan.effort, said_so_far(run.lasting))
        self._outage = Outage(flow, plan.config.scan.wait_hours * 3600)

    async def all(self, documents: Sequence[Incoming], advance: Callable[[int], None]) -> None:
        async def work(one: Incoming) -> None:
            try:
                self.matches[one.number] = await self._one(one)
            except self._flow.denial:
                raise
            except self._flow.failure as error:
                self.problems[one.number] = f"Flow cannot search for it: {error}"
            except HubError as error:
                self.problems[one.number] = str(error)
            advance(1)

        await for_each(documents, self._plan.gate.in_flight, work)
        await self._refuse_other_pictures(documents)

    async def _one(self, document: Incoming) -> list[Match]:
        analysis = await asyncio.to_thread(read_analysis, self._run, self._chunk, document.number)
        for number in range(1, ROUNDS + 1):
            try:
                return await self._search.by_analysis(document.id, analysis.outputs)
            except self._flow.failure as error:
                if number == ROUNDS or not getattr(error, "retryable", False):
                    raise
                await self._outage.wait()
        raise OutageError("the last round returns or raises")

    async def _refuse_other_pictures(self, documents: Sequence[Incoming]) -> None:
        """Find the documents whose id the collection has, although not with a picture that looks like it."""
        config = self._plan.config
        there = {one["id"] for one in await self._flow.existing([one.id for one in documents])}
        for one in documents:
            own = [match.score for match in self.matches.get(one.number, ()) if match.id == one.id]
            is_same = bool(own) and own[0] >= config.scan.exact_threshold
            if one.id in there and not is_same:
                self.problems.setdefault(one.number, OTHER_PICTURE)
