"""Scores of pictures with documents, remembered: a scan asks for each pair from both sides."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Protocol

from include.detector.comparing.explain import Explanation, explain_pair
from include.detector.comparing.score import score_pair
from include.flow_server.index.thumb_cache import ThumbCache

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from include.detector.comparing.keypoints import KeptKeypoints
    from include.detector.imaging.descriptor import Descriptor

    Pair = tuple[str, str]
    Asked = Sequence[tuple[Descriptor, Mapping[int, str]]]
    Wanted = Mapping[Pair, tuple[Descriptor, int]]

MOST_SCORES = 300_000
MANY = 12  # pairs from which handing them to other processes is worth it


class Comparers(Protocol):
    """Compares pictures in other processes."""

    def scores(
        self,
        pairs: Sequence[tuple[Descriptor, Descriptor]],
        *,
        mirror: bool,
        turn: bool,
        kept: KeptKeypoints | None,
    ) -> list[float]:
        """The score of each pair."""


class Scores:
    """Thread-safe. Documents are asked for by key, with the content hash that they must have."""

    def __init__(
        self,
        load: Callable[[Sequence[int]], Mapping[int, Descriptor]],
        cache_bytes: int,
        *,
        mirror: bool,
        turn: bool,
        comparers: Comparers | None,
        kept: KeptKeypoints | None,
    ) -> None:
        self._load, self._comparers, self._kept = load, comparers, kept
        self._mirror, self._turn = mirror, turn
        self._lock = threading.Lock()
        self._known: dict[Pair, float] = {}  # by content hashes, so it cannot go stale
        self._coming: dict[Pair, Future[Mapping[Pair, float]]] = {}  # being compared at this moment
        self._thumbs = ThumbCache(load, cache_bytes, kept)
        self.compared = 0  # candidates verified since the start

    def nbytes(self) -> int:
        """Bytes held."""
        return 250 * len(self._known) + self._thumbs.nbytes()

    def forget(self) -> None:
        """Compare every pair anew from now on."""
        with self._lock:
            self._known.clear()

    def of(self, asked: Asked) -> list[dict[int, float]]:
        """The score of each picture with each of its documents; those deleted meanwhile are missing."""
        pairs = [
            {key: _pair(query.content_hash, content_hash) for key, content_hash in documents.items()}
            for query, documents in asked
        ]
        wanted = {
            pair: (query, key)
            for (query, _), each in zip(asked, pairs, strict=True)
            for key, pair in each.items()
        }
        known = self._known_of(wanted, compared=sum(map(len, pairs)))
        return [{key: known[pair] for key, pair in each.items() if pair in known} for each in pairs]

    def _known_of(self, wanted: Wanted, compared: int) -> dict[Pair, float]:
        """The scores of pairs. Whoever has many waits for those that another thread compares at this moment.

        Who has few compares them, lest a search waits for a batch of a scan.
        """
        own: Future[Mapping[Pair, float]] = Future()
        has_many = len(wanted) >= MANY
        with self._lock:
            self.compared += compared
            known = {pair: self._known[pair] for pair in wanted if pair in self._known}
            coming = {pair: self._coming[pair] for pair in wanted if has_many and pair in self._coming}
            missing = {pair: wanted[pair] for pair in wanted if pair not in known and pair not in coming}
            if has_many:
                self._coming |= dict.fromkeys(missing, own)
        fresh: dict[Pair, float] = {}
        try:
            fresh = self._compared(missing) if missing else {}
        finally:
            with self._lock:
                if len(self._known) + len(fresh) > MOST_SCORES:
                    self._known.clear()
                self._known.update(fresh)
                for pair in missing if has_many else ():
                    del self._coming[pair]
            own.set_result(fresh)
        known |= fresh
        known |= {pair: one.result()[pair] for pair, one in coming.items() if pair in one.result()}
        left = {pair: wanted[pair] for pair in coming if pair not in known}  # it may have failed there
        return known | (self._known_of(left, compared=0) if left else {})

    def explained(self, query: Descriptor, documents: Mapping[int, str]) -> dict[int, Explanation | None]:
        """Why each document has its score; those deleted meanwhile are missing."""
        thumbs = self._thumbs.get(documents, [query])
        return {
            key: explain_pair(
                thumbs[query.content_hash], thumbs[content_hash], mirror=self._mirror, turn=self._turn
            )
            for key, content_hash in documents.items()
            if content_hash in thumbs
        }

    def _compared(self, missing: Wanted) -> dict[Pair, float]:
        wanted = {
            key: two if one == query.content_hash else one for (one, two), (query, key) in missing.items()
        }
        if self._comparers and len(missing) >= MANY:
            return self._compared_by(self._comparers, missing, wanted)
        thumbs = self._thumbs.get(wanted, [query for query, _ in missing.values()])
        scores = {
            pair: score_pair(thumbs[pair[0]], thumbs[pair[1]], mirror=self._mirror, turn=self._turn)
            for pair in missing
            if pair[0] in thumbs and pair[1] in thumbs
        }
        if self._kept is not None:
            self._kept.flush()
        return scores

    def _compared_by(
        self, comparers: Comparers, missing: Wanted, wanted: Mapping[int, str]
    ) -> dict[Pair, float]:
        pictures = {query.content_hash: query for query, _ in missing.values()}
        elsewhere = [key for key, content_hash in wanted.items() if content_hash not in pictures]
        pictures |= {one.content_hash: one for one in self._load(elsewhere).values()} if elsewhere else {}
        pairs = {
            pair: (pictures[pair[0]], pictures[pair[1]])
            for pair in missing
            if pair[0] in pictures and pair[1] in pictures
        }
        scores = comparers.scores(list(pairs.values()), mirror=self._mirror, turn=self._turn, kept=self._kept)
        return dict(zip(pairs, scores, strict=True))


def _pair(one: str, other: str) -> Pair:
    return (one, other) if one <= other else (other, one)
