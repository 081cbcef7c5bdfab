"""The duplicate index: all documents of a collection, asked for the duplicates of one picture.

Candidates come from hashes held in memory; each candidate is verified on thumbnails, which are loaded by
key when needed and kept prepared in a bounded cache.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from include.detector.comparing.orientation import orientations
from include.detector.imaging.descriptor import check_version
from include.flow_server.index.candidates import Candidates
from include.flow_server.index.finder import CACHE_BYTES, Finder
from include.flow_server.index.index_file import Saved
from include.flow_server.index.parts import Parts
from include.flow_server.index.search import Shortlist
from include.flow_server.index.sieve import BESIDE, EFFORTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence, Set

    from numpy.typing import NDArray

    from include.detector.comparing.keypoints import KeptKeypoints
    from include.detector.imaging.descriptor import Descriptor
    from include.flow_server.index.finder import Load
    from include.flow_server.index.options import Hit, SearchOptions
    from include.flow_server.index.scores import Comparers

LOADED = 5000  # descriptors at once
MOST_WITH_PARTS = 100_000  # documents; in more, parts take too much memory, and time at the first search


class DuplicateIndex:
    """Thread-safe index over `Descriptor`s; keys are the store's row ids."""

    def __init__(
        self,
        load: Load,
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
        self._load = load
        self._candidates = Candidates(orientations(mirror=mirror, turn=turn))
        self._parts: Parts | None = None  # until the first search that looks for them
        self._content_hashes: dict[int, str] = {}
        self._keys_of: dict[str, set[int]] = {}
        self._finder: Finder[NDArray[np.int64] | None] = Finder(
            self, load, mirror=mirror, turn=turn, cache_bytes=cache_bytes, comparers=comparers, kept=kept
        )

    def __len__(self) -> int:
        return len(self._content_hashes)

    def memory_bytes(self) -> int:
        """Bytes held: embeddings and hashes, landmarks, content hashes and cached thumbnails."""
        with self._lock:
            parts = self._parts.nbytes() if self._parts else 0
            held = self._candidates.nbytes() + parts + 300 * len(self._content_hashes)
            return held + self._finder.scores.nbytes()

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
            self._know({key: descriptor.content_hash for key, descriptor in added.items()})
            self._candidates.add([(key, found) for key, found in added.items() if not found.flat])
            if self._parts:
                self._parts.add([(key, found.landmarks) for key, found in added.items()])

    def saved(self, sequence: int, outdated: NDArray[np.int64]) -> Saved:
        """All that it holds now, which is not changed any more."""
        with self._lock:
            return Saved(sequence, dict(self._content_hashes), self._candidates.rows(), outdated)

    def restore(self, saved: Saved) -> None:
        """Take in what an index held; this one must be empty."""
        with self._lock:
            self._know(saved.content_hashes)
            self._candidates.restore(saved.rows)

    def _know(self, content_hashes: Mapping[int, str]) -> None:
        self._content_hashes |= content_hashes
        for key, content_hash in content_hashes.items():
            self._keys_of.setdefault(content_hash, set()).add(key)

    def remove(self, keys: Iterable[int]) -> None:
        """Forget documents; unknown keys are ignored."""
        with self._lock:
            known = [key for key in keys if key in self._content_hashes]
            if not known:
                return
            self._candidates.remove(known)
            if self._parts:
                self._parts.remove(known)
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
        self._finder.scores.forget()

    @property
    def compared(self) -> int:
        """Candidates compared in full since the start."""
        return self._finder.scores.compared

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
        return self._finder.search_all(queries, options, allowed, explain)

    def finders(
        self,
        asked: Sequence[tuple[Descriptor, Set[int]]],
        options: SearchOptions,
        allowed: NDArray[np.int64] | None = None,
    ) -> list[Set[int]]:
        """For each picture, which of the documents beside it a search for the picture finds.

        The documents must be known to score enough against it: then being compared is all that counts.
        """
        return self._finder.finders(asked, options, allowed)

    def shortlists(
        self,
        queries: Sequence[Descriptor],
        options: SearchOptions,
        allowed: NDArray[np.int64] | None,
        passed: Sequence[int],
    ) -> list[Shortlist]:
        """What stage 1 finds, where so many candidates beyond the same pixels have passed already."""
        effort = EFFORTS[options.smartfilter]
        with self._lock:
            same = [self._same(query, allowed) for query in queries]
            most = [
                0 if query.flat else effort.failures + BESIDE + len(keys) + 2 * count
                for query, keys, count in zip(queries, same, passed, strict=True)
            ]
            found = self._candidates.nearest_of(
                queries, most, effort.least, allowed=allowed, approximate=options.approximate
            )
            hashes = [self._hashes_of(one.key for one in nearest) for nearest in found]
        return [
            Shortlist(
                same[number],
                found[number],
                is_whole=len(found[number]) < most[number] or not most[number],
                hashes=hashes[number],
            )
            for number in range(len(queries))
        ]

    def sharing(
        self,
        queries: Sequence[Descriptor],
        known: Sequence[Collection[int]],
        allowed: NDArray[np.int64] | None,
    ) -> list[dict[int, str]]:
        """Documents that seem to share a part with each query; none of a large collection."""
        with self._lock:
            if len(self._content_hashes) > MOST_WITH_PARTS:
                self._parts = None
                return [{} for _ in queries]
            if self._parts is None:
                self._parts = self._all_parts()
            found = self._parts.holding([query.landmarks for query in queries], known, allowed)
            return [self._hashes_of(keys) for keys in found]

    def _hashes_of(self, keys: Iterable[int]) -> dict[int, str]:
        """The content hashes of those that are still there."""
        return {key: self._content_hashes[key] for key in keys if key in self._content_hashes}

    def _all_parts(self) -> Parts:
        """The landmarks of all documents; one that changes meanwhile is added when the change is taken in."""
        parts, keys = Parts(), list(self._content_hashes)
        for first in range(0, len(keys), LOADED):
            loaded = self._load(keys[first : first + LOADED])
            parts.add(
                [
                    (key, found.landmarks)
                    for key, found in loaded.items()
                    if found.content_hash == self._content_hashes[key]
                ]
            )
        return parts

    def _same(self, query: Descriptor, allowed: NDArray[np.int64] | None) -> list[int]:
        """The documents with the same pixels."""
        keys = sorted(self._keys_of.get(query.content_hash, ()))
        if not keys or allowed is None:
            return keys
        found: list[int] = np.array(keys)[np.isin(keys, allowed)].tolist()
        return found
