"""/duplicate, and /select with rank.* parameters: documents that show the same picture, best first."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from include.flow_server.analysis import preprocessed
from include.flow_server.endpoints.answers import Wanted, documents_member, header
from include.flow_server.endpoints.fieldlist import FieldList, read_field_list
from include.flow_server.endpoints.select import refuse_unsupported
from include.flow_server.errors import BadRequestError
from include.flow_server.index import SearchOptions
from include.flow_server.pictures import host_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from include.detector.imaging import Descriptor
    from include.flow_server.analysis import Analyser
    from include.flow_server.collection import Collection
    from include.flow_server.endpoints.parameters import Parameters
    from include.flow_server.index import Hit
    from include.flow_server.pictures import OwnFile
    from include.flow_server.store.protocol import Document

_SOURCES = ("rank.by.id", "rank.by.url", "rank.by.data", "rank.by.preprocessed")
_LEVELS = ("off", "low", "medium", "high", "extreme")
DEFAULT_THRESHOLD = 0.7
_THRESHOLDS = {"duplicate": DEFAULT_THRESHOLD, "content": 0.0}


def search_options(parameters: Parameters, threshold: float) -> SearchOptions:
    """rank.approximate, rank.smartfilter and rank.threshold, whose default is `threshold`."""
    level = (parameters.text("rank.smartfilter") or "off").lower()
    if level not in _LEVELS:
        raise BadRequestError(f"rank.smartfilter must be one of {', '.join(_LEVELS)}, not {level}")
    return SearchOptions(
        threshold=parameters.fraction("rank.threshold", threshold),
        approximate=parameters.flag("rank.approximate"),
        smartfilter=level,
    )


def duplicate(
    collection: Collection,
    analyser: Analyser,
    own: OwnFile,
    parameters: Parameters,
    *,
    mode: str,
    base: str,
    started: float,
) -> dict[str, Any] | Wanted:
    """Answers a search by picture; `mode` is the handler's default of rank.mode.

    `own` is the file behind an address of this server. Both modes compare the same descriptors here; they
    differ in the default threshold only.
    """
    refuse_unsupported(parameters)
    mode = parameters.text("rank.mode") or mode
    if mode not in _THRESHOLDS:
        raise BadRequestError(f"rank.mode={mode} is not supported, only {' and '.join(_THRESHOLDS)} are")
    fields = read_field_list(parameters.all("fl"), "*,score")
    filters = parameters.all("fq")
    q = parameters.text("q")
    allowed = collection.store.matching((*((q,) if q else ()), *filters), parameters.text("df"))
    options = search_options(parameters, _THRESHOLDS[mode])
    start, rows = parameters.number("start", 0), parameters.number("rows", 10)

    def answer(query: Descriptor | None) -> dict[str, Any]:
        hits = collection.duplicates(query, options, allowed, fields.wants("explain")) if query else []
        page = hits[start : start + rows]
        found = collection.store.documents([hit.key for hit in page], fields.stored())
        documents = show_hits(page, found, fields, base)
        best = hits[0].score if hits else 0.0
        return {
            "responseHeader": header(started),
            "response": documents_member(len(hits), start, documents, best),
        }

    return _answered(collection, analyser, own, parameters, answer)


def _answered(
    collection: Collection,
    analyser: Analyser,
    own: OwnFile,
    parameters: Parameters,
    answer: Callable[[Descriptor | None], dict[str, Any]],
) -> dict[str, Any] | Wanted:
    """`answer` for the picture that is searched with, or what has to be analysed first."""
    source, value = _source(parameters)
    if source == "rank.by.url":
        allow_hosts = collection.allow_hosts
        return Wanted(
            host_of(value), lambda: analyser.of_image(value, own(value), allow_hosts).descriptor, answer
        )
    if source == "rank.by.data":
        return Wanted("", lambda: analyser.of_base64(value).descriptor, answer)
    if source == "rank.by.preprocessed":
        return answer(preprocessed(value))
    key = collection.store.key_of(value)
    return answer(None if key is None else collection.descriptor(key))


def show_hits(
    hits: list[Hit], documents: Mapping[int, Document], fields: FieldList, base: str
) -> list[dict[str, Any]]:
    """The documents of hits, each with its score; one deleted meanwhile is left out."""
    return [
        fields.show(documents[hit.key], base, {"score": hit.score, **_explained(hit)})
        for hit in hits
        if hit.key in documents
    ]


def _explained(hit: Hit) -> dict[str, Any]:
    return {"explain": dataclasses.asdict(hit.explanation)} if hit.explanation is not None else {}


def _source(parameters: Parameters) -> tuple[str, str]:
    given = [(name, value) for name in _SOURCES if (value := parameters.text(name))]
    if len(given) != 1:
        told = f"not {' and '.join(name for name, _ in given)}" if given else "none was given"
        raise BadRequestError(f"exactly one of {', '.join(_SOURCES)} is needed: {told}")
    return given[0]
