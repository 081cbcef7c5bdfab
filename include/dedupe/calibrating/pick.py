"""Pick: the documents that a calibration looks at, and how it asks. All later steps go by what is here.

The draw is seeded: documents are ranked by a digest of the seed and their id. Each partition gives a share of
the sample, and within a partition the categories take turns.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from heapq import nsmallest
from typing import Any

import pandas as pd

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.calibrating.tables import SAMPLED
from include.dedupe.calibrating.way import choose_way
from include.dedupe.errors import ArtifactError, CalibrationError
from include.dedupe.flow import Document, FlowReader
from include.dedupe.gating.probe import By
from include.dedupe.planning.effort import Effort, choose_effort
from include.dedupe.planning.partitions import Partition, divide
from include.dedupe.planning.pick import share_quota
from include.dedupe.planning.plan import MOST_PARTITIONS
from include.dedupe.planning.scope import search_filters
from include.dedupe.progress import show_progress
from include.dedupe.rundir import Attempt, RunDir, Stage
from include.dedupe.scanning.listing import ahead, list_documents
from include.dedupe.scanning.outage import Outage
from include.dedupe.scanning.share import shared_limits
from include.dedupe.settings.config import CollectionConfig
from include.safe_text import without_login

CALIBRATIONS = "calibrations"
"""The folder of calibrations, beside that of the runs."""
STAGE, FILE = "pick", "pick.json"
Ranked = tuple[bytes, str, str]


@dataclass(frozen=True, slots=True)
class Picked:
    """What a calibration works by. ``partitions``: name and label of each that gives documents."""

    run_id: str
    picked_at: str
    config: CollectionConfig
    fq: tuple[str, ...]
    search_fq: tuple[str, ...]
    detector: str
    effort: Effort
    way: By
    partitions: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        config = self.config.model_dump(mode="json")
        if "://" in (config["storage"] or ""):
            config["storage"] = without_login(config["storage"])
        return {**asdict(self), "config": config}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Picked:
        made = {
            "config": CollectionConfig.model_validate(value["config"]),
            "effort": Effort(**value["effort"]),
            "fq": tuple(value["fq"]),
            "search_fq": tuple(value["search_fq"]),
            "partitions": tuple((name, label) for name, label in value["partitions"]),
        }
        return cls(**{**value, **made})


async def pick(
    writer: FlowWriter,
    run: RunDir,
    attempt: Attempt,
    config: CollectionConfig,
    *,
    most: int = MOST_PARTITIONS,
) -> Picked:
    """Draw the sample and write it down; a retry returns what is there.

    ``most``: partitions that there may be at all, whatever the settings say.

    Raises:
        CalibrationError: there is nothing to draw from, or this Flow does not search with a picture that is
            not indexed.
        PlanError: the collection cannot be partitioned as its settings ask.
    """
    stage = run.stage(STAGE, attempt)
    if stage.finished():
        return read_picked(run)
    reader = writer.reader
    search_fq = search_filters(config, reader.filters)
    fq = (*config.scope, *search_fq)
    async with shared_limits(reader, run.lasting, config.scan):
        partitions = await _divide(reader, config, fq, most)
        way = await choose_way(writer, config, fq)
        drawn = await _draw(reader, config, fq, partitions)
    made = Picked(
        run_id=run.run_id,
        picked_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        config=config,
        fq=fq,
        search_fq=search_fq,
        detector=config.flow.detector or reader.detector,
        effort=choose_effort(config.scan.mode, (await reader.select()).num_found),
        way=way,
        partitions=tuple((one.name, one.label) for one in partitions if drawn[one.name]),
    )
    _write(stage, made, drawn)
    return made


def _write(stage: Stage, made: Picked, drawn: Mapping[str, Sequence[tuple[str, str, str]]]) -> None:
    rows = [(name, *row) for name, documents in drawn.items() for row in documents]
    stage.write_table("sampled", pd.DataFrame(rows, columns=SAMPLED.names), SAMPLED)
    stage.write_file(FILE, json.dumps(made.to_json(), indent=2, ensure_ascii=False).encode())
    stage.finish({"sampled": len(rows), "partitions": len(made.partitions)})


def read_picked(run: RunDir) -> Picked:
    """Return what a calibration works by.

    Raises:
        ArtifactError: nothing has been drawn, or the folder belongs to another run.
    """
    run.result(STAGE)
    picked = run.storage.read_json(f"{STAGE}/{FILE}", Picked.from_json)
    if picked.run_id != run.run_id:
        raise ArtifactError(f"{run.address} belongs to run {picked.run_id!r}, not {run.run_id!r}.")
    return picked


def read_sampled(run: RunDir) -> pd.DataFrame:
    """Return the drawn documents (columns of SAMPLED), partition by partition."""
    return run.read_table(STAGE, "sampled", SAMPLED)


async def _divide(
    reader: FlowReader, config: CollectionConfig, fq: tuple[str, ...], most: int
) -> tuple[Partition, ...]:
    partitions = await divide(reader, config, fq, min(config.max_partitions, most))
    if not any(one.expected for one in partitions):
        raise CalibrationError(
            "No document is both scanned and searched among (scope, search_scope): nothing to draw from."
        )
    return partitions


async def _draw(
    reader: FlowReader, config: CollectionConfig, fq: tuple[str, ...], partitions: tuple[Partition, ...]
) -> dict[str, list[tuple[str, str, str]]]:
    """Return id, picture's address and category of the drawn documents by partition."""
    expected = [one.expected for one in partitions]
    quotas = share_quota(expected, sample=config.calibrate.sample, limit=None)
    outage = Outage(reader, config.scan.wait_hours * 3600)
    fields = tuple(name for name in ("id", config.fields.image, config.fields.category) if name)
    drawn = {}
    with show_progress("pick", sum(expected), "documents") as progress:
        for partition, quota in zip(partitions, quotas, strict=True):
            draw = Draw(config, max(1, quota or 0))
            pages = list_documents(
                reader, outage, fq=(*fq, *partition.fq), fl=fields, page_size=config.scan.page_documents
            )
            async for page in ahead(pages):
                draw.add(page.docs)
                progress.advance(len(page.docs))
            drawn[partition.name] = draw.taken()
    return drawn


class Draw:
    """Draws ``quota`` documents of any number, whatever order they come in; the categories take turns."""

    def __init__(self, config: CollectionConfig, quota: int) -> None:
        self._config = config
        self._quota = quota
        self._best: dict[str, list[tuple[Ranked, str]]] = defaultdict(list)

    def add(self, documents: Sequence[Document]) -> None:
        """Let further documents take part."""
        fresh: dict[str, list[tuple[Ranked, str]]] = defaultdict(list)
        for document in documents:
            name, category = str(document["id"]), self._category(document)
            image = str(document.get(self._config.fields.image) or "")
            digest = hashlib.sha256(f"{self._config.calibrate.seed}\n{name}".encode()).digest()
            fresh[category].append(((digest, name, image), category))
        for category, rows in fresh.items():
            self._best[category] = nsmallest(self._quota, [*self._best[category], *rows])

    def taken(self) -> list[tuple[str, str, str]]:
        """Return id, picture's address and category of the drawn documents, by id."""
        in_turn = sorted(
            (turn, ranked, category)
            for rows in self._best.values()
            for turn, (ranked, category) in enumerate(rows)
        )[: self._quota]
        return sorted((name, image, category) for _, (_, name, image), category in in_turn)

    def _category(self, document: Document) -> str:
        """Return the document's category; of several the first."""
        value = document.get(self._config.fields.category or "")
        if isinstance(value, list):
            value = value[0] if value else ""
        return "" if value is None else str(value)
