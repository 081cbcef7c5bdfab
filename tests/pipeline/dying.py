"""Apply that dies at one of its calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from include.dedupe.acting.apply import apply
from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.flow import Document
from include.dedupe.rundir import Attempt
from tests.support.acting import LATE, Acting


class Killed(BaseException):
    """What nothing catches."""


class DyingWriter(ClientWriter):
    """Dies before or after its n-th call."""

    def __init__(self, writer: ClientWriter, call: int, *, after: bool) -> None:
        super().__init__(writer._client, writer.reader)
        self._calls_left = call
        self._after = after

    async def _dying(self, call: Any) -> Any:
        self._calls_left -= 1
        if self._calls_left == 0 and not self._after:
            call.close()
            raise Killed
        found = await call
        if self._calls_left == 0:
            raise Killed
        return found

    async def read(self, ids: Sequence[str], fl: Sequence[str]) -> dict[str, Document]:
        return await self._dying(super().read(ids, fl))  # type: ignore[no-any-return]

    async def set_fields(self, document_id: str, version: int, fields: Mapping[str, Any]) -> None:
        await self._dying(super().set_fields(document_id, version, fields))

    async def delete(self, document_id: str, version: int) -> None:
        await self._dying(super().delete(document_id, version))

    async def commit(self) -> None:
        await self._dying(super().commit())

    async def analyze(self, *, url: str | None = None, data: bytes | None = None) -> Mapping[str, Any]:
        return await self._dying(super().analyze(url=url, data=data))  # type: ignore[no-any-return]


def kill_at(acting: Acting, run_id: str, digest: str, call: int, *, after: bool) -> bool:
    """Return whether apply was killed before it ended."""
    run = acting.run(run_id)

    async def dying(writer: ClientWriter) -> None:
        mortal = DyingWriter(writer, call, after=after)
        await apply(mortal, run, Attempt(0, 1), digest, LATE, dry_run=False)

    try:
        acting.ask(dying)
    except Killed:
        return True
    return False
