"""What is checked and reckoned before anything is scanned."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from include.dedupe.connect import open_flow
from include.dedupe.errors import PlanError
from include.dedupe.planning.plan import plan
from include.dedupe.planning.scope import Scope
from include.dedupe.rundir import Attempt
from include.dedupe.scanning.rehearsal import Cost, read_cost, rehearse
from include.flow_client import FlowAddress
from tests.pipeline.conftest import Bench
from tests.support.many_documents import fill
from tests.support.small_collection import COPIES, ORIGINALS

DOCUMENTS = len(ORIGINALS) + len(COPIES)


def rehearsed(bench: Bench, scope: Scope = Scope(), **settings: Any) -> Cost | None:  # noqa: B008 - immutable
    async def both() -> Cost | None:
        async with open_flow(bench.address(), 4) as flow:
            await plan(flow, bench.run, Attempt(), bench.config(**settings), scope)
            return await rehearse(flow, bench.run, Attempt())

    return asyncio.run(both())


@pytest.mark.parametrize("self_join", [True, False])
def test_the_cost_is_measured_on_a_few_documents_and_kept(bench: Bench, self_join: bool) -> None:
    cost = rehearsed(replace(bench, self_join=self_join))
    assert cost is not None
    assert cost.documents == DOCUMENTS
    assert cost.requests == 2 + (0 if self_join else DOCUMENTS)
    assert cost.scans_per_s > 1
    assert read_cost(bench.run)["documents"] == DOCUMENTS
    bench.server.clear_counts()
    assert rehearsed(bench) == cost
    assert bench.server.counts()["duplicate"] == 0


def test_a_run_that_scans_nothing_costs_nothing(bench: Bench) -> None:
    assert rehearsed(bench, Scope(known=True)) is None


def test_a_collection_in_which_everything_matches_is_not_scanned(bench: Bench) -> None:
    plain = replace(bench, collection="plain")
    asyncio.run(fill(plain.address(), [{"id": f"d{number}", "picture": 0} for number in range(20)]))
    with pytest.raises(PlanError, match="is a duplicate of all others"):
        rehearsed(plain, fields={})


class OddFlow:
    """Answers every search in a way that a Flow of another version, or a broken one, would."""

    def __init__(self, own: list[dict[str, Any]], others: list[dict[str, Any]]) -> None:
        self.own, self.others = own, others

    async def answer(self, request: web.Request) -> web.Response:
        documents = [{"id": f"d{number}", "image": "http://x/y.jpg"} for number in range(10)]
        if "rank.by.id" in request.query:
            documents = self.own if "fq" in request.query else self.others
        found = {"numFound": len(documents), "start": 0, "docs": documents}
        return web.json_response(
            {"response": found, "facet_counts": {"facet_queries": {"*:*": len(documents)}}}
        )


@pytest.mark.parametrize(
    ("own", "others", "message"),
    [
        ([], [{"id": "d1", "score": 1.0}], "ignores the query image"),
        ([], [], "do not find themselves"),
        ([{"id": "d0", "score": 0.4}], [], "finds itself with a score of 0.4"),
    ],
)
def test_a_flow_that_does_not_search_as_it_should_fails_the_plan(
    bench: Bench, own: list[Any], others: list[Any], message: str
) -> None:
    async def check() -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", OddFlow(own, others).answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = FlowAddress.parse(f"http://127.0.0.1:{runner.addresses[0][1]}", "c")
        try:
            async with open_flow(address, 2) as flow:
                await plan(flow, bench.run, Attempt(), bench.config(fields={}), Scope())
                with pytest.raises(PlanError, match=message):
                    await rehearse(flow, bench.run, Attempt())
        finally:
            await runner.cleanup()

    asyncio.run(check())
