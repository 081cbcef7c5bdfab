"""The calls of Flow's HTTP API, for one collection. What they mean for duplicates is not known here."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, Unpack
from urllib.parse import urlencode

from include.flow_client import answers, params
from include.flow_client.address import FlowAddress
from include.flow_client.answers import CollectionInfo, Document, JoinPage, Page
from include.flow_client.params import JoinSearch, PictureSearch, Query, SmartFilter
from include.flow_client.query import term
from include.flow_client.renewal import RenewedTransport
from include.flow_client.transport import Request, RetryPolicy, Transport

LONGEST_QUERY_CHARS = 4096
"""Above it a query is POSTed as a form: servers take about 8 KiB of request line and headers."""

FORM = "application/x-www-form-urlencoded"


class FlowClient:
    """One collection of a Flow, through at most `connections` kept-alive connections.

    Use it as `async with FlowClient(address) as flow`. It may be shared by any number of coroutines: those
    above `connections` wait for their turn, and the time limit of a request starts only then.

    Every call raises a kind of FlowError if it has no answer that can be relied upon. Searches, analyses,
    deletions by id and commits are repeated when Flow is busy or cannot be reached; other writing calls only
    if Flow cannot have seen them.

    `renew` reads the address again. It is called when Flow does not accept our login or token any more; if
    they have changed meanwhile, the call is made once more with them.
    """

    def __init__(
        self,
        address: FlowAddress,
        *,
        connections: int = 16,
        retry: RetryPolicy | None = None,
        max_answer_bytes: int = 256 * 2**20,
        renew: Callable[[], FlowAddress] | None = None,
    ) -> None:
        self.address = address
        self._renew = renew
        self._connections = connections
        self._retry = retry or RetryPolicy()
        self._max_answer_bytes = max_answer_bytes
        self._transport: RenewedTransport | None = None

    async def __aenter__(self) -> Self:
        self._transport = RenewedTransport(self.address, self._connect, self._renew)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._transport is not None:
            await self._transport.close()
            self._transport = None

    # --- asking about the collection

    async def info(self) -> CollectionInfo:
        """What the collection says of itself.

        Raises:
            FlowRequestError: there is no such collection (404).
        """
        what = self._what("info")
        answer = await self._call(Request("GET", self.address.core_url, what))
        return answers.info(answer, self.address.collection, what)

    async def ping(self) -> CollectionInfo:
        """Make sure that the collection is there and answers searches."""
        info = await self.info()
        await self.count()
        return info

    # --- reading documents

    async def select(self, query: Query) -> Page:
        """One page of documents, with the facets and statistics asked for."""
        what = self._what(params.SELECT)
        page = answers.page(await self._search(params.SELECT, urlencode(query.pairs())), what)
        missing = set(query.facet_fields) - set(page.facets) | set(query.stats_fields) - set(page.stats)
        missing |= set(query.facet_queries) - set(page.facet_queries)
        if missing:
            raise answers.malformed(what, f"facets or statistics of {sorted(missing)} are missing")
        return page

    async def count(self, fq: Sequence[str] = ()) -> int:
        """How many documents all the filters let through."""
        return (await self.select(Query(fq=fq, rows=0))).num_found

    async def iterate(
        self,
        *,
        fl: Sequence[str] = (params.ID,),
        fq: Sequence[str] = (),
        sort: str = f"{params.ID} asc",
        page_size: int = 1000,
        cursor_mark: str | None = None,
    ) -> AsyncIterator[Page]:
        """All documents that the filters let through, in pages of `page_size` (Flow documents at most 1000).

        A page's `next_cursor_mark` given as `cursor_mark` resumes behind that page, also much later.
        """
        query = Query(fl=fl, fq=fq, rows=page_size, sort=params.cursor_sort(sort))
        cursor_mark = cursor_mark or params.FIRST_CURSOR_MARK
        while True:
            page = await self.select(replace(query, cursor_mark=cursor_mark))
            if page.next_cursor_mark is None:
                raise answers.malformed(self._what(params.SELECT), "`nextCursorMark` is missing")
            is_end = page.next_cursor_mark == cursor_mark
            if page.docs:
                yield replace(page, has_more=not is_end)
            elif not is_end:
                raise answers.malformed(
                    self._what(params.SELECT), "a page without documents has a further mark"
                )
            if is_end:
                return
            cursor_mark = page.next_cursor_mark

    # --- searching for duplicates

    async def duplicates_of(
        self,
        doc_id: str | None = None,
        *,
        url: str | None = None,
        data: bytes | None = None,
        preprocessed: Mapping[str, Any] | None = None,
        fq: Sequence[str] = (),
        fl: Sequence[str] = (),
        threshold: float = 0.7,
        approximate: bool = False,
        smartfilter: SmartFilter = "off",
        start: int = 0,
        rows: int = 100,
    ) -> Page:
        """One page of the documents that look like one picture, best first, each with `id` and `score`.

        The picture is a document of the collection (`doc_id`), a URL that Flow can reach, bytes, or what
        `analyze` returned. The query document itself and hits below `threshold` (0 to 1) are taken out here.
        """
        picture = params.rank_by(doc_id, url, data, preprocessed)
        settings = params.search_settings(
            fq=params.listed(fq),
            fl=params.listed(fl),
            threshold=threshold,
            approximate=approximate,
            smartfilter=smartfilter,
            start=start,
            rows=rows,
        )
        answer = await self._search(params.DUPLICATE, f"{settings}&{urlencode([picture])}")
        what = self._what(params.DUPLICATE)
        page = answers.page(answer, what)
        hits = answers.scored(page.docs, what)
        docs = tuple(doc for score, doc in hits if score >= threshold and doc[params.ID] != doc_id)
        if not hits or len(docs) == len(hits):
            return page
        return replace(page, docs=docs, has_more=page.has_more and hits[-1][0] >= threshold)

    async def iterate_duplicates_of(
        self,
        doc_id: str | None = None,
        *,
        page_size: int = 100,
        max_hits: int = 1000,
        **search: Unpack[PictureSearch],
    ) -> AsyncIterator[Page]:
        """All documents that look like one picture, in pages, best first; at least one page, maybe empty.

        It ends when all hits are seen, or at `max_hits`: then the last page still says `has_more`.
        """
        start = kept = 0
        while True:
            page = await self.duplicates_of(doc_id, start=start, rows=page_size, **search)
            if page.has_more and not page.received:
                if not search.get("approximate"):
                    raise answers.malformed(
                        self._what(params.DUPLICATE),
                        f"it counts {page.num_found} hits but ends after {start}",
                    )
                page = replace(
                    page, has_more=False
                )  # approximate search counts more candidates than it returns
            kept += len(page.docs)
            start += page.received
            if kept > max_hits:
                page = replace(page, docs=page.docs[: len(page.docs) - (kept - max_hits)], has_more=True)
            yield page
            if not page.has_more or kept >= max_hits:
                return

    async def own_score(self, doc_id: str) -> float | None:
        """The score with which a document finds itself, None if it does not: what searching is worth."""
        settings = params.search_settings(
            fq=(term(params.ID, doc_id),),
            fl=(),
            threshold=0.0,
            approximate=False,
            smartfilter="off",
            start=0,
            rows=1,
        )
        answer = await self._search(params.DUPLICATE, f"{settings}&{urlencode([('rank.by.id', doc_id)])}")
        what = self._what(params.DUPLICATE)
        hits = answers.scored(answers.page(answer, what).docs, what)
        return next((score for score, doc in hits if doc[params.ID] == doc_id), None)

    async def join(
        self,
        *,
        threshold: float,
        rows: int = 100,
        cursor_mark: str | None = None,
        **search: Unpack[JoinSearch],
    ) -> JoinPage:
        """One page of the documents of `fq`, by id, each with all its duplicates among those of `search_fq`.

        Only for a server whose `info` lists `duplicates` among its capabilities. The end is reached when
        `next_cursor_mark` is the mark that was given.
        """
        mark = cursor_mark or params.FIRST_CURSOR_MARK
        pairs = params.join(threshold=threshold, rows=rows, cursor_mark=mark, **search)
        answer = await self._search(params.JOIN, urlencode(pairs))
        return answers.join_page(answer, threshold, self._what(params.JOIN))

    async def analyze(
        self, *, url: str | None = None, data: bytes | None = None, modules: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Analyse one picture without storing it. The result is opaque: search and index with it as it is."""
        answer = await self._search(params.ANALYZE, urlencode(params.analyze(url, data, modules)))
        outputs = answer.get("outputs")
        if not isinstance(outputs, dict) or not outputs:
            raise answers.malformed(self._what(params.ANALYZE), "`outputs` is missing or empty")
        return outputs

    # --- writing

    async def update(
        self,
        docs: Sequence[Document],
        *,
        commit: bool = False,
        commit_within_ms: int | None = None,
        modules: Sequence[str] = (),
    ) -> dict[str, int]:
        """Add or replace documents, or change single fields (`{"id": …, "field": {"set": …}}`).

        A document that carries `_version_` is written only if the collection still has it so (409
        otherwise); an atomic change without one creates the document where it is missing. Returns the new
        versions by id, empty where the server does not tell them.

        Raises:
            FlowRequestError: a document was refused; those before it in the list may have been written.
        """
        if not docs or not all(isinstance(doc.get(params.ID), str) and doc[params.ID] for doc in docs):
            raise ValueError("An update needs documents, and each of them an `id` that is a text.")
        pairs = params.update_pairs(commit, commit_within_ms, modules)
        return answers.versions(
            await self._write("update", docs, pairs, is_repeatable=False), self._what("update")
        )

    async def delete(
        self,
        ids: Sequence[str] = (),
        *,
        query: str | None = None,
        version: int | None = None,
        commit: bool = False,
    ) -> None:
        """Delete documents by id, or all that a query finds. An id that does not exist is no error.

        With `version`, which goes with one id, the document is deleted only if it is still as it was read.

        Raises:
            ValueError: neither ids nor a query, both, or a version with anything but one id.
            FlowRequestError: 409, the document has another version by now.
        """
        if isinstance(ids, str) or bool(ids) == (query is not None) or not all(ids):
            raise ValueError("A deletion needs either a list of ids, none of them empty, or a query.")
        if version is not None and len(ids) != 1:
            raise ValueError("A version belongs to one document: delete one id at a time with it.")
        if query is not None:
            command = params.delete_query(query)
        else:
            command = params.delete_ids(ids) if version is None else params.delete_version(ids[0], version)
        is_repeatable = query is None and version is None
        await self._write("delete", command, params.commit_pairs(soft=False) if commit else [], is_repeatable)

    async def commit(self, *, soft: bool = False) -> None:
        """Make everything written so far visible to searches."""
        url = f"{self.address.core_url}/{params.UPDATE}?{urlencode(params.commit_pairs(soft))}"
        await self._call(Request("POST", url, self._what("commit")))

    # --- requests

    def _what(self, handler: str) -> str:
        return f"{handler} on {self.address}"

    def limit(self, in_flight: int, per_second: float | None = None) -> None:
        """Send at most so many requests at once, and so many in a second, from now on."""
        self._opened().pace.limit(min(in_flight, self._connections), per_second)

    async def _call(self, request: Request) -> dict[str, Any]:
        return await self._opened().call(request)

    def _connect(self, address: FlowAddress) -> Transport:
        return Transport(address, self._connections, self._retry, self._max_answer_bytes)

    def _opened(self) -> RenewedTransport:
        if self._transport is None:
            raise RuntimeError("FlowClient is not open: use it as `async with FlowClient(address) as flow`.")
        return self._transport

    async def _search(self, handler: str, query: str) -> dict[str, Any]:
        url, what = f"{self.address.core_url}/{handler}", self._what(handler)
        if len(url) + len(query) < LONGEST_QUERY_CHARS:
            return await self._call(Request("GET", f"{url}?{query}", what))
        body = query.encode()
        return await self._call(Request("POST", f"{url}?{urlencode([params.UNLOGGED])}", what, body, FORM))

    async def _write(self, what: str, body: Any, pairs: params.Pairs, is_repeatable: bool) -> dict[str, Any]:
        url = f"{self.address.update_url}?{urlencode(pairs)}" if pairs else self.address.update_url
        data = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        return await self._call(
            Request("POST", url, self._what(what), data, "application/json", is_repeatable=is_repeatable)
        )
