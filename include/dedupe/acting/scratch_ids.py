"""Ids of scratch documents: each check makes new ones, and notes them before they are in the collection.

So what a check that was killed has left behind is known by its whole id; a document whose id merely begins
with the same words is somebody's.
"""

from __future__ import annotations

import contextlib
import uuid

from include.dedupe.acting.writer import ConflictError, FlowWriter
from include.dedupe.clustering.pair_rules import SCRATCH
from include.dedupe.storage import Storage

FOLDER = "scratch"


def new_id(lasting: Storage) -> str:
    """Return an id that no document has ever had, noted as our own."""
    made = f"{SCRATCH}{uuid.uuid4().hex}"
    lasting.create(f"{FOLDER}/{made}", b"")
    return made


def forget(lasting: Storage, made: str) -> None:
    """Strike out the note; the document is not in the collection any more."""
    lasting.remove(f"{FOLDER}/{made}")


async def remove_leftovers(writer: FlowWriter, lasting: Storage) -> None:
    """Remove what checks that were killed have left behind."""
    made = lasting.names(FOLDER)
    left = await writer.read(made, ("id", "_version_")) if made else {}
    for name, document in left.items():
        with contextlib.suppress(ConflictError):  # it has changed just now; the next check looks again
            await writer.delete(name, int(document["_version_"]))
    if left:
        await writer.commit()
        left = await writer.read(list(left), ("id",))
    for name in made:
        if name not in left:
            forget(lasting, name)
