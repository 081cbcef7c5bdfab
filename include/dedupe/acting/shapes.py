"""Shapes: which kinds of documents a collection really has, so that each of them is tried before trust.

A shape is the set of a document's fields, each with the type of its value. One document that has most of them
says nothing of a field that only others have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from typing import Any

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.flow import Document
from include.dedupe.settings.config import CollectionConfig

SAMPLE = 100
MOST_TRIED = 12
"""So many times is a document looked for that has what none before it had."""
MOST_NAMES = 300
"""So many fields that the schema names, and the sample lacks, are looked for."""
OF_ONE_SHAPE = 3
"""So many documents of one shape are tried where a picture cannot be had."""

Kind = tuple[str, str]


async def sample_documents(writer: FlowWriter, config: CollectionConfig) -> list[Document]:
    """Return documents with a picture: the first, the last, and one for each further field of the schema."""
    reader, image = writer.reader, config.fields.image
    pictured = reader.filters.with_any(image)
    found: dict[str, Document] = {}
    for order in ("id asc", "id desc"):
        page = await reader.select(fq=(pictured,), fl=("*",), rows=SAMPLE, sort=order)
        found |= {document["id"]: document for document in page.docs}
    seen = {name for document in found.values() for name in document}
    for name in [one for one in await writer.stored_fields() if one not in seen][:MOST_NAMES]:
        page = await reader.select(fq=(pictured, reader.filters.with_any(name)), fl=("*",), rows=1)
        found |= {document["id"]: document for document in page.docs}
    return list(found.values())


def next_models(documents: Sequence[Document], covered: Set[Kind]) -> list[Document]:
    """Return a few documents of the shape that has most of what is not covered yet; none where all is."""
    by_shape: dict[frozenset[Kind], list[Document]] = defaultdict(list)
    for document in documents:
        by_shape[kinds(document)].append(document)
    best = max(by_shape, key=lambda shape: (len(shape - covered), len(shape)), default=frozenset[Kind]())
    return by_shape[best][:OF_ONE_SHAPE] if best - covered else []


def uncovered(documents: Sequence[Document], covered: Set[Kind]) -> list[str]:
    """Return the fields that have been tried in no document, or not in every type that they have."""
    return sorted({name for document in documents for name, _ in kinds(document) - covered})


def kinds(document: Document) -> frozenset[Kind]:
    """Return the fields of a document with the types of their values."""
    return frozenset((name, _type(value)) for name, value in document.items())


def _type(value: Any) -> str:
    if isinstance(value, list):
        return f"{'several' if len(value) > 1 else 'one'} {'/'.join(_types(value))}"
    return type(value).__name__


def _types(values: Iterable[Any]) -> list[str]:
    return sorted({type(one).__name__ for one in values})
