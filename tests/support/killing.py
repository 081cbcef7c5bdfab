"""Steps that are killed (SIGKILL) in the middle: after a call to Flow, or after a file that they write."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from include.dedupe.acting.client_writer import ClientWriter, open_writer
from include.dedupe.storage import Storage
from tests.support.acting import Document
from tests.support.gating import Gating


class MortalWriter(ClientWriter):
    """Kills the process after its n-th call; 0 kills nothing."""

    def __init__(self, writer: ClientWriter, calls: int) -> None:
        super().__init__(writer._client, writer.reader)
        self._calls_left = calls

    async def _deadly(self, call: Any) -> Any:
        found = await call
        self._calls_left -= 1
        if self._calls_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    async def read(self, ids: Sequence[str], fl: Sequence[str]) -> dict[str, Document]:
        return await self._deadly(super().read(ids, fl))  # type: ignore[no-any-return]

    async def replace(
        self, document: Mapping[str, Any], version: int, analysis: Mapping[str, Any] | None
    ) -> None:
        await self._deadly(super().replace(document, version, analysis))

    async def delete(self, document_id: str, version: int) -> None:
        await self._deadly(super().delete(document_id, version))

    async def commit(self) -> None:
        await self._deadly(super().commit())

    async def analyze(self, *, url: str | None = None, data: bytes | None = None) -> Mapping[str, Any]:
        return await self._deadly(super().analyze(url=url, data=data))  # type: ignore[no-any-return]


def kill_after(gating: Gating, calls: int, step: Callable[[ClientWriter], Any]) -> bool:
    """Run a step in a process of its own that is killed after so many calls; tell whether it was."""

    async def run() -> None:
        async with open_writer(gating.acting.address()) as writer:
            await step(MortalWriter(writer, calls))

    return _is_killed(lambda: asyncio.run(run()))


def kill_after_writes(writes: int, work: Callable[[], Any]) -> bool:
    """Work in a process of its own that is killed after so many files that it writes; tell whether it was."""
    left = itertools.count(writes - 1, -1)

    def deadly(write: Callable[..., Any]) -> Callable[..., Any]:
        def written(*arguments: Any, **named: Any) -> Any:
            found = write(*arguments, **named)
            if next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return found

        return written

    def run() -> None:
        Storage.write = deadly(Storage.write)  # type: ignore[method-assign]
        Storage.create = deadly(Storage.create)  # type: ignore[method-assign]
        work()

    return _is_killed(run)


def _is_killed(work: Callable[[], Any]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)
