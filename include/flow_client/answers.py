"""Flow's answers, checked and typed. One that cannot be relied upon raises; it never becomes an empty one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from include.flow_client.errors import (
    FlowAuthError,
    FlowError,
    FlowRequestError,
    FlowResponseError,
    FlowUnavailableError,
)

Document = dict[str, Any]
"""One document as Flow returned it: only the fields asked for, integers (also `_version_`) exact."""

MESSAGE_CHARS = 600


@dataclass(frozen=True, slots=True)
class Page:
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
    max_score: float | None = None
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    facet_queries: Mapping[str, int] = field(default_factory=dict)
    ranges: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    stats: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


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
class CollectionInfo:
    """What a collection says of itself. `capabilities`: what the server advertises beyond Flow's API.

    `detector`: version of what finds duplicates, empty where the server does not tell.
    """

    name: str
    capabilities: frozenset[str]
    detector: str = ""


def decode(status: int, body: bytes, what: str) -> dict[str, Any]:
    """The JSON object of an answer that Flow itself calls a success.

    Args:
        status: the HTTP status.
        body: the whole body.
        what: the call and the collection, for error messages.

    Raises:
        FlowError: the kind that fits the status; FlowResponseError for anything that is not Flow's JSON.
    """
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if status != 200 or not isinstance(answer, dict) or "error" in answer:
        raise refused(status, body, answer, what)
    header = answer.get("responseHeader")
    if not isinstance(header, dict):
        if header is not None:
            raise malformed(what, "responseHeader is no object")
        return answer
    if header.get("status", 0) != 0:
        raise refused(status, body, answer, what)
    if header.get("partialResults"):
        raise FlowResponseError(
            f"{what}: the answer is marked partialResults, some hits are missing. Ask again later."
        )
    return answer


def refused(status: int, body: bytes, answer: Any, what: str) -> FlowError:
    """The error for an answer that is no success."""
    error = answer.get("error") if isinstance(answer, dict) else None
    told = error.get("msg") or error.get("trace") if isinstance(error, dict) else error
    flow_message = _clipped(str(told)) if told else ""
    if status == 200:
        code = error.get("code") if isinstance(error, dict) else None
        if error is None and not (isinstance(answer, dict) and "responseHeader" in answer):
            start = _clipped(body[:80].decode("utf-8", "replace"))
            return FlowResponseError(
                f"{what}: the answer is not JSON of Flow (it begins {start!r}). Is a proxy in between?"
            )
        status = code if isinstance(code, int) and code >= 400 else 500
    return by_status(status, flow_message, what)


def by_status(status: int, flow_message: str, what: str) -> FlowError:
    """The error for an HTTP status and what Flow said with it."""
    said = f": {flow_message}" if flow_message else ""
    if status in {401, 403, 407}:
        return FlowAuthError(f"{what}: not let in (HTTP {status}){said}. Check login, token and rights.")
    if status in {429, 502, 503, 504}:
        return FlowUnavailableError(
            f"{what}: not available (HTTP {status}){said}. Try again later.",
            status=status,
            timed_out=status == 504,
        )
    if status == 404:
        hint = "Check the URL and the name of the collection, and that it has this handler."
    elif 300 <= status < 400:
        hint = "Redirects are not followed: give the address that it leads to."
    elif status == 409:
        hint = "The document is no longer as it was read: read it again."
    elif status in {413, 414, 431}:
        hint = "The request is too large for the server or a proxy: send less at once."
    else:
        hint = "The request would fail again: correct it."
    return FlowRequestError(
        f"{what}: refused (HTTP {status}){said}. {hint}", status=status, flow_message=flow_message
    )


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
    max_score = response.get("maxScore")
    return Page(
        docs=tuple(docs),
        num_found=num_found,
        start=start,
        received=len(docs),
        has_more=start + len(docs) < num_found,
        next_cursor_mark=mark,
        max_score=float(max_score) if isinstance(max_score, int | float) else None,
        facets=_counts(answer, "facet_fields", what) if "facet_counts" in answer else {},
        facet_queries=_query_counts(answer, what) if "facet_counts" in answer else {},
        ranges=_counts(answer, "facet_ranges", what) if "facet_counts" in answer else {},
        stats=answer["stats"].get("stats_fields", {}) if isinstance(answer.get("stats"), dict) else {},
    )


def scored(docs: tuple[Document, ...], what: str) -> list[tuple[float, Document]]:
    """Pair each hit with its score as a float, and put that into the document.

    Raises:
        FlowResponseError: a hit has no id or no score between 0 and 1.
    """
    hits = []
    for doc in docs:
        score = doc.get("score")
        is_usable = isinstance(score, int | float) and -0.001 <= score <= 1.001
        if score is None or not is_usable or not isinstance(doc.get("id"), str):
            hit = f"id {doc.get('id')!r}, score {score!r}"
            raise malformed(what, f"a hit has no id or no score from 0 to 1 ({hit})")
        doc["score"] = score = float(score)
        hits.append((score, doc))
    return hits


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
    kept = tuple(
        hit for score, hit in scored(tuple(hits), what) if score >= threshold and hit["id"] != doc_id
    )
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
        detector=str(answer.get("descriptor_version") or ""),
    )


def malformed(what: str, why: str) -> FlowResponseError:
    """The error for JSON that is not what Flow returns for this call."""
    return FlowResponseError(
        f"{what}: the answer is malformed, {why}. Check that the address is that of a Flow."
    )


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


def _clipped(text: str) -> str:
    return text if len(text) <= MESSAGE_CHARS else f"{text[:MESSAGE_CHARS]}… ({len(text)} characters)"
