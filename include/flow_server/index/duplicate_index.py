"""The duplicate index: all documents of a collection, asked for the duplicates of one picture.

Candidates come from hashes held in memory; each candidate is verified on thumbnails, which are loaded by
key when needed and kept prepared in a bounded cache.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from include.detector.comparing.explain import Explanation
from include.detector.comparing.orientation import orientations
from include.detector.imaging.descriptor import check_version
from include.flow_server.index.candidates import Candidates
from include.flow_server.index.options import Hit
from include.flow_server.index.scores import Scores
from include.flow_server.index.search import Search, Shortlist
from include.flow_server.index.sieve import BESIDE, EFFORTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence, Set

    from numpy.typing import NDArray

    from include.detector.comparing.keypoints import KeptKeypoints
    from include.detector.imaging.descriptor import Descriptor
    from include.flow_server.index.options import SearchOptions
    from include.flow_server.index.scores import Comparers

CACHE_BYTES = 256 << 20
AT_ONCE = 128  # queries of one batch, during which the index is locked
SAME_PIXELS = 1.0


class DuplicateIndex:
    """Thread-safe index over `Descriptor`s; keys are the store's row ids."""

    def __init__(
        self,
        load: Callable[[Sequence[int]], Mapping[int, Descriptor]],
        *,
        mirror: bool = True,
        turn: bool = True,
        cache_bytes: int = CACHE_BYTES,
        comparers: Comparers | None = None,
        kept: KeptKeypoints | None = None,
    ) -> None:
        """Make an empty index.

        Args:
            load: returns the descriptors of known keys; keys deleted meanwhile may be missing.
            mirror: whether mirrored copies count as duplicates.
            turn: whether copies turned by quarter turns do.
            cache_bytes: most memory for prepared thumbnails.
            comparers: processes that compare many pairs; None means that this one does.
            kept: keypoints that were found before.
        """
        self._lock = threading.RLock()
        self._candidates = Candidates(orientations(mirror=mirror, turn=turn))
        self._content_hashes: dict[int, str] = {}
        self._keys_of: dict[str, set[int]] = {}
        self._scores = Scores(load, cache_bytes, mirror=mirror, turn=turn, comparers=comparers, kept=kept)

    def __len__(self) -> int:
        return len(self._content_hashes)

    def memory_bytes(self) -> int:
        """Bytes held: embeddings and hashes, content hashes and cached thumbnails."""
        with self._lock:
            return self._candidates.nbytes() + 300 * len(self._content_hashes) + self._scores.nbytes()

    def add(self, items: Iterable[tuple[int, Descriptor]]) -> None:
        """Take in documents; a key that is known already is replaced.

        Raises:
            DescriptorVersionError: a descriptor of another version of the analysis.
        """
        added = dict(items)
        for descriptor in added.values():
            check_version(descriptor.version)
        with self._lock:
            self.remove(added)
            for key, descriptor in added.items():
                self._content_hashes[key] = descriptor.content_hash
                self._keys_of.setdefault(descriptor.content_hash, set()).add(key)
            self._candidates.add([(key, found) for key, found in added.items() if not found.flat])

    def remove(self, keys: Iterable[int]) -> None:
        """Forget documents; unknown keys are ignored."""
        with self._lock:
            known = [key for key in keys if key in self._content_hashes]
            if not known:
                return
            self._candidates.remove(known)
            for key in known:
                content_hash = self._content_hashes.pop(key)
                self._keys_of[content_hash].discard(key)
                if not self._keys_of[content_hash]:
                    del self._keys_of[content_hash]

    def holds(self, content_hash: str) -> bool:
        """Whether any document has this picture."""
        return content_hash in self._keys_of

    def forget_scores(self) -> None:
        """Verify every pair anew from now on, as a measurement needs."""
        self._scores.forget()

    @property
    def compared(self) -> int:
        """Candidates compared in full since the start."""
        return self._scores.compared

    def search(
        self,
        query: Descriptor,
        options: SearchOptions,
        allowed: NDArray[np.int64] | None = None,
        explain: bool = False,
    ) -> list[Hit]:
        """All documents that score at least `options.threshold` against `query`, best first, ties by key.

        Args:
            query: a picture's descriptor, of a document or of any other picture.
            options: threshold and how much completeness may be traded for time.
            allowed: keys to search in; None means all.
            explain: whether the hits carry an `Explanation`.

        Raises:
            DescriptorVersionError: the query was analyzed by another version.
        """
        return self.search_all([query], options, allowed, explain)[0]

    def search_all(
        self,
        queries: Sequence[Descriptor],
        options: SearchOptions,
        allowed: NDArray[np.int64] | None = None,
        explain: bool = False,
    ) -> list[list[Hit]]:
        """What `search` finds for each of many pictures, in less time than one by one."""
        for query in queries:
            check_version(query.version)

        hits: list[list[Hit]] = []
        for first in range(0, len(queries), AT_ONCE):
            hits += self._verified(queries[first : first + AT_ONCE], options, allowed, explain=explain)
        return hits

    def finders(
        self,
        asked: Sequence[tuple[Descriptor, Set[int]]],
        options: SearchOptions,
        allowed: NDArray[np.int64] | None = None,
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
                for shortlist in self._shortlists(queries, options, allowed)
            ]
        unseen = [number for number, (_, keys) in enumerate(asked) if not keys <= found[number]]
        hits = self.search_all([asked[number][0] for number in unseen], options, allowed)
        for number, each in zip(unseen, hits, strict=True):
            found[number] = {hit.key for hit in each}
        return [keys & seen for (_, keys), seen in zip(asked, found, strict=True)]

    def _verified(
        self,
        queries: Sequence[Descriptor],
        options: SearchOptions,
        allowed: NDArray[np.int64] | None,
        *,
        explain: bool,
    ) -> list[list[Hit]]:
        """The hits of each query, best first. The budget counts candidates that fail: no copy is cut off.

        A candidate that passes makes way for others, so that each round may bring further ones.
        """
        shortlists = self._shortlists(queries, options, allowed)
        searches = [
            Search(query, shortlist, EFFORTS[options.smartfilter], options.threshold)
            for query, shortlist in zip(queries, shortlists, strict=True)
        ]
        waiting = searches
        while waiting := [search for search in waiting if search.wanted]:
            asked = [(search.query, self._hashes_of(search.wanted)) for search in waiting]
            scores = self._scores.of(asked)
            for search, found in zip(waiting, scores, strict=True):
                search.take(found)
            cut = [search for search in waiting if search.is_cut]
            longer = self._shortlists(
                [search.query for search in cut], options, allowed, [len(search.passed) for search in cut]
            )
            for search, shortlist in zip(cut, longer, strict=True):
                search.extend(shortlist)
        return [self._hits(search, explain=explain) for search in searches]

    def _shortlists(
        self,
        queries: Sequence[Descriptor],
        options: SearchOptions,
        allowed: NDArray[np.int64] | None,
        passed: Sequence[int] | None = None,
    ) -> list[Shortlist]:
        """What stage 1 finds, where so many candidates beyond the same pixels have passed already."""
        effort = EFFORTS[options.smartfilter]
        with self._lock:
            same = [self._same(query, allowed) for query in queries]
            most = [
                0 if query.flat else effort.failures + BESIDE + len(keys) + 2 * count
                for query, keys, count in zip(queries, same, passed or [0] * len(queries), strict=True)
            ]
            found = self._candidates.nearest_of(
                queries, most, effort.least, allowed=allowed, approximate=options.approximate
            )
        return [
            Shortlist(keys, nearest, len(nearest) < limit or not limit)
            for keys, nearest, limit in zip(same, found, most, strict=True)
        ]

    def _same(self, query: Descriptor, allowed: NDArray[np.int64] | None) -> list[int]:
        """The documents with the same pixels."""
        keys = sorted(self._keys_of.get(query.content_hash, ()))
        return np.intersect1d(keys, allowed).tolist() if keys and allowed is not None else keys

    def _hashes_of(self, keys: Iterable[int]) -> dict[int, str]:
        """Content hashes of those documents that are still there."""
        with self._lock:
            return {key: self._content_hashes[key] for key in keys if key in self._content_hashes}

    def _hits(self, search: Search, *, explain: bool) -> list[Hit]:
        """What a search found, best first, ties by key."""
        same = [Hit(key, SAME_PIXELS, _same_pixels() if explain else None) for key in search.shortlist.same]
        passed = [Hit(key, score) for key, score in search.passed.items()]
        if explain and passed:
            reasons = self._scores.explained(search.query, self._hashes_of(search.passed))
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
