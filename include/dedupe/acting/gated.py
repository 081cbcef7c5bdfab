"""Gated: what the gate did to the collection, and how that is taken back.

The gate adds documents and writes existing ones anew. A document that was added is deleted again, one that
was overwritten gets its fields and picture back, unless somebody has changed it since.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from include.dedupe.acting.again import FILLED_BY_FLOW, Copy, fields_to_send
from include.dedupe.acting.archive import COPY, Entry
from include.dedupe.acting.pictures import Pictures
from include.dedupe.acting.quarantine import bring_back
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.clock import now
from include.dedupe.errors import DedupeError
from include.dedupe.flow import Document
from include.dedupe.rundir import RunDir, folder_name
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage, named

INDEX, OVERWRITE = "index", "overwrite"
GATED = (INDEX, OVERWRITE)
FOLDER = "indexed"


def remember_indexed(run: RunDir, batch: str, documents: Collection[Document]) -> None:
    """Write down how the documents of a batch look in the collection after they were written."""
    if documents:
        data = json.dumps({one["id"]: dict(one) for one in documents}, ensure_ascii=False).encode()
        run.lasting.write(f"{FOLDER}/{run.folder}/{now().replace(':', '-')}-{batch}.json", data)


def indexed_documents(lasting: Storage, entries: Iterable[Entry]) -> dict[tuple[str, str], Document]:
    """Return by run and id how the documents that the gate wrote looked then, the latest of each."""
    found: dict[tuple[str, str], Document] = {}
    for run_id in {one.run_id for one in entries if one.action in GATED}:
        folder = f"{FOLDER}/{folder_name(run_id)}"
        for file in lasting.names(folder):
            documents = lasting.read_json(f"{folder}/{file}", _documents, COPY)
            found |= {(run_id, name): document for name, document in documents.items()}
    return found


def _documents(value: Any) -> dict[str, Document]:
    if not (found := named(value)):
        raise TypeError("nothing is in it")
    return found


def why_not_taken_back(
    entry: Entry, document: Document | None, indexed: Document | None, own_fields: Collection[str]
) -> str:
    """Return why a document is left alone; empty if it is as the gate has left it.

    Args:
        entry: what was done.
        document: as it is now.
        indexed: as it was right after the gate; None where the gate was killed before it looked.
        own_fields: fields that policies write: they may have changed.
    """
    if document is None:
        return "it is not in the collection"
    if indexed is None:
        same = all(document.get(name) == value for name, value in entry.set.items())
        return "" if same else "it is not as the gate has left it"
    ignored = FILLED_BY_FLOW | set(own_fields)
    is_same = _without(document, ignored) == _without(indexed, ignored)
    return "" if is_same else "it has changed since it was indexed"


async def take_back(
    writer: FlowWriter,
    lasting: Storage,
    config: CollectionConfig,
    entry: Entry,
    document: Document,
    *,
    copies: Sequence[Copy],
) -> str:
    """Delete what was added, or write what was overwritten as it was before; its file comes back first.

    Args:
        writer: the collection.
        lasting: its storage.
        config: its settings.
        entry: what was done.
        document: as it is now.
        copies: which fields Flow fills from others.

    Returns:
        what is not as it was, for people: the picture of a document, and where its copy lies.

    Raises:
        ConflictError: it has changed since ``document`` was read.
    """
    version = int(document["_version_"])
    if entry.action == INDEX:
        await writer.delete(entry.id, version)
        return ""
    if entry.file:
        await asyncio.to_thread(bring_back, entry.file)
    await writer.replace(fields_to_send(entry.before, copies), version, entry.analysis)
    return await _not_served(writer, lasting, config, entry)


async def _not_served(writer: FlowWriter, lasting: Storage, config: CollectionConfig, entry: Entry) -> str:
    """Return where the copy of a replaced picture lies that its document does not lead to any more."""
    if not entry.picture:
        return ""
    pictures = Pictures(writer, config)
    try:
        problem = "" if entry.picture.endswith((await pictures.read(entry.before)).mark) else "another one"
    except DedupeError as error:
        problem = str(error)
    told = f"{pictures.address(entry.before)} does not lead to its picture any more ({problem})"
    return f"{told}; a copy of it is {lasting.path(entry.picture)}" if problem else ""


def _without(document: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in names}
