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
from include.flow_server.store.keyset import KeySet

if TYPE_CHECKING:
    from include.flow_server.collection import Collection
    from include.flow_server.endpoints.parameters import Parameters
    from include.flow_server.imaging import Descriptor
    from include.flow_server.index import Hit, SearchOptions
    from include.flow_server.store.protocol import Document

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
        self._scanned: KeySet = collection.store.matching(parameters.all("fq"), df)
        self._searched: KeySet = collection.store.matching(parameters.all("search.fq"), df)
        self._hits_of: dict[int, list[Hit]] = {}

    def scanned(self, documents: list[Document]) -> list[dict[str, Any]]:
        """The page with the hits of each document."""
        descriptors = self._collection.descriptors([document.key for document in documents])
        return [self._one(document, descriptors.get(document.key)) for document in documents]

    def _one(self, document: Document, query: Descriptor | None) -> dict[str, Any]:
        if query is None:
            return {"id": document.id, "picture": False, "hits": []}
        others = [hit for hit in self._search(document.key, query) if hit.key != document.key]
        found = self._collection.store.documents([hit.key for hit in others])
        smaller = [hit.key for hit in others if hit.key in found and found[hit.key].id < document.id]
        told_there = self._finders(document.key, smaller)
        told = [hit for hit in others if hit.key in found and hit.key not in told_there]
        return {"id": document.id, "hits": show_hits(told, found, self._fields, self._base)}

    def _finders(self, key: int, others: list[int]) -> set[int]:
        """Those of `others` that are scanned and find the document: they tell the pair."""
        if not self._searched.has(key):
            return set()
        scanned = [other for other in others if self._scanned.has(other)]
        unknown = [other for other in scanned if other not in self._hits_of]
        for other, descriptor in self._collection.descriptors(unknown).items():
            self._search(other, descriptor)
        return {other for other in scanned if any(hit.key == key for hit in self._hits_of.get(other, ()))}

    def _search(self, key: int, query: Descriptor) -> list[Hit]:
        """The hits of a document; each is searched for once a page."""
        if key not in self._hits_of:
            self._hits_of[key] = self._collection.duplicates(
                query, self._options, self._searched, self._explain
            )
        return self._hits_of[key]
