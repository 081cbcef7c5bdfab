"""Shapes: which kinds of documents a collection really has, so that each of them is tried before trust.

A shape is the set of a document's fields, each with the type of its value. One document that has most of them
says nothing of a field that only others have.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.flow import Document, FlowReader
from include.dedupe.settings.config import CollectionConfig

SAMPLE = 100
MOST_TRIED = 20
"""So many documents are tried until the picture of one can be had."""
MOST_SHAPES = 12
MOST_NAMES = 300
"""So many fields that the schema names, and the sample lacks, are looked for."""

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
        found |= {document["id"]: document for document in await _one_with(reader, name, pictured)}
    return list(found.values())


async def _one_with(reader: FlowReader, name: str, pictured: str) -> Sequence[Document]:
    """Return a document that has the field; none where it cannot be searched."""
    try:
        page = await reader.select(fq=(pictured, reader.filters.with_any(name)), fl=("*",), rows=1)
    except ValueError:
        return []  # no name that a query can hold
    except reader.failure as error:
        if getattr(error, "retryable", True) or isinstance(error, reader.denial):
            raise
        return []
    return page.docs


def richest_first(documents: Sequence[Document]) -> list[Document]:
    """Return a few documents, those with most fields first: more than one, if a picture cannot be had."""
    return sorted(documents, key=len, reverse=True)[:MOST_TRIED]


def further_models(documents: Sequence[Document], first: Document) -> list[Document]:
    """Return few documents that have, with ``first``, every field in every type that is there."""
    covered, models = set(kinds(first)), list[Document]()
    while len(models) < MOST_SHAPES:
        best = max(documents, key=lambda one: len(kinds(one) - covered), default=first)
        if kinds(best) <= covered:
            break
        models.append(best)
        covered |= kinds(best)
    return models


def uncovered(documents: Sequence[Document], models: Sequence[Document]) -> list[str]:
    """Return in words what no model has tried: fields, or types of them, that only further documents have."""
    tried = {kind for model in models for kind in kinds(model)}
    names = sorted({name for document in documents for name, _ in kinds(document) - tried})
    return [f"not tried: {', '.join(names)}"] if names else []


def kinds(document: Document) -> frozenset[Kind]:
    """Return the fields of a document with the types of their values."""
    return frozenset((name, _type(value)) for name, value in document.items())


def _type(value: Any) -> str:
    if isinstance(value, list):
        return f"{'several' if len(value) > 1 else 'one'} {'/'.join(_types(value))}"
    return type(value).__name__


def _types(values: Iterable[Any]) -> list[str]:
    return sorted({type(one).__name__ for one in values})
