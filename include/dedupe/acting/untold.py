"""Untold: what a collection cannot tell of its pictures, so that deletions would rest on the index alone."""

from __future__ import annotations

from include.dedupe.acting.pictures import Pictures
from include.dedupe.acting.sight import SAME, UNTOLD
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.errors import DedupeError
from include.dedupe.flow import Document
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.settings.policy_settings import FOR_TWO


async def untold(writer: FlowWriter, config: CollectionConfig, document: Document) -> str:
    """Look at a document's picture as before it is deleted, and return what cannot be told; empty if all can.

    Nothing is asked where the policies lose no document, or the settings take their deletions unverified.
    """
    if not config.policies or not config.policies.kinds & set(FOR_TWO):
        return ""
    if config.guards.unverified == "allow":
        return ""
    pictures, name = Pictures(writer, config), document["id"]
    try:
        picture = await pictures.read(document)
        analysis = await pictures.analysis(document, picture)
    except DedupeError as error:
        return f"of {name!r}: {error}. {UNTOLD}"
    if picture.data is None:
        return f"the picture of {name!r} cannot be fetched from here for the last look. {UNTOLD}"
    found = await writer.reader.hits(
        analysis=analysis,
        fq=(writer.reader.filters.any_of("id", [name]),),
        fl=("id", "score"),
        threshold=config.scan.threshold,
        approximate=False,
        smartfilter="off",
        max_hits=1,
    )
    score = max((float(hit["score"]) for hit in found.docs if hit["id"] == name), default=0.0)
    told = f"the picture of {name!r}, read anew, is not what was indexed: it scores {score:.4f}, not 1"
    return "" if score >= SAME else f"{told}. {UNTOLD}"
