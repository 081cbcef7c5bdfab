"""Stage 2 of every search: the candidates of a shortlist are compared, wherever the shortlist comes from."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

from include.detector.comparing.explain import Explanation
from include.detector.imaging.descriptor import check_version
from include.flow_server.index.options import Hit
from include.flow_server.index.scores import Scores
from include.flow_server.index.search import Search, Shortlist
from include.flow_server.index.sieve import EFFORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence, Set

    from include.detector.comparing.keypoints import KeptKeypoints
    from include.detector.imaging.descriptor import Descriptor
    from include.flow_server.index.options import SearchOptions
    from include.flow_server.index.scores import Comparers

CACHE_BYTES = 256 << 20
AT_ONCE = 256  # queries of one batch
SIDE_BY_SIDE = 2  # batches: while one is compared by other processes, the next one finds its candidates
SAME_PIXELS = 1.0
Load: TypeAlias = "Callable[[Sequence[int]], Mapping[int, Descriptor]]"
Allowed_contra = TypeVar("Allowed_contra", contravariant=True)


class Shortlists(Protocol[Allowed_contra]):
    """Stage 1: which documents a search looks at."""

    def shortlists(
        self,
        queries: Sequence[Descriptor],
        options: SearchOptions,
        allowed: Allowed_contra,
        passed: Sequence[int],
    ) -> list[Shortlist]:
        """The shortlist of each query, of which so many candidates beyond the same pixels have passed."""

    def sharing(
        self, queries: Sequence[Descriptor], known: Sequence[Collection[int]], allowed: Allowed_contra
    ) -> Sequence[Mapping[int, str]]:
        """For each query the content hashes of documents that seem to share a part with it, by key.

        The likeliest first, and none that are `known` to it already.
        """


class Finder(Generic[Allowed_contra]):
    """Thread-safe. `allowed` is what the shortlists understand by the documents to search in."""

    def __init__(
        self,
        source: Shortlists[Allowed_contra],
        load: Load,
        *,
        mirror: bool,
        turn: bool,
        cache_bytes: int = CACHE_BYTES,
        comparers: Comparers | None = None,
        kept: KeptKeypoints | None = None,
    ) -> None:
        """`load` returns the descriptors of keys; keys deleted meanwhile may be missing.

        `kept` may have the pictures' keypoints.
        """
        self._source = source
        self.scores = Scores(load, cache_bytes, mirror=mirror, turn=turn, comparers=comparers, kept=kept)

    def search_all(
        self,
        queries: Sequence[Descriptor],
        options: SearchOptions,
        allowed: Allowed_contra,
        explain: bool = False,
    ) -> list[list[Hit]]:
        """For each query the documents that score at least `options.threshold`, best first, ties by key.

        Raises:
            DescriptorVersionError: a query was analyzed by another version.
        """
        for query in queries:
            check_version(query.version)

        batches = [queries[first : first + AT_ONCE] for first in range(0, len(queries), AT_ONCE)]
        verified = partial(self._verified, options=options, allowed=allowed, explain=explain)
        if len(batches) <= 1:
            return [hits for batch in batches for hits in verified(batch)]
        with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="searches") as threads:
            return [hits for found in threads.map(verified, batches) for hits in found]

    def finders(
        self, asked: Sequence[tuple[Descriptor, Set[int]]], options: SearchOptions, allowed: Allowed_contra
    ) -> list[Set[int]]:
        """For each picture, which of the documents beside it a search for the picture finds.

        The documents must be known to score enough against it: then being compared is all that counts.
        """
        effort = EFFORTS[options.smartfilter]
        found: list[Set[int]] = []
        for first in range(0, len(asked), AT_ONCE):
            queries = [query for query, _ in asked[first : first + AT_ONCE]]
            found += [
                {*shortlist.same, *shortlist.worth_comparing((), effort)}
                for shortlist in self._source.shortlists(queries, options, allowed, [0] * len(queries))
            ]
        unseen = [number for number, (_, keys) in enumerate(asked) if not keys <= found[number]]
        hits = self.search_all([asked[number][0] for number in unseen], options, allowed)
        for number, each in zip(unseen, hits, strict=True):
            found[number] = {hit.key for hit in each}
        return [keys & seen for (_, keys), seen in zip(asked, found, strict=True)]

    def _verified(
        self, queries: Sequence[Descriptor], *, options: SearchOptions, allowed: Allowed_contra, explain: bool
    ) -> list[list[Hit]]:
        """The hits of each query, best first. The budget counts candidates that fail: no copy is cut off."""
        effort = EFFORTS[options.smartfilter]
        shortlists = self._source.shortlists(queries, options, allowed, [0] * len(queries))
        searches = [
            Search(query, shortlist, effort, options.threshold)
            for query, shortlist in zip(queries, shortlists, strict=True)
        ]
        self._finish(searches, options, allowed)
        if effort.parts:
            known = [search.known() for search in searches]
            for search, parts in zip(searches, self._source.sharing(queries, known, allowed), strict=True):
                search.look_for(parts)
            self._finish(searches, options, allowed)
        return [self._hits(search, explain=explain) for search in searches]

    def _finish(self, searches: list[Search], options: SearchOptions, allowed: Allowed_contra) -> None:
        """Compare what is wanted. What passes makes way for others, so each round may bring further ones."""
        waiting = searches
        while waiting := [search for search in waiting if search.wanted]:
            asked = [(search.query, search.hashes_of(search.wanted)) for search in waiting]
            scores = self.scores.of(asked)
            for search, found in zip(waiting, scores, strict=True):
                search.take(found)
            cut = [search for search in waiting if search.is_cut]
            if cut:
                passed = [len(search.passed) for search in cut]
                longer = self._source.shortlists([one.query for one in cut], options, allowed, passed)
                for search, shortlist in zip(cut, longer, strict=True):
                    search.extend(shortlist)

    def _hits(self, search: Search, *, explain: bool) -> list[Hit]:
        """What a search found, best first, ties by key."""
        same = [Hit(key, SAME_PIXELS, _same_pixels() if explain else None) for key in search.shortlist.same]
        passed = [Hit(key, score) for key, score in search.passed.items()]
        if explain and passed:
            reasons = self.scores.explained(search.query, search.hashes_of(search.passed))
            passed = [replace(hit, explanation=reasons[hit.key]) for hit in passed if hit.key in reasons]
        return sorted(same + passed, key=lambda hit: (-hit.score, hit.key))


def _same_pixels() -> Explanation:
    return Explanation(
        similarity=1.0,
        same_pixels=True,
        crop=(0.0, 0.0, 1.0, 1.0),
        scale=(1.0, 1.0),
        agreeing=1.0,
        reason="exact: the decoded pixels are equal",
    )
