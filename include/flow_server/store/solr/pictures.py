"""The search by picture of a SolrCloud: it ranks candidates, this process compares them.

Nothing is kept here but thumbnails and scores that were computed, which stay right for good.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from include.detector.comparing.orientation import orientations
from include.detector.imaging import DESCRIPTOR_VERSION
from include.flow_server.errors import OutdatedScopeError
from include.flow_server.index.candidates import Candidate
from include.flow_server.index.finder import Finder
from include.flow_server.index.search import Shortlist
from include.flow_server.index.sieve import BESIDE, EFFORTS
from include.flow_server.store.solr import closeness
from include.flow_server.store.solr.documents import CONTENT_HASH, HASHES, VERSION, key_of
from include.flow_server.store.solr.question import OUTDATED, SolrScope, question

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence, Set

    from include.detector.imaging import Descriptor
    from include.flow_server.index.finder import Load
    from include.flow_server.index.options import Hit, SearchOptions
    from include.flow_server.index.scores import Comparers
    from include.flow_server.store.protocol import Scope
    from include.flow_server.store.solr.cores import SolrCollection

AT_ONCE = 16  # questions of one page under way
_SAME_ROOM = 16  # documents with the same pixels that one answer has room for


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

    def sharing(
        self, queries: Sequence[Descriptor], known: Sequence[Collection[int]], allowed: Scope
    ) -> list[dict[int, str]]:
        """No documents: Solr does not look for parts."""
        return [{} for _ in queries]

    def outdated(self, allowed: Scope) -> int:
        scope = _own(allowed).parameters()
        scope["fq"] = (*scope["fq"], *OUTDATED)
        return self._solr.count("*:*", **scope)

    def renewal(self, collection: str) -> str:
        return (
            "To analyse them anew: python -m include.flow_server reanalyze --store solr "
            f"--solr-url {self._solr.client.urls[0]} --collection {collection}"
        )

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
            asked = question(query, limit, scope, self._orientations, approximate=options.approximate)
            found = self._solr.select(rows=rows, **asked)["response"]["docs"]
            if any(one[VERSION] != DESCRIPTOR_VERSION for one in found):
                raise OutdatedScopeError
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


def _own(allowed: Scope) -> SolrScope:
    if not isinstance(allowed, SolrScope):
        raise TypeError(f"a scope of another store: {allowed!r}")
    return allowed
