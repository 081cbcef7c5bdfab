"""The duplicate index: all documents of a collection, asked for the duplicates of one picture.

Candidates come from hashes held in memory; each candidate is verified on thumbnails, which are loaded by
key when needed and kept prepared in a bounded cache.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from include.flow_server.imaging.descriptor import check_version
from include.flow_server.index.candidates import Candidates, hashes
from include.flow_server.index.explain import explain_comparison
from include.flow_server.index.options import Explanation, Hit
from include.flow_server.index.score import score
from include.flow_server.index.thumb import Thumb
from include.flow_server.index.verify import compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from include.flow_server.imaging.descriptor import Descriptor
    from include.flow_server.index.options import SearchOptions

MOST_CANDIDATES = {"off": 64, "low": 48, "medium": 32, "high": 16, "extreme": 8}
CACHE_BYTES = 256 << 20
SAME_PIXELS = 1.0


class DuplicateIndex:
    """Thread-safe index over `Descriptor`s; keys are the store's row ids."""

    def __init__(
        self, load: Callable[[Sequence[int]], Mapping[int, Descriptor]], *, cache_bytes: int = CACHE_BYTES
    ) -> None:
        """`load` returns the descriptors of known keys; keys deleted meanwhile may be missing."""
        self._load = load
        self._lock = threading.RLock()
        self._candidates = Candidates()
        self._content_hashes: dict[int, str] = {}
        self._keys_of: dict[str, set[int]] = {}
        self._cache: OrderedDict[int, Thumb] = OrderedDict()
        self._cache_bytes, self._cache_held = cache_bytes, 0

    def __len__(self) -> int:
        return len(self._content_hashes)

    def memory_bytes(self) -> int:
        """Bytes held: hashes, content hashes and cached thumbnails."""
        with self._lock:
            return self._candidates.nbytes() + 300 * len(self._content_hashes) + self._cache_held

    def add(self, items: Iterable[tuple[int, Descriptor]]) -> None:
        """Take in documents; a key that is known already is replaced.

        Raises:
            DescriptorVersionError: a descriptor of another version of the analysis.
        """
        added = dict(items)
        for descriptor in added.values():
            check_version(descriptor.version)
        searchable = {key: hashes(found) for key, found in added.items() if not found.flat}
        with self._lock:
            self.remove(added)
            for key, descriptor in added.items():
                self._content_hashes[key] = descriptor.content_hash
                self._keys_of.setdefault(descriptor.content_hash, set()).add(key)
            if searchable:
                self._candidates.add(list(searchable), list(searchable.values()))

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
                self._forget_thumb(key)

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
            same = self._keys_of.get(query.content_hash, set())
            same_keys = sorted(same if allowed is None else same.intersection(allowed.tolist()))
        hits = [Hit(key, SAME_PIXELS, _same_pixels() if explain else None) for key in same_keys]
        if not query.flat:
            hits += self._verified(query, options, allowed, set(same_keys), explain=explain)
        return sorted(
            (hit for hit in hits if hit.score >= options.threshold), key=lambda hit: (-hit.score, hit.key)
        )

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
        cap = MOST_CANDIDATES[options.smartfilter]
        own_hashes, thumb = hashes(query), Thumb.from_webp(query.thumbnail)
        seen, passed = set(known), 0
        hits: list[Hit] = []
        while True:
            wanted = cap + len(known) + passed
            with self._lock:
                nearest = self._candidates.nearest(own_hashes, allowed, wanted)
            fresh = {key: similarity for key, similarity in nearest if key not in seen}
            if not fresh:
                return hits
            seen.update(fresh)
            found = self._verify(query, thumb, fresh, explain=explain)
            hits += found
            passed += sum(hit.score >= options.threshold for hit in found)

    def _verify(
        self, query: Descriptor, thumb: Thumb, similar: Mapping[int, float], *, explain: bool
    ) -> list[Hit]:
        hits = []
        for key, (content_hash, other) in self._thumbs(list(similar)).items():
            query_is_first = query.content_hash <= content_hash
            first, second = (thumb, other) if query_is_first else (other, thumb)
            comparison = compare(first, second)
            if comparison is None:
                continue
            explanation = None
            if explain:
                explanation = explain_comparison(
                    comparison, first, second, similar[key], query_is_first=query_is_first
                )
            hits.append(Hit(key, score(comparison), explanation))
        return hits

    def _thumbs(self, keys: Sequence[int]) -> dict[int, tuple[str, Thumb]]:
        """Prepared thumbnails of those keys that still exist, with their content hashes."""
        with self._lock:
            found = {key: self._cache[key] for key in keys if key in self._cache}
            for key in found:
                self._cache.move_to_end(key)
        missing = [key for key in keys if key not in found]
        loaded = {
            key: Thumb.from_webp(descriptor.thumbnail)
            for key, descriptor in (self._load(missing) if missing else {}).items()
        }
        with self._lock:
            for key, thumb in loaded.items():
                self._keep_thumb(key, thumb)
            both = found | loaded
            alive = [key for key in keys if key in both and key in self._content_hashes]
            return {key: (self._content_hashes[key], both[key]) for key in alive}

    def _keep_thumb(self, key: int, thumb: Thumb) -> None:
        if key not in self._content_hashes or key in self._cache:
            return
        self._cache[key] = thumb
        self._cache_held += thumb.nbytes()
        while self._cache_held > self._cache_bytes:
            _, oldest = self._cache.popitem(last=False)
            self._cache_held -= oldest.nbytes()

    def _forget_thumb(self, key: int) -> None:
        thumb = self._cache.pop(key, None)
        if thumb is not None:
            self._cache_held -= thumb.nbytes()


def _same_pixels() -> Explanation:
    return Explanation(
        similarity=1.0,
        same_pixels=True,
        crop=(0.0, 0.0, 1.0, 1.0),
        scale=(1.0, 1.0),
        agreeing=1.0,
        reason="exact: the decoded pixels are equal",
    )
