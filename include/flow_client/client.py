"""The calls of Flow's HTTP API, for one collection. What they mean for duplicates is not known here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, Self, Unpack
from urllib.parse import urlencode

from yarl import URL

from include.flow_client import answers, params, schema
from include.flow_client.address import FlowAddress
from include.flow_client.answers import CollectionInfo, Document, JoinPage, Page
from include.flow_client.decoding import malformed
from include.flow_client.params import JoinSearch, PictureSearch, Query, SmartFilter
from include.flow_client.query import term
from include.flow_client.renewal import RenewedTransport
from include.flow_client.schema import CopyField, SchemaField
from include.flow_client.transport import Handler, Request, RetryPolicy, Transport
from include.flow_client.writing import Writing

LONGEST_QUERY_CHARS = 4096
"""Above it a query is POSTed as a form: servers take about 8 KiB of request line and headers."""

FORM = "application/x-www-form-urlencoded"


class FlowClient(Writing):
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
        self._handlers: dict[str, Handler] = {}

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
        what = f"info on {self.address}"
        answer = await self._call(Request("GET", URL(self.address.core_url, encoded=True), what))
        return answers.info(answer, self.address.collection, what)

    async def ping(self) -> CollectionInfo:
        """Make sure that the collection is there and answers searches."""
        info = await self.info()
        await self.count()
        return info

    async def schema(self) -> list[SchemaField]:
        """All fields that the collection's schema defines, by name or by a dynamic name.

        Raises:
            FlowRequestError: the server does not tell its schema (404).
        """
        shown = urlencode([params.SHOWN_DEFAULTS])
        copies = await self._search(schema.COPIES, "")
        copied = schema.copied_to(copies, self._what(schema.COPIES))
        found: list[SchemaField] = []
        for name, member in ((schema.FIELDS, "fields"), (schema.DYNAMIC, "dynamicFields")):
            answer = await self._search(name, shown)
            found += schema.schema_fields(answer, member, copied, self._what(name))
        return found

    async def copy_fields(self) -> list[CopyField]:
        """The rules by which the collection's schema copies fields into others.

        Raises:
            FlowRequestError: the server does not tell its schema (404).
        """
        return schema.copy_fields(await self._search(schema.COPIES, ""), self._what(schema.COPIES))

    # --- reading documents

    async def select(self, query: Query) -> Page:
        """One page of documents, with the facets and statistics asked for."""
        what = self._what(params.SELECT)
        page = answers.page(await self._search(params.SELECT, urlencode(query.pairs())), what)
        missing = set(query.facet_fields) - set(page.facets) | set(query.stats_fields) - set(page.stats)
        missing |= set(query.facet_queries) - set(page.facet_queries)
        if missing:
            raise malformed(what, f"facets or statistics of {sorted(missing)} are missing")
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
                raise malformed(self._what(params.SELECT), "`nextCursorMark` is missing")
            is_end = page.next_cursor_mark == cursor_mark
            if page.docs:
                yield page._replace(has_more=not is_end)
            elif not is_end:
                raise malformed(self._what(params.SELECT), "a page without documents has a further mark")
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
        name, picture = params.rank_by(doc_id, url, data, preprocessed)
        settings = params.search_settings(
            fq=params.listed(fq),
            fl=params.listed(fl),
            threshold=threshold,
            approximate=approximate,
            smartfilter=smartfilter,
            start=start,
            rows=rows,
        )
        answer = await self._search(params.DUPLICATE, f"{settings}&{params.form([(name, picture)])}")
        return answers.hits(answer, threshold, doc_id, self._what(params.DUPLICATE))

    async def all_duplicates_of(
        self,
        doc_id: str | None = None,
        *,
        page_size: int = 100,
        max_hits: int = 1000,
        **search: Unpack[PictureSearch],
    ) -> Page:
        """All documents that look like one picture, best first, asked for in pages of `page_size`.

        At `max_hits` it ends, and the page returned still says `has_more`.
        """
        docs: list[Document] = []
        start, has_more = 0, True
        while has_more and len(docs) < max_hits:
            page = await self.duplicates_of(doc_id, start=start, rows=page_size, **search)
            has_more = page.has_more
            if not has_more and not start and len(page.docs) <= max_hits:
                return page
            if has_more and not page.received:
                if not search.get("approximate"):
                    told = f"it counts {page.num_found} hits but ends after {start}"
                    raise malformed(self._what(params.DUPLICATE), told)
                has_more = False  # approximate search counts more candidates than it returns
            docs += page.docs
            start += page.received
        has_more = has_more or len(docs) > max_hits
        return Page(tuple(docs[:max_hits]), page.num_found, received=start, has_more=has_more)

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
        return next((hit[params.SCORE] for hit in hits if hit[params.ID] == doc_id), None)

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
        answer = await self._search(params.ANALYZE, params.form(params.analyze(url, data, modules)))
        outputs = answer.get("outputs")
        if not isinstance(outputs, dict) or not outputs:
            raise malformed(self._what(params.ANALYZE), "`outputs` is missing or empty")
        return outputs

    # --- requests

    def _handler(self, name: str) -> Handler:
        handler = self._handlers.get(name)
        if handler is None:
            url = URL(f"{self.address.core_url}/{name}", encoded=True)
            handler = self._handlers[name] = Handler(f"{name} on {self.address}", url)
        return handler

    def _what(self, name: str) -> str:
        return self._handler(name).what

    def limit(self, in_flight: int, per_second: float | None = None) -> None:
        """Send at most so many requests at once, and so many in a second, from now on."""
        self._opened().pace.limit(min(in_flight, self._connections), per_second)

    def _call(self, request: Request) -> Coroutine[Any, Any, dict[str, Any]]:
        return self._opened().call(request)

    def _connect(self, address: FlowAddress) -> Transport:
        return Transport(address, self._connections, self._retry, self._max_answer_bytes)

    def _opened(self) -> RenewedTransport:
        if self._transport is None:
            raise RuntimeError("FlowClient is not open: use it as `async with FlowClient(address) as flow`.")
        return self._transport

    def _search(self, name: str, query: str) -> Coroutine[Any, Any, dict[str, Any]]:
        handler = self._handler(name)
        if len(query) < LONGEST_QUERY_CHARS:
            return self._call(Request("GET", handler.asking(query), handler.what))
        url = handler.asking(urlencode([params.UNLOGGED]))
        return self._call(Request("POST", url, handler.what, query.encode(), FORM))
