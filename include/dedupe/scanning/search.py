"""Search: the duplicates of some documents of a partition, one query for each of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence

from include.dedupe.flow import Document, FlowReader
from include.dedupe.planning.plan import Plan
from include.dedupe.scanning.found import Found, FoundPage
from include.dedupe.scanning.listing import ahead, list_documents
from include.dedupe.scanning.outage import Outage

ROUNDS = 3
"""How often a document is searched for whose queries find no answer although Flow answers others."""


def document_fields(plan: Plan) -> tuple[str, ...]:
    """Return the fields that a scan reads of every document."""
    return ("id", plan.config.fields.image, "_version_")


def fingerprint(document: Document, image: str) -> str:
    """Return what tells that a document has changed: its picture's address, or any write to it."""
    text = f"{document.get(image, '')}\n{document.get('_version_', '')}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Searcher:
    """Searches with the settings of a plan; ``advance`` is told of each document that is done."""

    def __init__(
        self,
        flow: FlowReader,
        plan: Plan,
        outage: Outage,
        advance: Callable[[Found, int], None] = lambda _, __: None,
    ) -> None:
        self._flow = flow
        self._plan = plan
        self._outage = outage
        self._advance = advance
        self._image = plan.config.fields.image

    async def pages(
        self,
        fq: Sequence[str],
        cursor: str | None,
        choose: Callable[[Sequence[Document]], Sequence[Document]] = lambda documents: documents,
    ) -> AsyncIterator[FoundPage]:
        """Yield what the pages of a partition behind ``cursor`` hold, as ``search`` finds it.

        ``choose`` returns those documents of a page that are to be searched for.
        """
        listed = list_documents(
            self._flow,
            self._outage,
            fq=fq,
            fl=document_fields(self._plan),
            page_size=self._plan.config.scan.page_documents,
            cursor_mark=cursor,
        )
        async for page in ahead(listed):
            found = await self.search(choose(page.docs))
            yield FoundPage(found, page.next_cursor_mark, page.num_found)

    async def search(self, documents: Sequence[Document]) -> Found:
        """Return what the queries for ``documents`` found; a query that failed is a row of its own.

        Raises:
            Exception: Flow does not let us in, or the outage lasts too long.
        """
        found = Found(listed=[document["id"] for document in documents])
        waiting = iter(documents)

        async def work() -> None:
            for document in waiting:
                await self._search_one(document, found)
                self._advance(found, 1)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._plan.config.scan.in_flight, len(documents))):
                    group.create_task(work())
        except ExceptionGroup as errors:  # the first of them has cancelled the others
            raise errors.exceptions[0] from None
        await self._set_vanished_apart(found)
        return found

    async def _search_one(self, document: Document, found: Found) -> None:
        try:
            hits = await self._ask(document, found)
        except self._flow.denial:
            raise
        except self._flow.failure as error:
            is_retryable = bool(getattr(error, "retryable", False))
            found.failures.append((document["id"], str(error), is_retryable))
            return
        for hit in hits:
            found.edges.append((document["id"], hit["id"], hit["score"]))
            found.documents[hit["id"]] = self._describe(hit)
        if hits:
            found.documents[document["id"]] = self._describe(document)

    async def _ask(self, document: Document, found: Found) -> Sequence[Document]:
        for round_number in range(1, ROUNDS + 1):
            try:
                return await self._hits(document, found)
            except self._flow.outage:
                await self._outage.wait()
                if round_number == ROUNDS:
                    raise
        raise AssertionError("the last round returns or raises")

    async def _hits(self, document: Document, found: Found) -> Sequence[Document]:
        settings = self._plan.config.scan
        page = await self._flow.hits(
            document["id"],
            fq=self._plan.search_fq,
            fl=("score", *document_fields(self._plan)),
            threshold=settings.lowest_score,
            approximate=self._plan.effort.approximate,
            smartfilter=self._plan.effort.smartfilter,
            max_hits=settings.max_hits,
        )
        if page.has_more and page.docs and page.docs[-1]["score"] >= settings.threshold:
            found.hubs.append((document["id"], page.num_found))
        return page.docs

    def _describe(self, document: Document) -> tuple[str, str]:
        return str(document.get(self._image, "")), fingerprint(document, self._image)

    async def _set_vanished_apart(self, found: Found) -> None:
        """Find out which documents without an answer, or with an empty one, no longer exist."""
        searched = {query_id for query_id, _, _ in found.edges}
        silent = [name for name in found.listed if name not in searched]
        if not silent:
            return
        while True:
            try:
                there = {document["id"] for document in await self._flow.existing(silent)}
                break
            except self._flow.outage:
                await self._outage.wait()
        found.vanished = set(silent) - there
        found.failures = [row for row in found.failures if row[0] not in found.vanished]
