"""The one place where the engine meets the Flow client.

A Flow's address comes from an Airflow connection. In a shell it is read from the environment, in the form in
which Airflow itself takes it: ``AIRFLOW_CONN_<ID>`` as a URI or as JSON; where that is not set, the Airflow
that is installed is asked.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar, cast

from include.dedupe.airflow_connection import variable_of
from include.dedupe.errors import ConfigError, DedupeError
from include.dedupe.flow import (
    CONTENT,
    MARKER,
    Document,
    Filters,
    FlowReader,
    JoinPage,
    LeftOut,
    Origin,
    Page,
)
from include.flow_client import (
    CollectionInfo,
    FlowAddress,
    FlowAddressError,
    FlowAuthError,
    FlowClient,
    FlowError,
    FlowUnavailableError,
    Query,
    SmartFilter,
    query,
)

NOT_THE_MARKER = query.negate(query.match("id", MARKER))
DOCUMENTS_A_REQUEST = 1000
PICTURE_HASH = "picture_hash"
"""A field of servers that advertise it: two documents have the same if their pictures are the same."""
Answer = TypeVar("Answer")


class QueryFilters:
    """Filters in the Lucene syntax of Flow."""

    def any_of(self, field: str, values: Sequence[str]) -> str:
        return "(" + " OR ".join(query.match(field, value) for value in values) + ")"

    def none_of(self, field: str, values: Sequence[str]) -> str:
        return query.negate(self.any_of(field, values)) if values else "*:*"

    def with_any(self, field: str) -> str:
        return query.exists(field)

    def beginning(self, field: str, text: str) -> str:
        return query.beginning(field, text)

    def but_not(self, clause: str) -> str:
        is_whole = clause.lstrip().startswith("{!")  # refused: it cannot stand inside another query
        return query.negate(clause if is_whole else f"({clause})")

    def without(self, field: str) -> str:
        return query.negate(query.exists(field))

    def date_range(self, field: str, start: dt.datetime | None, end: dt.datetime | None) -> str:
        return query.between(field, start, end)


class ClientReader:
    """A Flow client in the engine's words."""

    def __init__(self, client: FlowClient, info: CollectionInfo | None = None) -> None:
        self._client = client
        self.origin = origin_of(client.address)
        self.can_join = info is not None and "duplicates" in info.capabilities
        self.detector = info.detector if info else ""
        told = info.left_out if info else ()
        self.left_out = tuple(LeftOut(one.what, one.count, one.examples) for one in told)
        tells = info is not None and PICTURE_HASH in info.capabilities
        self.content: tuple[str, ...] = (f"{CONTENT}:{PICTURE_HASH}",) if tells else ()
        self.filters: Filters = QueryFilters()
        self.failure: type[Exception] = FlowError
        self.outage: type[Exception] = FlowUnavailableError
        self.denial: type[Exception] = FlowAuthError

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
    ) -> Page:
        return await self._client.select(
            Query(
                fq=(*fq, NOT_THE_MARKER),
                fl=fl,
                rows=rows,
                sort=sort,
                facet_queries=facet_queries,
                facet_fields=facet_fields,
                facet_limit=facet_limit,
            )
        )

    def iterate(
        self,
        *,
        fq: Sequence[str],
        fl: Sequence[str],
        page_size: int = 1000,
        cursor_mark: str | None = None,
    ) -> AsyncIterator[Page]:
        return self._client.iterate(
            fq=(*fq, NOT_THE_MARKER), fl=fl, page_size=page_size, cursor_mark=cursor_mark
        )

    async def existing(
        self, ids: Sequence[str], fl: Sequence[str] = ("id",), fq: Sequence[str] = ()
    ) -> Sequence[Document]:
        found: list[Document] = []
        for first in range(0, len(ids), DOCUMENTS_A_REQUEST):
            batch = ids[first : first + DOCUMENTS_A_REQUEST]
            page = await self._client.select(
                Query(fq=[query.terms("id", batch), *fq], fl=fl, rows=len(batch))
            )
            found.extend(page.docs)
        return found

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
        return await self._client.all_duplicates_of(
            document_id,
            **_picture(url=url, data=data, preprocessed=analysis),
            fq=fq,
            fl=fl,
            threshold=threshold,
            approximate=approximate,
            smartfilter=cast("SmartFilter", smartfilter),
            max_hits=max_hits,
        )

    async def own_score(self, document_id: str) -> float | None:
        return await self._client.own_score(document_id)

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
        return await self._client.join(
            fq=(*fq, NOT_THE_MARKER),
            search_fq=search_fq,
            fl=fl,
            threshold=threshold,
            approximate=approximate,
            smartfilter=cast("SmartFilter", smartfilter),
            rows=rows,
            cursor_mark=cursor_mark,
        )

    def limit(self, in_flight: int, per_second: float | None) -> None:
        self._client.limit(in_flight, per_second)


def _picture(**given: Any) -> dict[str, Any]:
    return {name: value for name, value in given.items() if value is not None}


@asynccontextmanager
async def open_flow(
    address: FlowAddress, in_flight: int, renew: Callable[[], FlowAddress] | None = None
) -> AsyncIterator[FlowReader]:
    """Open a collection for reading, after making sure that it is there.

    ``renew`` reads the address again when Flow refuses the login.
    """
    async with FlowClient(address, connections=in_flight, renew=renew) as client:
        yield ClientReader(client, await client.ping())


def ask_flow(address: FlowAddress, question: Callable[[FlowReader], Coroutine[Any, Any, Answer]]) -> Answer:
    """Open a collection, ask one question, and close it; for code that is not asynchronous itself.

    Raises:
        DedupeError: Flow cannot be asked, or refuses.
    """

    async def ask() -> Answer:
        async with open_flow(address, in_flight=1) as flow:
            return await question(flow)

    try:
        return asyncio.run(ask())
    except FlowError as error:
        raise DedupeError(f"Flow cannot be asked: {error}") from error


def origin_of(address: FlowAddress) -> Origin:
    """Return what tells addresses of Flow's own host from others, and lets us in there.

    Raises:
        FlowAddressError: a file of the connection's certificates cannot be used.
    """
    login = address.authorization()
    is_secured = address.root.startswith("https:")
    return Origin(
        address.root, {"Authorization": login} if login else {}, address.tls() if is_secured else None
    )


def address_from_environment(connection: str, collection: str) -> FlowAddress:
    """Return the address of a collection that ``AIRFLOW_CONN_<CONNECTION>`` holds.

    Raises:
        ConfigError: the variable is not set or does not hold an HTTP connection.
    """
    name = variable_of(connection)
    text = os.environ.get(name)
    if not text:
        raise ConfigError(
            f"Where is Flow? Set {name}, for example to http://localhost:8983, or give its address."
        )
    try:
        if text.lstrip().startswith("{"):
            return address_from_connection(json.loads(text), collection)
        return FlowAddress.parse(text, collection)
    except (FlowAddressError, ValueError) as error:
        raise ConfigError(f"{name} does not lead to a Flow: {error}") from error


def address_from_connection(connection: Mapping[str, Any], collection: str) -> FlowAddress:
    """Return the address that an Airflow connection's fields give.

    ``host`` may be a whole URL, also with a path in front of Flow's. ``extra`` may hold ``token``,
    ``verify`` (false, or a CA file), ``cert`` (a PEM file, or a list of certificate and key), ``proxy``
    and ``timeout`` (seconds).
    """
    extra = connection.get("extra") or {}
    extra = json.loads(extra) if isinstance(extra, str) else extra
    host = str(connection.get("host") or "localhost")
    if "://" not in host:
        host = f"{connection.get('schema') or 'http'}://{host}"
    scheme, rest = host.split("://", 1)
    authority, slash, path = rest.partition("/")
    if connection.get("port") and ":" not in authority.rpartition("]")[2]:
        authority = f"{authority}:{connection['port']}"
    verify, cert = extra.get("verify", True), extra.get("cert")
    certificate, key = cert if isinstance(cert, list | tuple) else (cert, None)
    return FlowAddress(
        root=f"{scheme}://{authority}{slash}{path}",
        collection=collection,
        login=connection.get("login") or None,
        password=connection.get("password") or None,
        token=extra.get("token"),
        verify_tls=verify not in (False, "false", "False"),
        ca_file=verify if isinstance(verify, str) and verify.lower() not in ("true", "false") else None,
        client_cert_file=certificate,
        client_key_file=key,
        proxy=extra.get("proxy"),
        timeout_s=float(extra.get("timeout", 30)),
    )
