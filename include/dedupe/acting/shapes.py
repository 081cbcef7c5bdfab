"""Shapes: which kinds of documents a collection really has, so that each of them is tried before trust.

A shape is the set of a document's fields, each with the type of its value. One document that has most of them
says nothing of a field that only others have.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from include.dedupe.acting.writer import FlowWriter
from include.dedupe.flow import Document
from include.dedupe.settings.config import CollectionConfig

SAMPLE = 100
MOST_SHAPES = 8
MOST_NAMES = 300
"""So many fields that the schema names, and the sample lacks, are looked for."""
OF_ONE_SHAPE = 3
"""So many documents of one shape are tried where a picture cannot be had."""

Kind = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Shapes:
    """Documents to try, those of one shape together, and what they do not cover.

    ``looked_at`` counts the documents of the sample. ``untried`` are fields that are in none of the shapes,
    as there are too many of them.
    """

    models: tuple[tuple[Document, ...], ...]
    looked_at: int
    untried: tuple[str, ...]


async def read_shapes(writer: FlowWriter, config: CollectionConfig) -> Shapes:
    """Return few documents with a picture that have, together, every field in every type of the sample."""
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
    return _chosen(list(found.values()))


def _chosen(documents: Sequence[Document]) -> Shapes:
    by_shape: dict[frozenset[Kind], list[Document]] = defaultdict(list)
    for document in documents:
        by_shape[kinds(document)].append(document)
    open_ = {kind for shape in by_shape for kind in shape}
    models: list[tuple[Document, ...]] = []
    while open_ and len(models) < MOST_SHAPES:
        best = max(by_shape, key=lambda shape: (len(shape & open_), len(shape)))
        open_ -= best
        models.append(tuple(by_shape[best][:OF_ONE_SHAPE]))
    return Shapes(tuple(models), len(documents), tuple(sorted({name for name, _ in open_})))


def kinds(document: Document) -> frozenset[Kind]:
    """Return the fields of a document with the types of their values."""
    return frozenset((name, _type(value)) for name, value in document.items())


def _type(value: Any) -> str:
    if isinstance(value, list):
        return f"{'several' if len(value) > 1 else 'one'} {'/'.join(_types(value))}"
    return type(value).__name__


def _types(values: Iterable[Any]) -> list[str]:
    return sorted({type(one).__name__ for one in values})
