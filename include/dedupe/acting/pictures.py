"""Pictures: what lies behind two documents at this very moment.

A document is a record; what a person loses is the picture. So both pictures of a pair are read anew: from
the library where there is one, else at their addresses.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.dedupe.acting.quarantine import library_file
from include.dedupe.acting.writer import FlowWriter
from include.dedupe.clustering.facts import canonical
from include.dedupe.errors import DedupeError
from include.dedupe.flow import Document
from include.dedupe.reporting.pictures import MAX_BYTES, UnreachableError, picture_bytes
from include.dedupe.settings.config import CollectionConfig


class PictureError(DedupeError):
    """A document has no picture that can be read. ``is_untold``: nobody can tell from here."""

    def __init__(self, message: str, *, is_untold: bool = False) -> None:
        super().__init__(message)
        self.is_untold = is_untold


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it was read.

    ``mark`` tells it from another one. ``data`` are its bytes, None where only Flow reaches it; then ``mark``
    goes by ``analysis``. ``file`` is its file in the library, None where it has none.
    """

    mark: str
    data: bytes | None
    file: Path | None = None
    analysis: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Pictures:
    """Reads the pictures of a collection's documents."""

    writer: FlowWriter
    config: CollectionConfig

    async def read(self, document: Document) -> Picture:
        """Return the document's picture.

        Raises:
            PictureError: there is none, or it cannot be read; it begins with "picture".
        """
        address = self.address(document)
        try:
            file = library_file(document["id"], self.config.quarantine) if self.config.quarantine else None
            if file is None and not address:
                raise PictureError("picture is gone: there is no address of one")
            data = await asyncio.to_thread(self._bytes, file, address)
        except UnreachableError as error:
            return await self._by_flow(address, error)
        except FileNotFoundError as error:
            raise PictureError("picture is gone") from error
        except OSError as error:
            raise PictureError(f"picture is gone or cannot be read: {error.strerror or error}") from error
        if not data:
            raise PictureError("picture is gone: its file is empty")
        return Picture(hashlib.sha256(data).hexdigest(), data, file)

    def address(self, document: Document) -> str:
        return str(document.get(self.config.fields.image) or "")

    async def analysis(self, document: Document, picture: Picture) -> Mapping[str, Any]:
        """Return what Flow says of a picture that was read.

        Flow fetches it, and where it cannot, we do; a file of the library is given to it.

        Raises:
            PictureError: Flow cannot read it; it begins with "picture".
        """
        if picture.analysis is not None:
            return picture.analysis
        given: list[dict[str, Any]] = [{"data": picture.data}]
        if address := self.address(document):
            given.insert(0 if picture.file is None else 1, {"url": address})
        failure: Exception | None = None
        for one in given:
            try:
                return await self.writer.analyze(**one)
            except self.writer.reader.failure as error:
                failure = error
        raise PictureError(f"picture cannot be read: {failure}") from failure

    def _bytes(self, file: Path | None, address: str) -> bytes:
        if file is None:
            return picture_bytes(address, self.config.report.allow_hosts, self.writer.reader.origin)
        if file.stat().st_size > MAX_BYTES:
            raise OSError(f"{file} has more than the {MAX_BYTES} bytes that are allowed")
        return file.read_bytes()

    async def _by_flow(self, address: str, cause: UnreachableError) -> Picture:
        """Let Flow read what we cannot reach."""
        try:
            analysis = await self.writer.analyze(url=address)
        except self.writer.reader.failure as error:
            is_answer = not getattr(error, "retryable", False)
            raise PictureError(f"picture cannot be read: {cause}", is_untold=is_answer) from error
        return Picture(hashlib.sha256(canonical(analysis).encode()).hexdigest(), None, None, analysis)
