"""Gate: what would become of one picture if it came now. For other people's code; nothing is written.

    from include.dedupe.gate import check
    outcome = check(Path("upload.jpg"), "photos")
    if outcome.decision == "reject": ...

A service that asks while a user waits keeps the way to Flow open: ``async with open_gate("photos") as gate``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.dedupe.acting.client_writer import ClientWriter, locate_flow, open_writer
from include.dedupe.acting.sketch import sketch
from include.dedupe.connect import address_from_connection
from include.dedupe.errors import GateError
from include.dedupe.gating.buried import Buried, read_buried
from include.dedupe.gating.incoming import WEB
from include.dedupe.gating.judge import Judgement, judge
from include.dedupe.gating.matches import Search, said_so_far
from include.dedupe.gating.picture import measure, read_picture
from include.dedupe.gating.probe import searches_by_analysis
from include.dedupe.gating.take import require_gate
from include.dedupe.planning.effort import choose_effort
from include.dedupe.settings.config import CollectionConfig, find_collection
from include.dedupe.storage import Storage, default_storage
from include.dedupe.verdicts import Standing

NO_SEARCH = (
    "This Flow does not search with an analysis, so that a picture can only be compared once it is indexed: "
    "let it come through a run of the gate (dry_run: false), which does that with documents that are pending."
)


@dataclass(frozen=True, slots=True)
class Found:
    """A document of the collection that the picture looks like; ``kind`` is exact or near."""

    id: str
    score: float
    kind: str
    image: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would become of a picture.

    ``decision`` is reject, ask, overwrite, link or index, as the settings say, or present: the collection has
    this document with this picture. ``match_id`` is the document that decided it, empty where none did;
    ``matches`` are all, best first. ``analysis`` is what Flow says of the picture: index it with that.
    """

    decision: str
    reason: str
    match_id: str
    matches: tuple[Found, ...]
    analysis: Mapping[str, Any]


@dataclass(slots=True)
class Gate:
    """An open gate; it may be shared by any number of coroutines."""

    writer: ClientWriter
    config: CollectionConfig
    lasting: Storage
    documents: int
    buried: Buried | None = None

    @property
    def max_picture_bytes(self) -> int:
        """Bytes of a picture; a larger one is refused."""
        return require_gate(self.config).max_picture_bytes

    async def check(
        self, picture: bytes | str | Path, document_id: str = "", fields: Mapping[str, Any] | None = None
    ) -> Outcome:
        """Return what would become of one picture.

        Args:
            picture: its bytes, an http address, or a file.
            document_id: the id that its document would have, if that is known.
            fields: other fields of its document, where keeper rules go by them.

        Raises:
            GateError: the picture cannot be read or analysed, or looks like more documents than are read.
            Exception: of Flow's family, ``writer.reader.failure``: Flow cannot be asked.
        """
        data = await self._bytes(picture)
        analysis, (self.buried, standing) = await asyncio.gather(
            self._analysis(data), asyncio.to_thread(self._read_said)
        )
        effort = choose_effort(self.config.scan.mode, self.documents)
        search = Search(self.writer.reader, self.config, effort, standing)
        matches = await search.by_analysis(document_id, analysis)
        drawn = await asyncio.to_thread(sketch, data) if self.buried.sketched else ""
        grave = self.buried.of(document_id, analysis, drawn)
        measures = measure(data, self.config) if require_gate(self.config).overwrites else {}
        document = {"id": document_id, **(fields or {})}
        return self._outcome(judge(document, measures, matches, grave, self.config), analysis)

    def _read_said(self) -> tuple[Buried, Standing]:
        """Return what was deleted and what people have said, by now."""
        return read_buried(self.lasting, self.buried), said_so_far(self.lasting)

    async def _analysis(self, data: bytes) -> Mapping[str, Any]:
        reader = self.writer.reader
        try:
            return await self.writer.analyze(data=data)
        except reader.failure as error:
            if getattr(error, "retryable", False) or isinstance(error, reader.denial):
                raise
            raise GateError(f"Flow cannot analyse the picture: {error}") from error

    async def _bytes(self, picture: bytes | str | Path) -> bytes:
        if isinstance(picture, str) and picture.startswith(WEB):
            return await asyncio.to_thread(read_picture, picture, self.config, self.writer.reader.origin)
        if isinstance(picture, str | Path):
            try:
                picture = await asyncio.to_thread(Path(picture).read_bytes)
            except OSError as error:
                raise GateError(f"The picture cannot be read: {error}") from error
        if len(picture) > (most := self.max_picture_bytes):
            raise GateError(f"The picture has {len(picture)} bytes, more than the {most} that are allowed.")
        return picture

    def _outcome(self, judged: Judgement, analysis: Mapping[str, Any]) -> Outcome:
        exact, image = self.config.scan.exact_threshold, self.config.fields.image
        found = tuple(
            Found(
                one.id, one.score, "exact" if one.score >= exact else "near", str(one.fields.get(image, ""))
            )
            for one in judged.matches
        )
        return Outcome(judged.decision, judged.reason, judged.target, found, analysis)


@asynccontextmanager
async def open_gate(
    collection: str,
    *,
    flow: str | None = None,
    connection: Mapping[str, Any] | None = None,
    airflow_home: str | None = None,
) -> AsyncIterator[Gate]:
    """Open the gate of a collection.

    Args:
        collection: name of its YAML file.
        flow: where Flow is, instead of flow.connection.
        connection: the fields of an Airflow connection, instead of either.
        airflow_home: that of the Airflow in which this runs, if it runs in one.

    Raises:
        ConfigError: there is no such collection, or it has no gate.
        GateError: this Flow cannot search with a picture that is not indexed.
    """
    config = find_collection(collection)
    require_gate(config)
    storage = config.storage or default_storage(airflow_home)
    lasting = Storage.of(storage, collection)
    named = address_from_connection(connection, config.flow.collection) if connection else None
    async with open_writer(named or locate_flow(config, flow)) as writer:
        if not await searches_by_analysis(writer, lasting, config):
            raise GateError(NO_SEARCH)
        yield Gate(writer, config, lasting, (await writer.reader.select()).num_found)


def check(
    picture: bytes | str | Path,
    collection: str,
    *,
    flow: str | None = None,
    document_id: str = "",
    fields: Mapping[str, Any] | None = None,
) -> Outcome:
    """Return what would become of one picture; opens the gate for it alone. See ``Gate.check``."""

    async def ask() -> Outcome:
        async with open_gate(collection, flow=flow) as gate:
            return await gate.check(picture, document_id, fields)

    return asyncio.run(ask())
