"""Ask: the pictures of the drawn documents are edited, and Flow is asked what it finds with each edit.

Nothing is indexed. What was found of a document is kept, so that no retry asks again.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from PIL import Image

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.calibrating.pick import Picked, read_picked, read_sampled
from include.dedupe.calibrating.tables import EDITED, NEIGHBOURS
from include.dedupe.calibrating.way import as_query
from include.dedupe.calibration import LOWEST
from include.dedupe.errors import OutageError
from include.dedupe.flow import Origin, Page
from include.dedupe.gating.flight import for_each
from include.dedupe.progress import show_progress
from include.dedupe.reporting.pictures import may_pass, picture_bytes
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.outage import Outage
from include.dedupe.scanning.search import ROUNDS
from include.dedupe.scanning.share import shared_limits
from include.dedupe.settings.config import CollectionConfig
from include.detector.editing.edits import encode
from include.detector.editing.manipulations import make
from include.safe_picture import UnreadableImageError, decode

KEPT = "asked"
MOST_NEIGHBOURS = 20
SIDE = 800
"""Pixels of the longer side to which a picture is shrunk before it is edited: Flow looks at small ones, and
takes no form of any size."""
PAUSES_S = (0.5, 2.0, 5.0)
"""Pauses before a picture is asked for again."""
NOT_ITSELF = (
    "its own picture does not find it: another one lies at its address by now, or Flow has none of it"
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was found of one document: columns of EDITED and of NEIGHBOURS without its id."""

    edited: list[tuple[str, str, float, str]]
    neighbours: list[tuple[str, str, float]]

    def to_json(self) -> bytes:
        return json.dumps({"edited": self.edited, "neighbours": self.neighbours}).encode()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Asked:
        return cls([tuple(row) for row in value["edited"]], [tuple(row) for row in value["neighbours"]])


async def ask(writer: FlowWriter, run: RunDir, attempt: Attempt, partition: str) -> dict[str, int]:
    """Edit and ask for the drawn documents of one partition; return the counts of edits and problems.

    Raises:
        OutageError: Flow does not answer; what was asked is kept, and a retry goes on there.
    """
    stage = run.stage(f"ask/{partition}", attempt)
    if finished := stage.finished():
        return finished.result
    picked, sampled = read_picked(run), read_sampled(run)
    rows = sampled[sampled["partition"] == partition]
    documents = list(zip(rows["id"], rows["image"], strict=True))
    label = dict(picked.partitions)[partition]
    edits = sum(len(kind.strengths) for kind in picked.config.calibrate.chosen())
    with show_progress(f"ask {label}", len(documents) * (edits + 1), "searches") as progress:
        async with shared_limits(writer.reader, run.lasting, picked.config.scan):
            work = _Work(writer, run, picked, f"{KEPT}/g{attempt.generation}/{partition}", progress.advance)
            found = await work.all(documents)
    edited = [(name, *row) for (name, _), one in zip(documents, found, strict=True) for row in one.edited]
    others = [
        (*document, *row) for document, one in zip(documents, found, strict=True) for row in one.neighbours
    ]
    stage.write_table("edited", pd.DataFrame(edited, columns=EDITED.names), EDITED)
    stage.write_table("neighbours", pd.DataFrame(others, columns=NEIGHBOURS.names), NEIGHBOURS)
    counts = {"edits": len(edited), "problems": sum(1 for row in edited if row[-1])}
    stage.finish(counts)
    return counts


def picture_of(address: str, config: CollectionConfig, flow: Origin) -> Image.Image:
    """Return a document's picture, shrunk to SIDE; asked for again when the cause of a failure may pass.

    Raises:
        OSError: it cannot be had.
        UnreadableImageError: it cannot be decoded.
    """
    if not address:
        raise OSError("the document has no address of a picture")
    image = Image.fromarray(decode(_bytes_of(address, config, flow)).rgb)
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return image


def _bytes_of(address: str, config: CollectionConfig, flow: Origin) -> bytes:
    for pause_s in PAUSES_S:
        try:
            return picture_bytes(address, config.report.allow_hosts, flow)
        except OSError as error:
            if not may_pass(error):
                raise
            time.sleep(pause_s)
    return picture_bytes(address, config.report.allow_hosts, flow)


class _Work:
    def __init__(
        self, writer: FlowWriter, run: RunDir, picked: Picked, folder: str, advance: Callable[[int], None]
    ) -> None:
        self._writer = writer
        self._storage = run.storage
        self._picked = picked
        self._config = picked.config
        self._folder = folder
        self._advance = advance
        self._outage = Outage(writer.reader, picked.config.scan.wait_hours * 3600)
        self._edits = [
            (kind.name, strength) for kind in self._config.calibrate.chosen() for strength in kind.strengths
        ]

    async def all(self, documents: Sequence[tuple[str, str]]) -> list[Asked]:
        """Return what was found of each document (id, picture's address), in their order."""
        kept = set(await asyncio.to_thread(self._storage.names, self._folder))
        names = [f"{number:06}.json" for number in range(len(documents))]

        async def work(number: int) -> None:
            if names[number] in kept:
                self._advance(len(self._edits) + 1)
                return
            found = await self._one(*documents[number])
            await asyncio.to_thread(self._storage.write, f"{self._folder}/{names[number]}", found.to_json())

        await for_each(range(len(documents)), self._config.calibrate.in_flight, work)
        files = [f"{self._folder}/{name}" for name in names]
        read = await asyncio.to_thread(self._storage.read_many, files)
        return [self._storage.parsed(*one, Asked.from_json) for one in zip(files, read, strict=True)]

    async def _one(self, name: str, address: str) -> Asked:
        try:
            flow = self._writer.reader.origin
            image = await asyncio.to_thread(picture_of, address, self._config, flow)
        except (OSError, UnreadableImageError) as error:
            return self._given_up(str(error))
        unedited = await asyncio.to_thread(encode, image, "PNG")
        page, problem = await self._hits(unedited)
        self._advance(1)
        if problem or name not in {hit["id"] for hit in page}:
            return self._given_up(problem or NOT_ITSELF, done=1)
        edited = [(*edit, *await self._edited(name, image, edit[1])) for edit in self._edits]
        others = [hit for hit in page if hit["id"] != name][:MOST_NEIGHBOURS]
        field = self._config.fields.image
        return Asked(edited, [(hit["id"], str(hit.get(field) or ""), float(hit["score"])) for hit in others])

    def _given_up(self, problem: str, done: int = 0) -> Asked:
        self._advance(len(self._edits) + 1 - done)
        return Asked([("", "", 0.0, problem)], [])

    async def _edited(self, name: str, image: Image.Image, strength: str) -> tuple[float, str]:
        """Return the score with which an edit finds the document, and why it could not be asked."""
        try:
            data = await asyncio.to_thread(make, strength, image, name)
        except Exception as error:  # noqa: BLE001 - of a picture of any size, down to one pixel
            self._advance(1)
            return 0.0, f"this picture cannot be edited so: {error or type(error).__name__}"
        page, problem = await self._hits(data)
        self._advance(1)
        own = next((float(hit["score"]) for hit in page if hit["id"] == name), 0.0)
        most = self._config.scan.max_hits
        if not own and len(page) >= most:
            problem = f"it looks like more than {most} documents, and no more are read (scan.max_hits)"
        return own, problem

    async def _hits(self, data: bytes) -> tuple[Sequence[Any], str]:
        """Return the hits of a picture, best first, or why it could not be searched for."""
        reader = self._writer.reader
        for number in range(1, ROUNDS + 1):
            try:
                return (await self._search(data)).docs, ""
            except reader.outage:
                await self._outage.wait()
                if number == ROUNDS:
                    raise
            except reader.denial:
                raise
            except reader.failure as error:
                return (), f"Flow cannot search with it: {error}"
        raise OutageError("the last round returns or raises")

    async def _search(self, data: bytes) -> Page:
        picked, reader = self._picked, self._writer.reader
        return await reader.hits(
            **await as_query(self._writer, picked.way, data),
            fq=picked.search_fq,
            fl=("id", "score", self._config.fields.image),
            threshold=LOWEST,
            approximate=picked.effort.approximate,
            smartfilter=picked.effort.smartfilter,
            max_hits=self._config.scan.max_hits,
        )
