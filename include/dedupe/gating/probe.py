"""Probe: whether this Flow searches with an analysis, which no document of Flow shows.

A Flow that does not know the parameter ignores it, and then answers with anything. So a picture of noise
that nobody has is searched for, and a document of the collection in both ways, by its id and by the analysis
of its picture: the answers are those of two pictures. Where no document can tell, as in an empty collection,
a Flow that reads the parameter refuses what is no analysis. Else the gate does not rely on it and lets Flow
compare documents that are indexed as pending.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from include.dedupe.acting.original import analyze_original
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.clustering.facts import canonical
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage

FILE = "gate/probe.json"
TRIES = 5
MOST_HITS = 1000
NO_ANALYSIS = {"no": "analysis"}


async def searches_by_analysis(writer: FlowWriter, lasting: Storage, config: CollectionConfig) -> bool:
    """Whether the gate may search with an analysis; a yes is kept beside the runs and not asked for again."""
    key = hashlib.sha256(canonical([config.flow.model_dump(), writer.reader.detector]).encode()).hexdigest()
    if lasting.exists(FILE) and json.loads(lasting.read(FILE))["key"] == key:
        return True
    if not await _agrees(writer, config):
        return False
    lasting.write(FILE, json.dumps({"key": key}).encode())
    return True


async def _agrees(writer: FlowWriter, config: CollectionConfig) -> bool:
    """Whether two pictures are searched for as two, and, where no document can tell, nonsense is refused."""
    noise = await _hits_of_noise(writer, config)
    if noise is None:
        return False
    reader, image = writer.reader, config.fields.image
    only = (reader.filters.with_any(image),)
    page = await reader.select(fq=only, fl=("id", image), rows=TRIES, sort="id asc")
    for document in page.docs:
        if document["id"] in noise:
            continue
        try:
            analysis = await analyze_original(writer, config, str(document[image]))
            by_id = await _hits(writer, config, document["id"])
            by_analysis = await _hits(writer, config, analysis=analysis)
        except (reader.failure, OSError) as error:
            _require_answer(writer, error)
            continue  # this picture cannot be had, or Flow refuses the search
        return by_analysis == by_id | {document["id"]}
    return await _refuses(writer, config, NO_ANALYSIS)


async def _hits_of_noise(writer: FlowWriter, config: CollectionConfig) -> set[str] | None:
    """Return what looks like noise; None where Flow refuses the search, or answers with all that it has."""
    analysis = await writer.analyze(data=_noise())
    try:
        found = await _hits(writer, config, analysis=analysis)
    except writer.reader.failure as error:
        _require_answer(writer, error)
        return None
    everything = (await writer.reader.select()).num_found
    return None if found and len(found) >= min(everything, MOST_HITS) else found


async def _refuses(writer: FlowWriter, config: CollectionConfig, analysis: Mapping[str, Any]) -> bool:
    try:
        await _hits(writer, config, analysis=analysis)
    except writer.reader.failure as error:
        _require_answer(writer, error)
        return True
    return False


def _require_answer(writer: FlowWriter, error: Exception) -> None:
    """Raise an error of Flow that says nothing of the picture: no answer came, or we are not let in."""
    if getattr(error, "retryable", False) or isinstance(error, writer.reader.denial):
        raise error


def _noise() -> bytes:
    """Return a picture of coloured spots, another one each time."""
    spots = np.random.default_rng().integers(0, 256, (6, 9, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(spots).resize((240, 160), Image.Resampling.BICUBIC).save(out, "PNG")
    return out.getvalue()


async def _hits(
    writer: FlowWriter,
    config: CollectionConfig,
    document_id: str | None = None,
    analysis: Mapping[str, Any] | None = None,
) -> set[str]:
    found = await writer.reader.hits(
        document_id,
        analysis=analysis,
        fq=(),
        fl=("id", "score"),
        threshold=config.scan.threshold,
        approximate=False,
        smartfilter="off",
        max_hits=MOST_HITS,
    )
    return {hit["id"] for hit in found.docs}
