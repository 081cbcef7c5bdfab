"""Probe: whether this Flow searches with a picture that is not indexed, which no document of Flow shows.

A Flow that does not know the parameter ignores it, and then answers with anything. So a document of the
collection is searched for in both ways, by its id and by its picture or the analysis of it: both find the
same, or nobody relies on it, and the gate lets Flow compare documents that are indexed as pending.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from typing import Any, Literal

from include.dedupe.acting.original import analyze_original
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.clustering.facts import canonical
from include.dedupe.reporting.pictures import picture_bytes
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage

FILE = "gate/probe.json"
TRIES = 5
MOST_HITS = 1000
By = Literal["data", "analysis"]


async def searches_by_analysis(writer: FlowWriter, lasting: Storage, config: CollectionConfig) -> bool:
    """Whether the gate may search with an analysis; a yes is kept beside the runs and not asked for again."""
    key = hashlib.sha256(canonical([config.flow.model_dump(), writer.reader.detector]).encode()).hexdigest()
    if lasting.exists(FILE) and json.loads(lasting.read(FILE))["key"] == key:
        return True
    if not await finds_alike(writer, config, "analysis"):
        return False
    lasting.write(FILE, json.dumps({"key": key}).encode())
    return True


async def finds_alike(writer: FlowWriter, config: CollectionConfig, by: By, fq: Sequence[str] = ()) -> bool:
    """Whether some document of ``fq`` is found by its id and its picture alike, and not with all others."""
    reader, image = writer.reader, config.fields.image
    page = await reader.select(
        fq=(*fq, reader.filters.with_any(image)), fl=("id", image), rows=TRIES, sort="id asc"
    )
    everything = (await reader.select()).num_found
    for document in page.docs:
        try:
            picture = await _picture(writer, config, by, str(document[image]))
            by_id = await _hits(writer, config, document_id=document["id"])
            by_picture = await _hits(writer, config, **picture)
        except (reader.failure, OSError) as error:
            if getattr(error, "retryable", False) or isinstance(error, reader.denial):
                raise
            continue  # this picture cannot be had, or Flow refuses the search
        if len(by_picture) < everything:
            return by_picture == by_id | {document["id"]}
    return False


async def _picture(writer: FlowWriter, config: CollectionConfig, by: By, address: str) -> dict[str, Any]:
    """Return a picture as ``FlowReader.hits`` takes it."""
    if by == "analysis":
        return {"analysis": await analyze_original(writer, config, address)}
    hosts, flow_host = config.report.allow_hosts, writer.reader.host
    return {"data": await asyncio.to_thread(picture_bytes, address, hosts, flow_host)}


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
