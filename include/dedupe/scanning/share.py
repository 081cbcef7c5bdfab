"""Share: the part of a collection's limits that one scan task may use.

Tasks run in processes, and maybe on machines, that know nothing of each other. Each keeps a small file beside
the runs while it lives, counts those of the others, and takes an equal part of what the settings allow. One
that starts sends nothing until the others have seen it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from include.dedupe.errors import ArtifactError
from include.dedupe.flow import FlowReader
from include.dedupe.settings.scan_settings import ScanSettings
from include.dedupe.storage import Storage

FOLDER = "scanning"
EVERY_S = 2.0
DEAD_AFTER_S = 30.0


@asynccontextmanager
async def shared_limits(flow: FlowReader, lasting: Storage, settings: ScanSettings) -> AsyncIterator[None]:
    """Hold ``flow`` to this task's share of ``max_rps`` and ``max_in_flight`` while it scans."""
    if settings.max_rps is None and settings.max_in_flight is None:
        yield
        return
    share = Share(flow, lasting, settings)
    flow.limit(0, None)
    await share.tell()
    await asyncio.sleep(2 * EVERY_S)
    await share.take()
    ended = asyncio.Event()
    keeping = asyncio.create_task(share.keep(ended))
    try:
        yield
    finally:
        ended.set()
        await keeping  # not cancelled: a sign still being written would come after the leaving
        await share.leave()


class Share:
    """One task among those that scan the collection."""

    def __init__(self, flow: FlowReader, lasting: Storage, settings: ScanSettings) -> None:
        self._flow = flow
        self._storage = lasting
        self._settings = settings
        self._name = uuid.uuid4().hex
        self._signs = 0
        self._seen: dict[str, tuple[bytes, float]] = {}

    async def keep(self, ended: asyncio.Event) -> None:
        """Show that the task lives, and follow how many others do, until it ``ended``."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), EVERY_S)
                return
            await self.tell()
            await self.take()

    async def tell(self) -> None:
        """Give a sign of life."""
        self._signs += 1
        await asyncio.to_thread(self._storage.write, f"{FOLDER}/{self._name}", str(self._signs).encode())

    async def leave(self) -> None:
        await asyncio.to_thread(self._storage.remove, f"{FOLDER}/{self._name}")

    async def take(self) -> None:
        """Take this task's share among those that live now."""
        living = await asyncio.to_thread(self._living)
        number, count = living.index(self._name), len(living)
        most, rate = self._settings.in_flight, self._settings.max_rps
        if self._settings.max_in_flight is not None:
            whole, rest = divmod(self._settings.max_in_flight, count)
            most = min(most, whole + (number < rest))
        self._flow.limit(most, rate / count if rate else None)

    def _living(self) -> list[str]:
        """Return the tasks whose sign has changed lately. No two machines' clocks are compared."""
        now = time.monotonic()
        living = {self._name}
        for name in self._storage.names(FOLDER):
            with contextlib.suppress(ArtifactError):  # one that has just left
                sign = self._storage.read(f"{FOLDER}/{name}")
                known = self._seen.get(name)
                if known is None or known[0] != sign:
                    self._seen[name] = known = (sign, now)
                if now - known[1] < DEAD_AFTER_S:
                    living.add(name)
        return sorted(living)
