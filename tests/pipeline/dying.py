"""Apply that dies at one of its calls, or at which something else happens then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from include.dedupe.acting.apply import apply
from include.dedupe.acting.client_writer import ClientWriter
from include.dedupe.flow import Document
from include.dedupe.rundir import Attempt
from tests.support.acting import LATE, Acting


class Killed(BaseException):
    """What nothing catches."""


async def die() -> None:
    raise Killed


class DyingWriter(ClientWriter):
    """Dies before or after its n-th call; or ``what`` happens then, and it goes on."""

    def __init__(
        self, writer: ClientWriter, call: int, what: Callable[[], Awaitable[Any]] = die, *, after: bool
    ) -> None:
        super().__init__(writer._client, writer.reader)
        self._calls_left = call
        self._what = what
        self._after = after

    @property
    def is_due(self) -> bool:
        return self._calls_left > 0

    async def _dying(self, call: Any) -> Any:
        self._calls_left -= 1
        is_now = self._calls_left == 0
        if is_now and not self._after:
            try:
                await self._what()
            except Killed:
                call.close()
                raise
        found = await call
        if is_now and self._after:
            await self._what()
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
