"""Probe: whether this Flow searches with an analysis, which no document of Flow shows.

A Flow that does not know the parameter ignores it, and then answers with anything. So a document of the
collection is searched for in both ways, by its id and by the analysis of its picture: both find the same, or
the gate does not rely on it and lets Flow compare documents that are indexed as pending.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from include.dedupe.acting.original import analyze_original
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.clustering.facts import canonical
from include.dedupe.flow import Document
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage

FILE = "gate/probe.json"
TRIES = 5
MOST_HITS = 1000


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
    """Whether some document with a picture, not alike to all others, is found in both ways alike."""
    reader, image = writer.reader, config.fields.image
    only = (reader.filters.with_any(image),)
    page = await reader.select(fq=only, fl=("id", image), rows=TRIES, sort="id asc")
    everything = (await reader.select()).num_found
    for document in page.docs:
        try:
            analysis = await analyze_original(writer, config, str(document[image]))
            by_id = await _hits(writer, config, document)
            by_analysis = await _hits(writer, config, document, analysis)
        except (reader.failure, OSError) as error:
            if getattr(error, "retryable", False) or isinstance(error, reader.denial):
                raise
            continue  # this picture cannot be had, or Flow refuses the search
        if len(by_analysis) < everything:
            return by_analysis == by_id | {document["id"]}
    return False


async def _hits(
    writer: FlowWriter,
    config: CollectionConfig,
    document: Document,
    analysis: Mapping[str, Any] | None = None,
) -> set[str]:
    found = await writer.reader.hits(
        None if analysis else document["id"],
        analysis=analysis,
        fq=(),
        fl=("id", "score"),
        threshold=config.scan.threshold,
        approximate=False,
        smartfilter="off",
        max_hits=MOST_HITS,
    )
    return {hit["id"] for hit in found.docs}
