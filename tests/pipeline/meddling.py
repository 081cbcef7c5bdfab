"""Apply while somebody else acts in the middle of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from include.dedupe.acting.apply import ApplyStats, apply
from include.dedupe.acting.client_writer import ClientWriter
from tests.pipeline.acting_fixture import policies
from tests.support.acting import FIRST, LATE, Acting


class Meddled(ClientWriter):
    """Lets somebody else act once, before or after the first call of one kind."""

    def __init__(
        self, writer: ClientWriter, call: str, meddle: Callable[[], Awaitable[Any]], *, after: bool
    ) -> None:
        super().__init__(writer._client, writer.reader)
        self.call, self.meddle, self.after = call, meddle, after

    async def _around(self, call: str, doing: Awaitable[Any]) -> Any:
        mine, self.call = self.call == call, "" if self.call == call else self.call
        if mine and not self.after:
            await self.meddle()
        done = await doing
        if mine and self.after:
            await self.meddle()
        return done

    async def delete(self, document_id: str, version: int) -> None:
        await self._around("delete", super().delete(document_id, version))

    async def set_fields(self, document_id: str, version: int, fields: Mapping[str, Any]) -> None:
        await self._around("set_fields", super().set_fields(document_id, version, fields))

    async def analyze(self, *, url: str | None = None, data: bytes | None = None) -> Mapping[str, Any]:
        return await self._around("analyze", super().analyze(url=url, data=data))  # type: ignore[no-any-return]


def apply_meddled(
    acting: Acting, digest: str, call: str, meddle: Callable[[Any], Awaitable[Any]], *, after: bool = False
) -> ApplyStats:
    async def act(writer: ClientWriter) -> ApplyStats:
        meddled = Meddled(writer, call, lambda: meddle(writer._client), after=after)
        return await apply(meddled, acting.run(), FIRST, digest, LATE, dry_run=False)

    return acting.ask(act)


def decided(acting: Acting, run_id: str = "run-1", **settings: Any) -> str:
    config = acting.config(**{**policies("delete"), **settings})
    assert not [step for step in acting.check(config) if step.problem]
    return acting.decide(acting.run(run_id), config).hash
