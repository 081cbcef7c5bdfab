"""A scan that is killed, or whose queries fail, ends with what one that was never disturbed ends with."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from aiohttp import ClientSession, web

from include.dedupe.clustering.coding import to_pairs
from include.dedupe.connect import open_flow
from include.dedupe.errors import ArtifactError, OutageError, ScanFailedError, ScanRefusedError
from include.dedupe.planning.plan import PLAN_FILE
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.scan import scan
from include.flow_client import FlowAddress, FlowAuthError, FlowResponseError
from tests.pipeline.conftest import Bench
from tests.pipeline.scan_fixture import (
    DOCUMENTS,
    PAGE,
    STAGE,
    assert_same,
    joined,
    many,
    planned,
    scanned,
    tables,
    undisturbed,
)
from tests.support.embedded_server import REPOSITORY

__all__ = ["joined", "many"]


def start(bench: Bench, run: RunDir, number: int) -> subprocess.Popen[bytes]:
    storage = str(run.storage.root).removesuffix(f"/pictures/runs/{run.run_id}")
    arguments = [bench.server.base, bench.collection, storage, run.run_id, "p00", str(number)]
    return subprocess.Popen([sys.executable, "-m", "tests.support.scan_once", *arguments], cwd=REPOSITORY)


def saved_parts(run: RunDir) -> int:
    names = [name for name in run.storage.names(STAGE) if name.startswith("checkpoint")]
    return max((len(json.loads(run.storage.read(f"{STAGE}/{name}"))["parts"]) for name in names), default=0)


@pytest.mark.parametrize("self_join", [False, True])
def test_a_scan_killed_anywhere_and_started_again_gives_the_same_rows_in_the_same_order(
    many: Bench, self_join: bool
) -> None:
    many = replace(many, self_join=self_join)
    expected = undisturbed(many)
    planned(many, many.run)
    chance = random.Random(int(self_join))
    many.server.fault("slow", handler="duplicate", seconds=0.05)
    many.server.fault("slow", handler="duplicates", seconds=0.3)
    many.server.clear_counts()
    kills = 3
    for number in range(1, kills + 1):
        process, before = start(many, many.run, number), saved_parts(many.run)
        deadline = time.monotonic() + 60
        while saved_parts(many.run) < before + 1 and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.3))
        process.kill()
        process.wait()
    many.server.clear_faults()
    scanned(many, many.run, kills + 1)
    assert_same(many.run, expected)
    counts = many.server.counts()
    pages = DOCUMENTS // PAGE + 1
    assert counts["duplicate"] <= DOCUMENTS + kills * PAGE
    assert counts["duplicates"] <= pages + kills


def test_a_retry_asks_only_what_failed_and_what_was_not_reached(many: Bench) -> None:
    expected = undisturbed(many)
    planned(many, many.run)
    many.server.fault("malformed", handler="duplicate", skip=7, times=2)
    with pytest.raises(ScanFailedError, match="2 of 30 queries failed"):
        scanned(many, many.run)
    asked = many.server.counts()["duplicate"]
    assert asked == 3 * PAGE
    many.server.clear_counts()
    assert scanned(many, many.run, 2).failed == 0
    assert many.server.counts()["duplicate"] == 2 + DOCUMENTS - asked
    assert_same(many.run, expected)


def test_an_outage_is_waited_out_and_leaves_no_failure(many: Bench) -> None:
    expected = undisturbed(many)
    planned(many, many.run)
    many.server.fault("unavailable", skip=20, times=12)
    assert scanned(many, many.run).failed == 0
    assert_same(many.run, expected)


def test_an_outage_longer_than_the_settings_wait_fails_the_task_and_keeps_what_was_found(many: Bench) -> None:
    expected = undisturbed(many)
    planned(many, many.run, wait_hours=0)
    many.server.fault("unavailable", skip=20)
    with pytest.raises(OutageError, match="has not answered"):
        scanned(many, many.run)
    many.server.clear_faults()
    assert saved_parts(many.run) >= 1
    scanned(many, many.run, 2)
    assert_same(many.run, expected)


def test_a_login_that_is_refused_fails_at_once_and_is_no_failed_query(many: Bench) -> None:
    planned(many, many.run)
    many.server.fault("unauthorized", handler="duplicate", token="other")
    with pytest.raises(FlowAuthError):
        scanned(many, many.run)


def test_a_cleared_scan_starts_anew(many: Bench) -> None:
    planned(many, many.run)
    scanned(many, many.run)
    many.server.clear_counts()
    asyncio.run(many.ask(lambda flow: scan(flow, many.run, Attempt(1, 2), "p00")))
    assert many.server.counts()["duplicate"] == DOCUMENTS


def test_a_scan_does_not_go_on_by_another_plan(many: Bench) -> None:
    planned(many, many.run)
    many.server.fault("malformed", handler="duplicate", times=1)
    with pytest.raises(ScanFailedError):
        scanned(many, many.run)
    name = f"plan/{PLAN_FILE}"
    text = many.run.storage.read(name).decode().replace('"max_hits": 1000', '"max_hits": 999')
    many.run.storage.write(name, text.encode())
    with pytest.raises(ArtifactError, match="another plan"):
        scanned(many, many.run, 2)


def test_a_try_that_was_believed_dead_does_not_disturb_its_successor(many: Bench) -> None:
    expected = undisturbed(many)
    planned(many, many.run)

    async def both() -> list[object]:
        tries = (many.ask(lambda flow, n=n: scan(flow, many.run, Attempt(0, n), "p00")) for n in (1, 2))
        return list(await asyncio.gather(*tries, return_exceptions=True))

    ended = asyncio.run(both())
    assert not isinstance(ended[1], BaseException)
    assert_same(many.run, expected)


def test_pages_that_fail_are_asked_again_in_smaller_ones(joined: Bench) -> None:
    expected = undisturbed(joined)
    planned(joined, joined.run)
    joined.server.fault("truncated", handler="duplicates", skip=2, times=2)
    assert scanned(joined, joined.run).failed == 0
    assert_same(joined.run, expected)


def test_a_page_that_never_comes_whole_fails_the_task_and_a_retry_goes_on_there(joined: Bench) -> None:
    expected = undisturbed(joined)
    planned(joined, joined.run)
    joined.server.fault("partial", handler="duplicates", skip=3)
    with pytest.raises(FlowResponseError, match="partialResults"):
        scanned(joined, joined.run)
    joined.server.clear_faults()
    joined.server.clear_counts()
    scanned(joined, joined.run, 2)
    assert joined.server.counts()["duplicates"] < DOCUMENTS // PAGE + 1
    assert_same(joined.run, expected)


def test_pages_and_single_queries_find_the_same_pairs(many: Bench, joined: Bench) -> None:
    def pairs(bench: Bench) -> set[tuple[str, str, float]]:
        found = to_pairs(tables(undisturbed(bench))["edges"])
        return set(found[["id_a", "id_b", "score"]].itertuples(index=False, name=None))

    assert pairs(many) == pairs(joined) != set()


def test_queries_that_are_refused_for_good_fail_the_task_for_good(many: Bench) -> None:
    planned(many, many.run)

    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"error": {"code": 400, "msg": "no descriptor"}}, status=400)

    async def relay(request: web.Request) -> web.Response:
        async with ClientSession() as session, session.get(many.server.base + request.path_qs) as answer:
            return web.json_response(await answer.json())

    async def check() -> None:
        app = web.Application()
        app.router.add_route("*", "/api/cores/plain/duplicate", refuse)
        app.router.add_route("*", "/{path:.*}", relay)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = FlowAddress.parse(f"http://127.0.0.1:{runner.addresses[0][1]}", "plain")
        try:
            async with open_flow(address, 4) as flow:
                with pytest.raises(ScanRefusedError, match=r"no descriptor.*A retry does not help"):
                    await scan(flow, many.run, Attempt(), "p00")
        finally:
            await runner.cleanup()

    asyncio.run(check())


def test_a_slow_server_is_waited_for(many: Bench) -> None:
    expected = undisturbed(many)
    planned(many, many.run)
    many.server.fault("slow", handler="duplicate", times=8, seconds=0.3)
    assert scanned(many, many.run).failed == 0
    assert_same(many.run, expected)
