"""Join: the duplicates of all documents of a partition, page by page, from a server that offers it.

One request answers for a whole page, which saves a request for each document. A pair inside the scope is told
once, with the document of the smaller id.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence

from include.dedupe.flow import FlowReader, JoinedDocument, JoinPage
from include.dedupe.planning.plan import Plan
from include.dedupe.scanning.found import Found, FoundPage
from include.dedupe.scanning.outage import Outage
from include.dedupe.scanning.search import ROUNDS, document_fields, fingerprint

log = logging.getLogger(__name__)
FIRST_ROWS = 100
REQUEST_S = 2.0
"""How long a request is to take: pages grow and shrink towards it."""


class Joiner:
    """Joins with the settings of a plan; ``advance`` is told of each page."""

    def __init__(
        self, flow: FlowReader, plan: Plan, outage: Outage, advance: Callable[[Found, int], None]
    ) -> None:
        self._flow = flow
        self._plan = plan
        self._outage = outage
        self._advance = advance
        self._most_rows = plan.config.scan.page_documents
        self._rows = min(FIRST_ROWS, self._most_rows)

    async def pages(self, fq: Sequence[str], cursor: str | None) -> AsyncIterator[FoundPage]:
        """Yield what the pages behind ``cursor`` hold.

        Raises:
            Exception: Flow refuses, does not let us in, or gives no usable answer however small the page.
        """
        while True:
            page = await self._ask(fq, cursor)
            if not page.docs:
                return
            found = await self._read(page.docs)
            self._advance(found, len(page.docs))
            yield FoundPage(found, page.next_cursor_mark, page.num_found)
            if page.next_cursor_mark == cursor:
                return
            cursor = page.next_cursor_mark

    async def _ask(self, fq: Sequence[str], cursor: str | None) -> JoinPage:
        for round_number in range(1, ROUNDS + 1):
            began = time.monotonic()
            try:
                page = await self._flow.join(
                    fq=fq,
                    search_fq=self._plan.search_fq,
                    fl=("score", *document_fields(self._plan)),
                    threshold=self._plan.config.scan.lowest_score,
                    approximate=self._plan.effort.approximate,
                    smartfilter=self._plan.effort.smartfilter,
                    rows=self._rows,
                    cursor_mark=cursor,
                )
            except self._flow.failure as error:
                if not getattr(error, "retryable", False) or round_number == ROUNDS:
                    raise
                self._rows = max(1, self._rows // 4)
                log.warning("%s It is asked again for %d documents.", error, self._rows)
                await self._outage.wait()
            else:
                wanted = self._rows * REQUEST_S / max(time.monotonic() - began, 0.01)
                self._rows = max(1, min(self._most_rows, int(wanted), 4 * self._rows))
                return page
        raise AssertionError("the last round returns or raises")

    async def _read(self, documents: Sequence[JoinedDocument]) -> Found:
        settings, image = self._plan.config.scan, self._plan.config.fields.image
        found = Found(listed=[document.id for document in documents])
        found.unsearchable = {document.id for document in documents if not document.has_picture}
        for document in documents:
            hits = document.hits[: settings.max_hits]
            if len(document.hits) > len(hits) and hits[-1]["score"] >= settings.threshold:
                found.hubs.append((document.id, len(document.hits)))
            for hit in hits:
                found.edges.append((document.id, hit["id"], hit["score"]))
                found.documents[hit["id"]] = (str(hit.get(image, "")), fingerprint(hit, image))
        with_hits = [document.id for document in documents if document.hits]
        for own in await self._flow.existing(with_hits, document_fields(self._plan)):
            found.documents[own["id"]] = (str(own.get(image, "")), fingerprint(own, image))
        return found
