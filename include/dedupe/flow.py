"""What the engine needs of Flow, as protocols, so that it does not depend on one client."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

Document = Mapping[str, Any]
MARKER = "flow-dedupe-writer"
"""The id of the document that says which storage may write to the collection. No reader shows it."""
CONTENT = "_content_"
"""Under this name a document tells its picture's content, where Flow can: equal texts are equal pictures."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files of the folder behind a collection that have no document: what, how many, and a few of them."""

    what: str
    count: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where Flow is, and what lets us in there: for pictures that it serves itself, and for no other host.

    ``root``: its URL, empty where nobody tells it. ``tls``: what is checked of it, and presented to it.
    """

    root: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """Host, and port if it is named: only where it serves pictures may it be asked."""
        return urlsplit(self.root).netloc.rpartition("@")[2]

    def is_of(self, address: str) -> bool:
        """Whether an address is one of Flow's: of that scheme, host and port."""
        try:
            return bool(self.root) and _server(address) == _server(self.root)
        except ValueError:
            return False


def _server(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


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


class JoinedDocument(Protocol):
    """A scanned document with its hits, best first; each pair of scanned documents is told once."""

    @property
    def id(self) -> str: ...
    @property
    def hits(self) -> Sequence[Document]: ...
    @property
    def has_picture(self) -> bool: ...


class JoinPage(Protocol):
    @property
    def docs(self) -> Sequence[JoinedDocument]: ...
    @property
    def num_found(self) -> int: ...
    @property
    def next_cursor_mark(self) -> str: ...


class Filters(Protocol):
    """Writes filter queries as clauses that can be combined; every value is escaped."""

    def any_of(self, field: str, values: Sequence[str]) -> str: ...
    def none_of(self, field: str, values: Sequence[str]) -> str: ...
    def with_any(self, field: str) -> str: ...
    def beginning(self, field: str, text: str) -> str:
        """Documents whose value of a field of strings begins with ``text``."""

    def without(self, field: str) -> str: ...
    def but_not(self, clause: str) -> str:
        """All documents but those of ``clause``; ``ValueError`` if it cannot be part of a larger one."""

    def date_range(self, field: str, start: dt.datetime | None, end: dt.datetime | None) -> str:
        """Documents from ``start`` (inclusive) to ``end`` (exclusive); None is open."""


class FlowReader(Protocol):
    """Reads one collection."""

    @property
    def filters(self) -> Filters: ...

    @property
    def can_join(self) -> bool:
        """Whether ``join`` is there."""

    @property
    def origin(self) -> Origin:
        """Where Flow itself is, and what lets us in."""

    @property
    def detector(self) -> str:
        """Version of what finds duplicates, empty where the server does not tell."""

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What the collection's folder holds beside its documents; empty where the server does not tell."""

    @property
    def content(self) -> tuple[str, ...]:
        """What to add to ``fl`` so that a document tells its picture's content, under the name CONTENT.

        Empty where Flow does not tell it.
        """

    def limit(self, in_flight: int, per_second: float | None) -> None:
        """Send at most so many requests at once, and so many in a second, from now on."""

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

    async def existing(
        self, ids: Sequence[str], fl: Sequence[str] = ("id",), fq: Sequence[str] = ()
    ) -> Sequence[Document]:
        """Return those documents among ``ids`` that the collection holds and ``fq`` lets through."""

    async def hits(
        self,
        document_id: str | None = None,
        *,
        url: str | None = None,
        data: bytes | None = None,
        analysis: Mapping[str, Any] | None = None,
        fq: Sequence[str],
        fl: Sequence[str],
        threshold: float,
        approximate: bool,
        smartfilter: str,
        max_hits: int,
    ) -> Page:
        """Return all documents that look like one picture, best first, without the document itself.

        The picture is a document's, at a URL, given as bytes, or as ``analyze`` has described it.
        At ``max_hits`` it ends, and the page still says ``has_more``.
        """

    async def own_score(self, document_id: str) -> float | None:
        """Return the score with which a document finds itself; None if it does not."""

    async def join(
        self,
        *,
        fq: Sequence[str],
        search_fq: Sequence[str],
        fl: Sequence[str],
        threshold: float,
        approximate: bool,
        smartfilter: str,
        rows: int,
        cursor_mark: str | None,
    ) -> JoinPage:
        """Return one page of the documents of ``fq``, by id, with their duplicates among ``search_fq``."""
