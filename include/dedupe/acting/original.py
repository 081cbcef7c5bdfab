"""Original: what Flow says of the picture of a document that is in the collection."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.reporting.pictures import picture_bytes
from include.dedupe.settings.config import CollectionConfig


async def analyze_original(writer: FlowWriter, config: CollectionConfig, address: str) -> Mapping[str, Any]:
    """Return the analysis of the picture at ``address``; Flow fetches it, and where it cannot, we do.

    Raises:
        Exception: of Flow's family, or an OSError: it cannot be had or analysed.
    """
    try:
        return await writer.analyze(url=address)
    except writer.reader.failure:
        hosts, flow = config.report.allow_hosts, writer.reader.origin
        data = await asyncio.to_thread(picture_bytes, address, hosts, flow)
        return await writer.analyze(data=data)
