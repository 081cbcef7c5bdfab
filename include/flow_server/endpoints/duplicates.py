"""/duplicates, our own: the collection against itself, page by page, each pair once, without state here.

`fq` says which documents are scanned (by id; cursorMark goes on), `search.fq` against which. A hit is told
with the document of the smaller id, unless that one is not scanned or does not find the other: of a picture
and a part of it, sometimes only one finds the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.flow_server.endpoints.answers import header
from include.flow_server.endpoints.duplicate import DEFAULT_THRESHOLD, search_options, show_hits
from include.flow_server.endpoints.fieldlist import FieldList, read_field_list
from include.flow_server.endpoints.select import refuse_unsupported
from include.flow_server.errors import BadRequestError
from include.flow_server.query.request import SelectRequest, SortKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set

    from include.detector.imaging import Descriptor
    from include.flow_server.collection import Collection
    from include.flow_server.endpoints.parameters import Parameters
    from include.flow_server.index import Hit, SearchOptions
    from include.flow_server.store.protocol import Document, Scope

MOST_ROWS = 1000


def duplicates(collection: Collection, parameters: Parameters, base: str, started: float) -> dict[str, Any]:
    """Answers one page: `{"id", "hits": [{"id", "score", …}]}` for each scanned document.

    A document without a picture is told with `"picture": false`, not to be taken for one without hits.
    """
    refuse_unsupported(parameters)
    rows = parameters.number("rows", 100)
    if rows > MOST_ROWS:
        raise BadRequestError(f"rows={rows} is more than the {MOST_ROWS} documents of one page")
    request = SelectRequest(
        fq=parameters.all("fq"),
        df=parameters.text("df"),
        rows=rows,
        sort=(SortKey("id"),),
        cursor=parameters.text("cursorMark") or "*",
        ids_only=True,
    )
    page = collection.store.select(request)
    join = _Join(collection, parameters, base)
    return {
        "responseHeader": header(started),
        "response": {
            "numFound": page.found,
            "start": 0,
            "numFoundExact": True,
            "docs": join.scanned(page.documents),
        },
        "nextCursorMark": page.next_cursor,
    }


class _Join:
    """What all documents of a page share: the options, the scanned set and the searched set."""

    def __init__(self, collection: Collection, parameters: Parameters, base: str) -> None:
        df = parameters.text("df")
        self._collection = collection
        self._base = base
        self._options: SearchOptions = search_options(parameters, DEFAULT_THRESHOLD)
        self._fields: FieldList = read_field_list(parameters.all("fl"), "id,score")
        self._explain = self._fields.wants("explain")
        self._scanned: Scope = collection.store.matching(parameters.all("fq"), df)
        self._searched: Scope = collection.store.matching(parameters.all("search.fq"), df)

    def scanned(self, documents: list[Document]) -> list[dict[str, Any]]:
        """The page with the hits of each document."""
        queries = self._collection.descriptors([document.key for document in documents])
        found = self._collection.all_duplicates(
            list(queries.values()), self._options, self._searched, self._explain
        )
        hits = dict(zip(queries, found, strict=True))
        keys = {hit.key for each in found for hit in each}
        others = self._collection.store.documents(sorted(keys), self._fields.stored())
        told = self._told_by_smaller(documents, queries, hits, others)
        return [
            self._show(document, hits.get(document.key), told[document.key], others) for document in documents
        ]

    def _show(
        self,
        document: Document,
        hits: list[Hit] | None,
        told_elsewhere: Set[int],
        others: Mapping[int, Document],
    ) -> dict[str, Any]:
        if hits is None:
            return {"id": document.id, "picture": False, "hits": []}
        told = [hit for hit in hits if hit.key != document.key and hit.key not in told_elsewhere]
        return {"id": document.id, "hits": show_hits(told, others, self._fields, self._base)}

    def _told_by_smaller(
        self,
        documents: list[Document],
        queries: Mapping[int, Descriptor],
        hits: Mapping[int, list[Hit]],
        others: Mapping[int, Document],
    ) -> dict[int, set[int]]:
        """For each document, those of its hits that are scanned, have a smaller id and find the document."""
        told: dict[int, set[int]] = {document.key: set() for document in documents}
        asked: dict[int, set[int]] = {}
        searched = self._searched.among(document.key for document in documents)
        scanned = self._scanned.among(others)
        for document in documents:
            if document.key not in searched:
                continue
            for hit in hits.get(document.key, ()):
                other = others.get(hit.key)
                if other is not None and other.id < document.id and hit.key in scanned:
                    asked.setdefault(hit.key, set()).add(document.key)
        for other_key, seen in self._finders(asked, queries, hits):
            for key in seen:
                told[key].add(other_key)
        return told

    def _finders(
        self, asked: Mapping[int, set[int]], queries: Mapping[int, Descriptor], hits: Mapping[int, list[Hit]]
    ) -> Iterator[tuple[int, Set[int]]]:
        """For each document asked about, which of those beside it a search for it finds."""
        for key in asked.keys() & hits.keys():
            yield key, asked[key] & {hit.key for hit in hits[key]}
        elsewhere = self._collection.descriptors(sorted(asked.keys() - queries.keys()))
        pairs = [(descriptor, asked[key]) for key, descriptor in elsewhere.items()]
        yield from zip(elsewhere, self._collection.finders(pairs, self._options, self._searched), strict=True)
