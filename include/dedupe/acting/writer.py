"""What the engine needs of Flow to change a collection, as a protocol: one document at a time, versioned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from include.dedupe.errors import DedupeError
from include.dedupe.flow import Document, FlowReader

MUST_NOT_EXIST = -1


class ConflictError(DedupeError):
    """A document is no longer as it was read; nothing was written."""


class FlowWriter(Protocol):
    """Changes one collection. A write carries the version that was read; another is a ConflictError."""

    @property
    def reader(self) -> FlowReader: ...

    async def unreturned_fields(self) -> Sequence[str] | None:
        """Return the fields, also dynamic names, whose values are kept but neither returned nor copied.

        None where Flow does not tell its schema.
        """

    async def stored_fields(self) -> Sequence[str]:
        """Return the names of fields that come with documents, as far as Flow tells its schema."""

    async def copies(self) -> Sequence[tuple[str, str, int | None]]:
        """Return source, destination and most characters of each copy that Flow makes of a field.

        None of them where Flow does not tell its schema.
        """

    async def read(self, ids: Sequence[str], fl: Sequence[str]) -> dict[str, Document]:
        """Return those of ``ids`` that the collection holds, by id, with ``_version_``."""

    async def set_fields(self, document_id: str, version: int, fields: Mapping[str, Any]) -> None:
        """Set fields of a document that has this version; None removes a field."""

    async def add(self, document: Mapping[str, Any], analysis: Mapping[str, Any] | None) -> None:
        """Add a document that must not exist, with what Flow said of its picture."""

    async def replace(
        self, document: Mapping[str, Any], version: int, analysis: Mapping[str, Any] | None
    ) -> None:
        """Write a document anew, as a whole, where it has this version."""

    async def delete(self, document_id: str, version: int) -> None:
        """Delete a document that has this version."""

    async def commit(self) -> None:
        """Make everything written so far visible."""

    async def analyze(self, *, url: str | None = None, data: bytes | None = None) -> Mapping[str, Any]:
        """Return what Flow says of a picture; with it a document can be added again."""
