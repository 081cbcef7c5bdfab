"""Outage: when Flow does not answer, everything waits until it does, instead of failing query by query."""

from __future__ import annotations

import asyncio
import logging
import time

from include.dedupe.errors import OutageError
from include.dedupe.flow import FlowReader

log = logging.getLogger(__name__)
LONGEST_PAUSE_S = 60.0


class Outage:
    """Waits, up to ``longest_s`` seconds, until Flow answers again."""

    def __init__(self, flow: FlowReader, longest_s: float) -> None:
        self._flow = flow
        self._longest_s = longest_s
        self._lock = asyncio.Lock()

    async def wait(self) -> None:
        """Return when Flow answers a simple question; at once if it does.

        Raises:
            OutageError: it has not answered for ``longest_s`` seconds.
        """
        async with self._lock:  # the queries that failed together wait together
            began, pause_s = time.monotonic(), 1.0
            while True:
                try:
                    await self._flow.select()
                    return
                except self._flow.outage as error:
                    waited_s = time.monotonic() - began
                    if waited_s >= self._longest_s:
                        raise OutageError(
                            f"Flow has not answered for {waited_s:.0f} s: {error} "
                            f"What was scanned is kept; a retry goes on there."
                        ) from error
                    log.warning("%s Scanning waits for it, %.0f s so far.", error, waited_s)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
