"""The load that all scans of a collection put on its server together."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from include.dedupe.connect import open_flow
from include.dedupe.scanning import share
from include.dedupe.scanning.share import shared_limits
from include.dedupe.settings.scan_settings import ScanSettings
from include.dedupe.storage import Storage
from include.flow_client import FlowAddress
from tests.support.embedded_server import REPOSITORY

TASKS = 8
MAX_RPS = 120.0


class CountingServer:
    """Answers every query with nothing after a while, and notes when each began."""

    def __init__(self) -> None:
        self.began: list[float] = []
        self.under_way = self.most_under_way = 0
        self.base = ""

    async def answer(self, request: web.Request) -> web.Response:
        if request.path.endswith("/duplicate"):
            self.began.append(asyncio.get_running_loop().time())
            self.under_way += 1
            self.most_under_way = max(self.most_under_way, self.under_way)
            await asyncio.sleep(0.02)
            self.under_way -= 1
        return web.json_response({"response": {"numFound": 0, "start": 0, "docs": []}})

    def most_in_a_second(self) -> int:
        return max(sum(start <= other < start + 1 for other in self.began) for start in self.began)


@asynccontextmanager
async def counting_server() -> AsyncIterator[CountingServer]:
    server = CountingServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await runner.cleanup()


async def task(base: str, storage: str, settings: ScanSettings, seconds: float) -> None:
    """One scan task: as many queries as it may, for a while."""
    opened = open_flow(FlowAddress.parse(base, "c"), in_flight=settings.in_flight)
    async with opened as flow, shared_limits(flow, Storage(storage), settings):
        end = asyncio.get_running_loop().time() + seconds

        async def ask() -> None:
            while asyncio.get_running_loop().time() < end:
                page = await flow.hits(
                    "1", fq=(), fl=(), threshold=0.5, approximate=False, smartfilter="off", max_hits=1
                )
                assert page.num_found >= 0

        await asyncio.gather(*(ask() for _ in range(settings.in_flight)))


def test_the_limits_of_a_collection_hold_for_eight_tasks_at_once(tmp_path: Path) -> None:
    async def check() -> CountingServer:
        async with counting_server() as server:
            command = [sys.executable, "-m", "tests.pipeline.test_load", server.base, str(tmp_path)]
            started = [asyncio.create_subprocess_exec(*command, cwd=REPOSITORY) for _ in range(TASKS)]
            tasks = await asyncio.gather(*started)
            assert [await process.wait() for process in tasks] == [0] * TASKS
            return server

    server = asyncio.run(check())
    assert server.most_in_a_second() <= MAX_RPS + TASKS
    assert len(server.began) > 2 * MAX_RPS
    assert server.most_under_way <= 5


def test_a_task_that_ended_leaves_its_share_to_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share, "EVERY_S", 0.1)
    monkeypatch.setattr(share, "DEAD_AFTER_S", 0.5)
    storage = Storage(str(tmp_path))
    storage.write(f"{share.FOLDER}/killed", b"1")

    async def check() -> int:
        async with counting_server() as server:
            settings = ScanSettings(max_in_flight=1, in_flight=4)
            await task(server.base, str(tmp_path), settings, 1.5)
            return len(server.began)

    assert asyncio.run(check()) > 0
    assert storage.names(share.FOLDER) == ["killed"]


class SlowStorage(Storage):
    """A storage whose writes take a while, as one far away."""

    def write(self, name: str, data: bytes) -> None:
        time.sleep(0.3)
        super().write(name, data)


def test_a_task_that_ends_while_it_gives_a_sign_leaves_none_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(share, "EVERY_S", 0.1)
    storage = SlowStorage(str(tmp_path))

    async def check() -> None:
        async with counting_server() as server:
            opened = open_flow(FlowAddress.parse(server.base, "c"), in_flight=1)
            async with opened as flow, shared_limits(flow, storage, ScanSettings(max_in_flight=1)):
                await asyncio.sleep(0.2)
        await asyncio.sleep(0.5)

    asyncio.run(check())
    assert storage.names(share.FOLDER) == []


if __name__ == "__main__":
    limits = ScanSettings(max_rps=MAX_RPS, max_in_flight=5, in_flight=4)
    asyncio.run(task(sys.argv[1], sys.argv[2], limits, 4.0))
