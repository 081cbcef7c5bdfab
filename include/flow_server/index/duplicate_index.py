"""The duplicate index: all documents of a collection, asked for the duplicates of one picture.

Candidates come from hashes held in memory; each candidate is verified on thumbnails, which are loaded by
key when needed and kept prepared in a bounded cache.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from include.detector.comparing.explain import Explanation, explain_pair
from include.detector.comparing.score import score_pair
from include.detector.comparing.thumb import Thumb
from include.detector.imaging.descriptor import check_version
from include.flow_server.index.candidates import Candidates, Shortlist
from include.flow_server.index.options import Hit
from include.flow_server.index.thumb_cache import ThumbCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set

    from numpy.typing import NDArray

    from include.detector.imaging.descriptor import Descriptor
    from include.flow_server.index.options import SearchOptions

# How close stage 1 must find a candidate, and after how many that fail a search gives up.
LEAST_CLOSENESS = {"off": 0.40, "low": 0.44, "medium": 0.48, "high": 0.54, "extreme": 0.6}
MOST_FAILURES = {"off": 64, "low": 48, "medium": 32, "high": 16, "extreme": 8}
CACHE_BYTES = 256 << 20
MOST_SCORES = 300_000
AT_ONCE = 128  # queries of one batch, during which the index is locked
SAME_PIXELS = 1.0


class DuplicateIndex:
    """Thread-safe index over `Descriptor`s; keys are the store's row ids."""

    def __init__(
        self,
        load: Callable[[Sequence[int]], Mapping[int, Descriptor]],
        *,
        mirror: bool = True,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        """Make an empty index.

        Args:
            load: returns the descriptors of known keys; keys deleted meanwhile may be missing.
            mirror: whether mirrored copies count as duplicates.
            cache_bytes: most memory for prepared thumbnails.
        """
        self._mirror = mirror
        self._lock = threading.RLock()
        self._candidates = Candidates()
        self._content_hashes: dict[int, str] = {}
        self._keys_of: dict[str, set[int]] = {}
        self._scores: dict[tuple[str, str], float] = {}  # by content hashes, so it cannot go stale
        self._thumbs = ThumbCache(load, cache_bytes)
        self.compared = 0  # candidates verified since the start

    def __len__(self) -> int:
        return len(self._content_hashes)

    def memory_bytes(self) -> int:
        """Bytes held: embeddings and hashes, content hashes and cached thumbnails."""
        with self._lock:
            return (
                self._candidates.nbytes()
                + 300 * len(self._content_hashes)
                + 250 * len(self._scores)
                + self._thumbs.nbytes()
            )

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
            self._thumbs.forget(known)

    def forget_scores(self) -> None:
        """Verify every pair anew from now on, as a measurement needs."""
        with self._lock:
            self._scores.clear()

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

        def answer(shortlisted: tuple[Descriptor, Shortlist]) -> list[Hit]:
            query, shortlist = shortlisted
            hits = [Hit(key, SAME_PIXELS, _same_pixels() if explain else None) for key in shortlist.same]
            hits += self._verified(query, shortlist, options, allowed, explain=explain)
            return sorted(hits, key=lambda hit: (-hit.score, hit.key))

        return list(map(answer, self._shortlisted(queries, options, allowed)))

    def finders(
        self,
        asked: Sequence[tuple[Descriptor, Set[int]]],
        options: SearchOptions,
        allowed: NDArray[np.int64] | None = None,
    ) -> list[Set[int]]:
        """For each picture, which of the documents beside it a search for the picture finds.

        The documents must be known to score enough against it: then being a candidate is all that counts.
        """
        found = []
        shortlists = self._shortlisted([query for query, _ in asked], options, allowed)
        for (query, shortlist), (_, keys) in zip(shortlists, asked, strict=True):
            seen = keys & {*shortlist.same, *shortlist.nearest}
            if seen != keys and not shortlist.is_whole:
                seen = keys & {hit.key for hit in self.search(query, options, allowed)}
            found.append(seen)
        return found

    def _shortlisted(
        self, queries: Sequence[Descriptor], options: SearchOptions, allowed: NDArray[np.int64] | None
    ) -> Iterator[tuple[Descriptor, Shortlist]]:
        """Each query with its shortlist."""
        for first in range(0, len(queries), AT_ONCE):
            some = queries[first : first + AT_ONCE]
            yield from zip(some, self._shortlists(some, options, allowed), strict=True)

    def _shortlists(
        self,
        queries: Sequence[Descriptor],
        options: SearchOptions,
        allowed: NDArray[np.int64] | None,
        passed: int = 0,
    ) -> list[Shortlist]:
        """What is to be verified, where so many candidates beyond the same pixels have passed already."""
        with self._lock:
            same = [self._same(query, allowed) for query in queries]
            most = [
                0 if query.flat else MOST_FAILURES[options.smartfilter] + len(keys) + passed
                for query, keys in zip(queries, same, strict=True)
            ]
            found = self._candidates.nearest_of(
                queries,
                most,
                LEAST_CLOSENESS[options.smartfilter],
                allowed=allowed,
                approximate=options.approximate,
            )
        return [
            Shortlist(keys, [candidate.key for candidate in nearest], len(nearest) < limit or not limit)
            for keys, nearest, limit in zip(same, found, most, strict=True)
        ]

    def _same(self, query: Descriptor, allowed: NDArray[np.int64] | None) -> list[int]:
        """The documents with the same pixels."""
        keys = sorted(self._keys_of.get(query.content_hash, ()))
        return np.intersect1d(keys, allowed).tolist() if keys and allowed is not None else keys

    def _verified(
        self,
        query: Descriptor,
        shortlist: Shortlist,
        options: SearchOptions,
        allowed: NDArray[np.int64] | None,
        *,
        explain: bool,
    ) -> list[Hit]:
        """Hits of verified candidates. The cap counts candidates that fail: no duplicate is cut off."""
        seen = set(shortlist.same)
        hits: list[Hit] = []
        while True:
            fresh = [key for key in shortlist.nearest if key not in seen]
            seen.update(fresh)
            found = self._hits(query, fresh, options.threshold, explain=explain) if fresh else []
            hits += found
            if shortlist.is_whole or not found:
                return hits
            [shortlist] = self._shortlists([query], options, allowed, len(hits))

    def _hits(self, query: Descriptor, keys: Sequence[int], threshold: float, *, explain: bool) -> list[Hit]:
        """Those of `keys` that score at least `threshold`."""
        scores = self._scores_of(query, keys)
        hits = [Hit(key, score) for key, score in scores.items() if score >= threshold]
        if not explain or not hits:
            return hits
        own = self._thumb_of(query)
        with self._lock:
            wanted = {
                hit.key: self._content_hashes[hit.key] for hit in hits if hit.key in self._content_hashes
            }
        thumbs = self._thumbs.get(wanted)
        return [
            replace(hit, explanation=explain_pair(own, thumbs[hit.key], mirror=self._mirror))
            for hit in hits
            if hit.key in thumbs
        ]

    def _scores_of(self, query: Descriptor, keys: Sequence[int]) -> dict[int, float]:
        """Scores of pairs, remembered: a scan of the collection asks for each pair from both sides."""
        with self._lock:
            self.compared += len(keys)
            wanted = {key: self._content_hashes[key] for key in keys if key in self._content_hashes}
            pairs = {key: _pair(query.content_hash, content_hash) for key, content_hash in wanted.items()}
            scores = {key: self._scores[pair] for key, pair in pairs.items() if pair in self._scores}
        missing = {key: content_hash for key, content_hash in wanted.items() if key not in scores}
        if not missing:
            return scores
        own, thumbs = self._thumb_of(query), self._thumbs.get(missing)
        fresh = {key: score_pair(own, other, mirror=self._mirror) for key, other in thumbs.items()}
        with self._lock:
            if len(self._scores) + len(fresh) > MOST_SCORES:
                self._scores.clear()
            self._scores.update((pairs[key], score) for key, score in fresh.items())
        return scores | fresh

    def _thumb_of(self, query: Descriptor) -> Thumb:
        """The query made ready for comparison; kept where it is a document, which others will find."""
        with self._lock:
            keys = self._keys_of.get(query.content_hash)
            key = min(keys) if keys else None
        return Thumb.of(query) if key is None else self._thumbs.made_of(key, query)


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one <= other else (other, one)


def _same_pixels() -> Explanation:
    return Explanation(
        similarity=1.0,
        same_pixels=True,
        crop=(0.0, 0.0, 1.0, 1.0),
        scale=(1.0, 1.0),
        agreeing=1.0,
        reason="exact: the decoded pixels are equal",
    )
