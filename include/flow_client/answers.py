"""Flow's answers, checked and typed. One that cannot be relied upon raises; it never becomes an empty one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from include.flow_client.decoding import by_status, malformed

Document = dict[str, Any]
"""One document as Flow returned it: only the fields asked for, integers (also `_version_`) exact."""

NOTHING: Mapping[str, Any] = MappingProxyType({})
_MOST_GROUPS, _MOST_EXAMPLES, _MOST_SIGNS = 100, 10, 500


class Page(NamedTuple):
    """One page of documents, best or first in sort order first.

    `num_found` is Flow's count for the whole question: in a duplicate search it includes the query document,
    and in approximate mode also hits below the threshold. `received` is how many documents Flow sent, before
    any were taken out here. `has_more` says whether further pages would bring more. `facets` are counts by
    field and value, `facet_queries` by query, `ranges` by field and start of the step, `stats` by field.
    """

    docs: tuple[Document, ...]
    num_found: int
    start: int = 0
    received: int = 0
    has_more: bool = False
    next_cursor_mark: str | None = None
    facets: Mapping[str, Mapping[str, int]] = NOTHING
    facet_queries: Mapping[str, int] = NOTHING
    ranges: Mapping[str, Mapping[str, int]] = NOTHING
    stats: Mapping[str, Mapping[str, Any]] = NOTHING


@dataclass(frozen=True, slots=True)
class JoinedDocument:
    """One scanned document of a self-join with its hits, best first.

    A hit that is scanned too is told with the document of the smaller id only. `has_picture`: whether the
    server could search for it at all.
    """

    id: str
    hits: tuple[Document, ...]
    has_picture: bool


@dataclass(frozen=True, slots=True)
class JoinPage:
    """One page of a self-join; `num_found` counts the scanned documents of all pages."""

    docs: tuple[JoinedDocument, ...]
    num_found: int
    next_cursor_mark: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files without a document: what they are, how many, and a few of them."""

    what: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """What a collection says of itself. `capabilities`: what the server advertises beyond Flow's API.

    `detector`: version of what finds duplicates, empty where the server does not tell. `left_out`: files of
    the folder behind it that have no document, where the server tells.
    """

    name: str
    capabilities: frozenset[str]
    detector: str = ""
    left_out: tuple[LeftOut, ...] = ()


def page(answer: Mapping[str, Any], what: str) -> Page:
    """Read the hits of a search.

    Raises:
        FlowResponseError: `response` is missing or not what a search returns.
    """
    response = answer.get("response")
    if not isinstance(response, dict):
        raise malformed(what, "it has no `response`")
    docs, num_found, start = response.get("docs"), response.get("numFound"), response.get("start", 0)
    if not isinstance(docs, list) or not all(isinstance(doc, dict) for doc in docs):
        raise malformed(what, "`docs` is no list of documents")
    if type(num_found) is not int or type(start) is not int or num_found < 0:
        raise malformed(what, "`numFound` or `start` is no number")
    mark = answer.get("nextCursorMark")
    if mark is not None and not isinstance(mark, str):
        raise malformed(what, "`nextCursorMark` is no text")
    received = len(docs)
    read = Page(tuple(docs), num_found, start, received, start + received < num_found, mark)
    if "facet_counts" in answer:
        read = read._replace(
            facets=_counts(answer, "facet_fields", what),
            facet_queries=_query_counts(answer, what),
            ranges=_counts(answer, "facet_ranges", what),
        )
    if isinstance(answer.get("stats"), dict):
        read = read._replace(stats=answer["stats"].get("stats_fields", {}))
    return read


def hits(answer: Mapping[str, Any], threshold: float, query_id: str | None, what: str) -> Page:
    """Read one page of a duplicate search, without hits below `threshold` and without the query document.

    Raises:
        FlowResponseError: it is not what a duplicate search returns.
    """
    found = page(answer, what)
    if not found.docs:
        return found
    kept = tuple(
        doc for doc in scored(found.docs, what) if doc["score"] >= threshold and doc["id"] != query_id
    )
    if len(kept) == len(found.docs):
        return found
    return found._replace(docs=kept, has_more=found.has_more and found.docs[-1]["score"] >= threshold)


def scored(docs: Sequence[Document], what: str) -> Sequence[Document]:
    """Make sure that each hit has an id, and its score as a float.

    Raises:
        FlowResponseError: a hit has no id or no score between 0 and 1.
    """
    for doc in docs:
        score = doc.get("score")
        is_usable = isinstance(score, int | float) and -0.001 <= score <= 1.001
        if score is None or not is_usable or not isinstance(doc.get("id"), str):
            hit = f"id {doc.get('id')!r}, score {score!r}"
            raise malformed(what, f"a hit has no id or no score from 0 to 1 ({hit})")
        doc["score"] = float(score)
    return docs


def join_page(answer: Mapping[str, Any], threshold: float, what: str) -> JoinPage:
    """Read one page of a self-join, without hits below `threshold` and without a document as its own hit.

    Raises:
        FlowResponseError: it is not what a self-join returns.
    """
    read = page(answer, what)
    if read.next_cursor_mark is None:
        raise malformed(what, "`nextCursorMark` is missing")
    return JoinPage(
        docs=tuple(_joined(doc, threshold, what) for doc in read.docs),
        num_found=read.num_found,
        next_cursor_mark=read.next_cursor_mark,
    )


def _joined(doc: Document, threshold: float, what: str) -> JoinedDocument:
    doc_id, hits = doc.get("id"), doc.get("hits")
    if not isinstance(doc_id, str) or not isinstance(hits, list):
        raise malformed(what, f"a document has no id or no hits (id {doc_id!r})")
    if not all(isinstance(hit, dict) for hit in hits):
        raise malformed(what, f"the hits of {doc_id!r} are no documents")
    kept = tuple(hit for hit in scored(hits, what) if hit["score"] >= threshold and hit["id"] != doc_id)
    return JoinedDocument(doc_id, kept, doc.get("picture") is not False)


def versions(answer: Mapping[str, Any], what: str) -> dict[str, int]:
    """The versions that an update gave its documents, by id; empty where the server does not tell."""
    adds = answer.get("adds") or {}
    pairs = list(adds.items()) if isinstance(adds, dict) else _in_twos(adds, what)
    if not all(isinstance(doc_id, str) and type(version) is int for doc_id, version in pairs):
        raise malformed(what, "`adds` holds something else than ids and versions")
    return dict(pairs)


def info(answer: Mapping[str, Any], collection: str, what: str) -> CollectionInfo:
    """Read what a collection says of itself.

    Solr answers 200 with an empty status for a core that does not exist: here it is the 404 that Flow gives.
    """
    status = answer.get("status")
    if isinstance(status, dict) and not status.get(collection, True):
        raise by_status(404, "no such collection", what)
    advertised = answer.get("capabilities", [])
    if not isinstance(advertised, list | dict):
        raise malformed(what, "`capabilities` is no list")
    return CollectionInfo(
        name=collection,
        capabilities=frozenset(map(str, advertised)),
        detector=str(answer.get("detector_version") or ""),
        left_out=_left_out(answer.get("left_out") or [], what),
    )


def _left_out(told: Any, what: str) -> tuple[LeftOut, ...]:
    try:
        return tuple(
            LeftOut(str(one["what"])[:_MOST_SIGNS], int(one["count"]), _examples(one["examples"]))
            for one in told[:_MOST_GROUPS]
        )
    except (LookupError, TypeError, ValueError) as error:
        raise malformed(what, "`left_out` cannot be read") from error


def _examples(paths: Sequence[Any]) -> tuple[str, ...]:
    return tuple(str(path)[:_MOST_SIGNS] for path in paths[:_MOST_EXAMPLES])


def _counts(answer: Mapping[str, Any], kind: str, what: str) -> dict[str, dict[str, int]]:
    try:
        found = answer["facet_counts"].get(kind, {})
        lists = {name: facet["counts"] if isinstance(facet, dict) else facet for name, facet in found.items()}
        return {name: dict(_in_twos(flat, what)) for name, flat in lists.items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise malformed(what, f"`{kind}` cannot be read") from error


def _in_twos(flat: Any, what: str) -> list[tuple[Any, Any]]:
    """Solr writes a map as a list in which names and values take turns."""
    if not isinstance(flat, list) or len(flat) % 2:
        raise malformed(what, "a list of names and values is incomplete")
    return list(zip(flat[::2], flat[1::2], strict=True))


def _query_counts(answer: Mapping[str, Any], what: str) -> dict[str, int]:
    counts = answer["facet_counts"].get("facet_queries", {})
    if not isinstance(counts, dict) or not all(type(count) is int for count in counts.values()):
        raise malformed(what, "`facet_queries` cannot be read")
    return counts
