"""The search by picture of a SolrCloud: it ranks candidates, this process compares them.

An exact search ranks all documents by one function; an approximate one asks the graphs of the vectors.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from include.detector.comparing.closeness import codes
from include.detector.comparing.orientation import orientations
from include.detector.imaging import DESCRIPTOR_VERSION
from include.flow_server.index.candidates import Candidate
from include.flow_server.index.finder import Finder
from include.flow_server.index.search import Shortlist
from include.flow_server.index.sieve import BESIDE, EFFORTS
from include.flow_server.store.solr import closeness
from include.flow_server.store.solr.documents import (
    CONTENT_HASH,
    EMBEDDING,
    HASHES,
    PDQ,
    PDQ_CONTENT,
    VERSION,
    id_of,
    key_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence, Set

    from include.detector.imaging import Descriptor
    from include.flow_server.index.finder import Load
    from include.flow_server.index.options import Hit, SearchOptions
    from include.flow_server.index.scores import Comparers
    from include.flow_server.store.protocol import Scope
    from include.flow_server.store.solr.cores import SolrCollection

AT_ONCE = 16  # questions of one page under way
_SAME_ROOM = 16  # documents with the same pixels that one answer has room for
_TURNED = 8  # neighbours in each other orientation that an approximate search asks for
_FIRST = 1000.0  # what documents with the same pixels score more than all others


@dataclass(frozen=True)
class SolrScope:
    """Implements Scope: filters, which every question takes along."""

    solr: SolrCollection
    filters: tuple[str, ...]
    df: str | None

    def parameters(self) -> dict[str, Any]:
        return {"fq": self.filters, **({"df": self.df} if self.df else {})}

    def among(self, keys: Iterable[int]) -> Set[int]:
        wanted = list(keys)
        if not self.filters or not wanted:
            return set(wanted)
        found = self.solr.by_ids([id_of(key) for key in wanted], ["id"], **self.parameters())
        return {key_of(one["id"]) for one in found}


class SolrPictures:
    """Implements PictureSearch; its scopes are SolrScopes."""

    def __init__(
        self, solr: SolrCollection, load: Load, *, mirror: bool, turn: bool, comparers: Comparers | None
    ) -> None:
        self._solr = solr
        self._orientations = orientations(mirror=mirror, turn=turn)
        self._finder: Finder[Scope] = Finder(self, load, mirror=mirror, turn=turn, comparers=comparers)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="candidates")

    def search_all(
        self, queries: Sequence[Descriptor], options: SearchOptions, allowed: Scope, explain: bool = False
    ) -> list[list[Hit]]:
        return self._finder.search_all(queries, options, allowed, explain)

    def finders(
        self, asked: Sequence[tuple[Descriptor, Set[int]]], options: SearchOptions, allowed: Scope
    ) -> list[Set[int]]:
        return self._finder.finders(asked, options, allowed)

    def shortlists(
        self, queries: Sequence[Descriptor], options: SearchOptions, allowed: Scope, passed: Sequence[int]
    ) -> list[Shortlist]:
        """What stage 1 finds, where so many candidates beyond the same pixels have passed already."""
        ask = partial(self._shortlist, options=options, scope=_own(allowed))
        if len(queries) == 1:
            return [ask(queries[0], passed[0])]
        return list(self._threads.map(ask, queries, passed))

    def outdated(self, allowed: Scope) -> int:
        scope = _own(allowed).parameters()
        scope["fq"] = (*scope["fq"], f"{CONTENT_HASH}:*", f'-{VERSION}:"{DESCRIPTOR_VERSION}"')
        return self._solr.count("*:*", **scope)

    def indexed(self) -> int:
        return self._solr.count(f'{VERSION}:"{DESCRIPTOR_VERSION}"')

    def compared(self) -> int:
        return self._finder.scores.compared

    def memory_bytes(self) -> int:
        return self._finder.scores.nbytes()

    def catch_up(self) -> None:
        """Every search asks Solr anew."""

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _shortlist(
        self, query: Descriptor, passed: int, *, options: SearchOptions, scope: SolrScope
    ) -> Shortlist:
        effort = EFFORTS[options.smartfilter]
        limit = 0 if query.flat else effort.failures + BESIDE + 2 * passed
        rows = limit + _SAME_ROOM
        while True:
            asked = self._question(query, options, limit, scope)
            found = self._solr.select(rows=rows, **asked)["response"]["docs"]
            beside = [one for one in found if one[CONTENT_HASH] != query.content_hash]
            if len(found) < rows or len(beside) > limit:
                break
            rows = 2 * rows + limit
        same = sorted(key_of(one["id"]) for one in found if one[CONTENT_HASH] == query.content_hash)
        if not limit:
            return Shortlist(same, [], is_whole=True, hashes={})
        others = [one for one in beside if HASHES in one]
        close = closeness.read_closeness(
            others, [one[HASHES] for one in others], query, self._orientations, effort.least
        )
        nearest = sorted(
            (
                Candidate(key_of(one["id"]), value)
                for one, value in zip(others, close.tolist(), strict=True)
                if value > effort.least
            ),
            key=lambda one: (-one.closeness, one.key),
        )[:limit]
        hashes = {key_of(one["id"]): str(one[CONTENT_HASH]) for one in others}
        whole = len(found) < rows or len(others) < len(beside) or bool((close <= effort.least).any())
        return Shortlist(same, nearest, whole, hashes)

    def _question(
        self, query: Descriptor, options: SearchOptions, limit: int, scope: SolrScope
    ) -> dict[str, Any]:
        """The documents with the same pixels first, then the closest ones, up to a limit of each kind."""
        asked = {
            **scope.parameters(),
            "fq": (*scope.filters, f"{CONTENT_HASH}:*"),
            "q": "{!bool should=$same should=$near}",
            "same": f'{CONTENT_HASH}:"{query.content_hash}"^={_FIRST}',
            "fl": f"id,{CONTENT_HASH},{HASHES}",
            "sort": "score desc,id asc",
        }
        if not limit:
            return {**asked, "q": asked["same"]}
        asked["fl"] += ",product:$product"
        asked["product"] = closeness.by_embedding(EMBEDDING, query, parts=not options.approximate)
        if options.approximate:
            return asked | self._neighbours(query, limit, scope)
        hashes = closeness.by_hash((PDQ, PDQ_CONTENT), query, self._orientations)
        return asked | {"near": "{!func}" + closeness.ranked_by(["$product", *hashes])}

    def _neighbours(self, query: Descriptor, limit: int, scope: SolrScope) -> dict[str, Any]:
        """Questions to the graphs, of which the documents pass the filters before they count."""
        content = closeness.hash_signs(query.pdq_content)
        turned = closeness.turned_signs(query.pdq_content, self._orientations)
        questions = [
            (EMBEDDING, 2 * limit, codes(query)[0]),
            (PDQ, limit, closeness.hash_signs(query.pdq)),
            (PDQ_CONTENT, limit, content),
            *((PDQ_CONTENT, _TURNED, one) for one in turned),
        ]
        filters = {f"filter{number}": one for number, one in enumerate(scope.filters)}
        before = "".join(f" preFilter=${name}" for name in filters)
        near = {
            f"near{number}": f"{{!knn f={field} topK={most}{before}}}{closeness.vector(one)}"
            for number, (field, most, one) in enumerate(questions)
        }
        clauses = "".join(f" should=${name}" for name in near)
        return {**filters, **near, "q": f"{{!bool should=$same{clauses}}}"}


def _own(allowed: Scope) -> SolrScope:
    if not isinstance(allowed, SolrScope):
        raise TypeError(f"a scope of another store: {allowed!r}")
    return allowed
