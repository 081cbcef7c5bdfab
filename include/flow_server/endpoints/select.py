"""GET and POST /select: documents by query, sorted, in pages, with facets and stats."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from include.flow_server.endpoints.answers import documents_member, header
from include.flow_server.endpoints.fieldlist import read_field_list
from include.flow_server.errors import BadRequestError
from include.flow_server.query.ordering import parse_sort
from include.flow_server.query.request import SelectRequest

if TYPE_CHECKING:
    from include.flow_server.collection import Collection
    from include.flow_server.endpoints.parameters import Parameters
    from include.flow_server.store.schema import Schema

_AGGREGATES = ("facet", "stats", "f.")
_UNSUPPORTED = (
    "group", "json", "json.facet", "json.query", "facet.pivot", "facet.interval", "facet.heatmap",
    "facet.contains", "facet.matches", "rq", "hl", "mlt", "spellcheck", "elevateIds", "qt",
    "expand", "shards", "NOW", "TZ",
)  # fmt: skip


_OF_ONE_FIELD = re.compile(r"^f\.[^ ]*\.(?=facet\.)")


def select_request(parameters: Parameters, schema: Schema, ids_only: bool, max_rows: int) -> SelectRequest:
    """Checks the parameters of /select. Missing `q` means all documents."""
    refuse_unsupported(parameters)
    rows = parameters.number("rows", 10)
    if rows > max_rows:
        raise BadRequestError(f"rows={rows} is more than the {max_rows} of one page: use cursorMark")
    q = parameters.text("q")
    return SelectRequest(
        q="*:*" if q is None else q,
        fq=parameters.all("fq"),
        df=parameters.text("df"),
        operator=(parameters.text("q.op") or "OR").upper(),
        start=parameters.number("start", 0),
        rows=rows,
        sort=parse_sort(parameters.text("sort") or "", schema),
        cursor=parameters.text("cursorMark"),
        ids_only=ids_only,
        aggregates=parameters.starting(*_AGGREGATES),
    )


def refuse_unsupported(parameters: Parameters) -> None:
    """Refuses what would change the answer and is not there, instead of answering something else."""
    for name in sorted(parameters.names()):
        plain = _OF_ONE_FIELD.sub("", name)
        if plain in _UNSUPPORTED and (parameters.text(name) or "").lower() not in ("", "false"):
            raise BadRequestError(f"parameter '{name}' is not supported")
    parser = parameters.text("defType")
    if parser not in (None, "", "lucene"):
        raise BadRequestError(f"invalid query parser '{parser}': only lucene is supported")


def select(
    collection: Collection, parameters: Parameters, base: str, max_rows: int, started: float
) -> dict[str, Any]:
    """Answers /select without rank.* parameters."""
    fields = read_field_list(parameters.all("fl"), "*")
    request = select_request(parameters, collection.store.schema, fields.ids_only(), max_rows)
    request = replace(request, names=fields.stored())
    selection = collection.store.select(request)
    scores = selection.scores
    best = max(scores.values(), default=1.0) if fields.wants("score") else None
    outputs = collection.outputs(selection.documents) if fields.wants_picture() else {}
    documents = [
        fields.show(document, base, {"score": scores.get(document.key, 1.0), **outputs.get(document.key, {})})
        for document in selection.documents
    ]
    body: dict[str, Any] = {
        "responseHeader": header(started),
        "response": documents_member(selection.found, request.start, documents, best),
    }
    if selection.next_cursor is not None:
        body["nextCursorMark"] = selection.next_cursor
    return body | dict(selection.extra)
