"""Marker: the collection itself says which storage may write to it.

A lease is kept in a storage, and two storages know nothing of each other's. So the first storage that writes
adds a document of its own to the collection, under the lock of its version, and another storage is refused.
"""

from __future__ import annotations

import contextlib
import json
import socket
import uuid
from dataclasses import dataclass
from typing import Self

from include.dedupe.acting.seeing import FIELDS, see
from include.dedupe.acting.writer import ConflictError, FlowWriter
from include.dedupe.clock import now
from include.dedupe.errors import ClaimError
from include.dedupe.flow import MARKER, Document
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage

IDENTITY = "identity.json"
WORDS = "flow-dedupe writes to this collection from one storage only:"
CLAIM_ANEW = "put back its copy, or remove it and run `python -m include.dedupe claim`"


@dataclass(frozen=True, slots=True)
class Claim:
    """Which storage may write: ``token`` tells it from all others, ``where`` is for people."""

    token: str
    where: str

    @classmethod
    def of(cls, place: Storage) -> Self:
        """Return the claim of the storage where writers meet in ``place``; made once."""
        if not place.exists(IDENTITY):
            where = f"{place.root} of {socket.gethostname()}, since {now()}"
            place.create(IDENTITY, json.dumps({"token": uuid.uuid4().hex, "where": where}).encode())
        return place.read_json(IDENTITY, lambda value: cls(**value), CLAIM_ANEW)

    @classmethod
    def in_document(cls, document: Document) -> Self | None:
        """Return what a marker says, in whichever field other settings have put it."""
        for value in document.values():
            if isinstance(value, str) and value.startswith(WORDS):
                token, _, where = value.removeprefix(WORDS).strip().partition(" ")
                return cls(token, where)
        return None

    def text(self) -> str:
        return f"{WORDS} {self.token} {self.where}"


async def require_claim(writer: FlowWriter, place: Storage, config: CollectionConfig) -> None:
    """Make sure that the collection may be written to from here; where nobody has said so yet, say it.

    Call it under the lease of ``place``, where the writers of this storage meet.

    Raises:
        ClaimError: another storage writes to the collection.
    """
    own = Claim.of(place)
    document = await _marker(writer)
    if document is None:
        with contextlib.suppress(ConflictError):  # another one was faster, or has not committed yet
            await writer.add({"id": MARKER, config.tags.cluster: own.text()}, None)
        document = (await see(writer, [MARKER], lambda found: MARKER in found)).get(MARKER)
    holder = Claim.in_document(document or {})
    if holder is None or holder.token != own.token:
        told = holder.where if holder else "somebody unknown"
        raise ClaimError(
            f"The collection {config.flow.collection} is written to from another storage: {told}. Neither "
            f"storage knows what the other one deletes, so nothing was written. Use that one, or move the "
            f"right to write here: `python -m include.dedupe claim` and the name of the YAML file."
        )


async def objection_to_claim(writer: FlowWriter, place: Storage, config: CollectionConfig) -> str:
    """Return why the collection may not be written to from here; empty if it may."""
    try:
        await require_claim(writer, place, config)
    except (writer.reader.failure, ClaimError) as error:
        return str(error)
    return ""


async def take_claim(writer: FlowWriter, place: Storage, config: CollectionConfig) -> None:
    """Let this storage write to the collection from now on, and no other.

    Raises:
        ConflictError: another one does so at the same moment.
    """
    own = Claim.of(place)
    await writer.commit()
    document = await _marker(writer)
    if document is not None:
        old = {
            name: None
            for name, value in document.items()
            if isinstance(value, str) and value.startswith(WORDS)
        }
        values = {**old, config.tags.cluster: own.text()}
        await writer.set_fields(MARKER, int(document["_version_"]), values)
        await see(writer, [MARKER], lambda found: Claim.in_document(found.get(MARKER, {})) == own)
    await require_claim(writer, place, config)


async def _marker(writer: FlowWriter) -> Document | None:
    return (await writer.read([MARKER], FIELDS)).get(MARKER)
