"""The duplicate index: all documents of a collection, asked for the duplicates of one picture.

Candidates come from hashes held in memory; each candidate is verified on thumbnails, which are loaded by
key when needed and kept prepared in a bounded cache.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from include.flow_server.imaging.descriptor import check_version
from include.flow_server.index.candidates import Candidates
from include.flow_server.index.explain import explain_pair
from include.flow_server.index.options import Explanation, Hit
from include.flow_server.index.score import score_pair
from include.flow_server.index.thumb import Thumb
from include.flow_server.index.thumb_cache import ThumbCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from include.flow_server.imaging.descriptor import Descriptor
    from include.flow_server.index.options import SearchOptions

# How close stage 1 must find a candidate, and after how many that fail a search gives up.
LEAST_CLOSENESS = {"off": 0.38, "low": 0.42, "medium": 0.46, "high": 0.52, "extreme": 0.6}
MOST_FAILURES = {"off": 64, "low": 48, "medium": 32, "high": 16, "extreme": 8}
CACHE_BYTES = 256 << 20
MOST_SCORES = 300_000
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
        check_version(query.version)
        with self._lock:
            same_keys = sorted(self._keys_of.get(query.content_hash, ()))
        if allowed is not None and same_keys:
            same_keys = np.intersect1d(same_keys, allowed).tolist()
        hits = [Hit(key, SAME_PIXELS, _same_pixels() if explain else None) for key in same_keys]
        if not query.flat:
            hits += self._verified(query, options, allowed, set(same_keys), explain=explain)
        return sorted(hits, key=lambda hit: (-hit.score, hit.key))

    def _verified(
        self,
        query: Descriptor,
        options: SearchOptions,
        allowed: NDArray[np.int64] | None,
        known: set[int],
        *,
        explain: bool,
    ) -> list[Hit]:
        """Hits of verified candidates. The cap counts candidates that fail: no duplicate is cut off."""
        seen, passed = set(known), 0
        hits: list[Hit] = []
        while True:
            with self._lock:
                nearest = self._candidates.nearest(
                    query,
                    MOST_FAILURES[options.smartfilter] + len(known) + passed,
                    LEAST_CLOSENESS[options.smartfilter],
                    allowed=allowed,
                    approximate=options.approximate,
                )
                fresh = [found.key for found in nearest if found.key not in seen]
            if not fresh:
                return hits
            seen.update(fresh)
            found = self._hits(query, fresh, options.threshold, explain=explain)
            hits += found
            passed += len(found)

    def _hits(self, query: Descriptor, keys: Sequence[int], threshold: float, *, explain: bool) -> list[Hit]:
        """Those of `keys` that score at least `threshold`."""
        scores = self._scores_of(query, keys)
        hits = [Hit(key, score) for key, score in scores.items() if score >= threshold]
        if not explain or not hits:
            return hits
        own = Thumb.of(query)
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
        own, thumbs = Thumb.of(query), self._thumbs.get(missing)
        fresh = {key: score_pair(own, other, mirror=self._mirror) for key, other in thumbs.items()}
        with self._lock:
            if len(self._scores) + len(fresh) > MOST_SCORES:
                self._scores.clear()
            self._scores.update((pairs[key], score) for key, score in fresh.items())
        return scores | fresh


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
