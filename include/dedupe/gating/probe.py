"""Probe: whether this Flow searches with a picture that is not indexed, which no document of Flow shows.

A Flow that does not know the parameter ignores it, and then answers with anything. So a picture of noise
that nobody has is searched for, and a document of the collection in both ways, by its id and by its picture
or the analysis of it: the answers are those of two pictures. Where no document can tell, as in an empty
collection, a Flow that reads the parameter refuses nonsense. Else nobody relies on it, and the gate lets Flow
compare documents that are indexed as pending.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from PIL import Image

from include.dedupe.acting.original import analyze_original
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.clustering.facts import canonical
from include.dedupe.reporting.pictures import picture_bytes
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage

FILE = "gate/probe.json"
REMOVE = "remove it, and the gate tries it anew"
TRIES = 5
MOST_HITS = 1000
By = Literal["data", "analysis"]
NONSENSE: dict[By, dict[str, Any]] = {"analysis": {"analysis": {"no": "analysis"}}, "data": {"data": b"none"}}


async def searches_by_analysis(writer: FlowWriter, lasting: Storage, config: CollectionConfig) -> bool:
    """Whether the gate may search with an analysis; a yes is kept beside the runs and not asked for again."""
    key = hashlib.sha256(canonical([config.flow.model_dump(), writer.reader.detector]).encode()).hexdigest()
    if lasting.exists(FILE) and lasting.read_json(FILE, lambda kept: kept["key"], REMOVE) == key:
        return True
    if not await finds_alike(writer, config, "analysis"):
        return False
    lasting.write(FILE, json.dumps({"key": key}).encode())
    return True


async def finds_alike(writer: FlowWriter, config: CollectionConfig, by: By, fq: Sequence[str] = ()) -> bool:
    """Whether two pictures are searched for as two; where no document of ``fq`` tells, nonsense refused."""
    noise = await _hits_of_noise(writer, config, by)
    if noise is None:
        return False
    reader, image = writer.reader, config.fields.image
    only = (*fq, reader.filters.with_any(image))
    page = await reader.select(fq=only, fl=("id", image), rows=TRIES, sort="id asc")
    for document in page.docs:
        if document["id"] in noise:
            continue
        try:
            picture = await _picture(writer, config, by, str(document[image]))
            by_id = await _hits(writer, config, document_id=document["id"])
            by_picture = await _hits(writer, config, **picture)
        except (reader.failure, OSError) as error:
            _require_answer(writer, error)
            continue  # this picture cannot be had, or Flow refuses the search
        return by_picture == by_id | {document["id"]}
    return await _refuses(writer, config, NONSENSE[by])


async def _hits_of_noise(writer: FlowWriter, config: CollectionConfig, by: By) -> set[str] | None:
    """Return what looks like noise; None where Flow refuses the search, or answers with all that it has."""
    noise = _noise()
    picture = {"data": noise} if by == "data" else {"analysis": await writer.analyze(data=noise)}
    try:
        found = await _hits(writer, config, **picture)
    except writer.reader.failure as error:
        _require_answer(writer, error)
        return None
    everything = (await writer.reader.select()).num_found
    return None if found and len(found) >= min(everything, MOST_HITS) else found


async def _refuses(writer: FlowWriter, config: CollectionConfig, picture: dict[str, Any]) -> bool:
    try:
        await _hits(writer, config, **picture)
    except writer.reader.failure as error:
        _require_answer(writer, error)
        return True
    return False


def _require_answer(writer: FlowWriter, error: Exception) -> None:
    """Raise an error of Flow that says nothing of the picture: no answer came, or we are not let in."""
    if getattr(error, "retryable", False) or isinstance(error, writer.reader.denial):
        raise error


async def _picture(writer: FlowWriter, config: CollectionConfig, by: By, address: str) -> dict[str, Any]:
    """Return a picture as ``FlowReader.hits`` takes it."""
    if by == "analysis":
        return {"analysis": await analyze_original(writer, config, address)}
    hosts, flow = config.report.allow_hosts, writer.reader.origin
    return {"data": await asyncio.to_thread(picture_bytes, address, hosts, flow)}


def _noise() -> bytes:
    """Return a picture of coloured spots, another one each time."""
    spots = np.random.default_rng().integers(0, 256, (6, 9, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(spots).resize((240, 160), Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


async def _hits(writer: FlowWriter, config: CollectionConfig, **picture: Any) -> set[str]:
    found = await writer.reader.hits(
        **picture,
        fq=(),
        fl=("id", "score"),
        threshold=config.scan.threshold,
        approximate=False,
        smartfilter="off",
        max_hits=MOST_HITS,
    )
    return {hit["id"] for hit in found.docs}
