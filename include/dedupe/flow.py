"""What the engine needs of Flow, as protocols, so that it does not depend on one client."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

Document = Mapping[str, Any]


class Page(Protocol):
    """One page of an answer. ``has_more``: further pages would bring more."""

    @property
    def docs(self) -> Sequence[Document]: ...
    @property
    def num_found(self) -> int: ...
    @property
    def has_more(self) -> bool: ...
    @property
    def next_cursor_mark(self) -> str | None: ...
    @property
    def facets(self) -> Mapping[str, Mapping[str, int]]: ...
    @property
    def facet_queries(self) -> Mapping[str, int]: ...


class Filters(Protocol):
    """Writes filter queries as clauses that can be combined; every value is escaped."""

    def any_of(self, field: str, values: Sequence[str]) -> str: ...
    def none_of(self, field: str, values: Sequence[str]) -> str: ...
    def without(self, field: str) -> str: ...
    def date_range(self, field: str, start: dt.datetime | None, end: dt.datetime | None) -> str:
        """Documents from ``start`` (inclusive) to ``end`` (exclusive); None is open."""


class FlowReader(Protocol):
    """Reads one collection."""

    @property
    def filters(self) -> Filters: ...

    @property
    def failure(self) -> type[Exception]:
        """The family of errors that its calls raise; each has ``retryable: bool``."""

    @property
    def outage(self) -> type[Exception]:
        """Those of the family that say: no answer came."""

    @property
    def denial(self) -> type[Exception]:
        """Those of the family that say: we are not let in."""

    async def select(
        self,
        *,
        fq: Sequence[str] = (),
        fl: Sequence[str] = ("id",),
        rows: int = 0,
        sort: str | None = None,
        facet_queries: Sequence[str] = (),
        facet_fields: Sequence[str] = (),
        facet_limit: int = 100,
    ) -> Page: ...

    def iterate(
        self,
        *,
        fq: Sequence[str],
        fl: Sequence[str],
        page_size: int = 1000,
        cursor_mark: str | None = None,
    ) -> AsyncIterator[Page]:
        """Yield all documents that ``fq`` lets through, by id; behind the page that ``cursor_mark`` ended."""

    async def existing(self, ids: Sequence[str], fl: Sequence[str] = ("id",)) -> Sequence[Document]:
        """Return those documents among ``ids`` that the collection holds."""

    def hits(
        self,
        document_id: str | None = None,
        *,
        url: str | None = None,
        data: bytes | None = None,
        fq: Sequence[str],
        fl: Sequence[str],
        threshold: float,
        approximate: bool,
        smartfilter: str,
        max_hits: int,
    ) -> AsyncIterator[Page]:
        """Yield the documents that look like one picture, best first, without the document itself.

        At ``max_hits`` it ends, and the last page still says ``has_more``.
        """
