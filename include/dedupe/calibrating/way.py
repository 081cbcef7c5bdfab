"""Way: how this Flow searches with a picture that is not indexed: with itself, or with its analysis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.errors import CalibrationError
from include.dedupe.gating.probe import By, finds_alike
from include.dedupe.settings.config import CollectionConfig

WAYS: tuple[By, ...] = ("data", "analysis")


async def choose_way(writer: FlowWriter, config: CollectionConfig, fq: Sequence[str]) -> By:
    """Return the first way in which this Flow finds documents of ``fq`` as it does by their ids.

    Raises:
        CalibrationError: there is none, or no picture could be had to find that out.
    """
    told = []
    for way in WAYS:
        try:
            if await finds_alike(writer, config, way, fq):
                return way
        except writer.reader.denial as error:
            told.append(f" ({way}: {error})")
    raise CalibrationError(
        "This Flow finds no document by its picture as it does by its id, neither with the picture itself "
        f"nor with what /analyze says of it{''.join(told)}. Either it does not search with a picture that "
        "is not indexed, or the pictures of its first documents cannot be fetched from here: see "
        "report.allow_hosts."
    )


async def as_query(writer: FlowWriter, way: By, data: bytes) -> Mapping[str, Any]:
    """Return a picture as ``FlowReader.hits`` takes it."""
    return {"data": data} if way == "data" else {"analysis": await writer.analyze(data=data)}
