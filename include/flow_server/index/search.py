"""One search under way: which candidates are still to be compared, and what has been found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from include.flow_server.index.sieve import worth_comparing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from include.detector.imaging.descriptor import Descriptor
    from include.flow_server.index.candidates import Candidate
    from include.flow_server.index.sieve import Effort


class Shortlist(NamedTuple):
    """Documents that a query may find: keys of those with the same pixels, and the nearest ones.

    `is_whole`: no others are close enough. `hashes`: content hashes of the nearest ones.
    """

    same: list[int]
    nearest: list[Candidate]
    is_whole: bool
    hashes: Mapping[int, str]

    def worth_comparing(self, passed: Collection[int], effort: Effort) -> list[int]:
        """Keys to compare, where some have `passed` already."""
        found = {*passed, *self.same}
        others = [one for one in self.nearest if one.key not in found]
        return [others[place].key for place in worth_comparing([one.closeness for one in others], effort)]


class Search:
    """A query under way. `wanted` are keys to compare next, none where the search has ended.

    `passed` are scores of at least `threshold` by key. `is_cut`: what passed last leaves room for candidates
    beyond the shortlist. `parts` are content hashes of documents that seem to share a part with the query, by
    key, the likeliest first.
    """

    def __init__(self, query: Descriptor, shortlist: Shortlist, effort: Effort, threshold: float) -> None:
        self.query, self.shortlist = query, shortlist
        self.passed: dict[int, float] = {}
        self.parts: Mapping[int, str] = {}
        self.is_cut = False
        self._effort, self._threshold = effort, threshold
        self._seen: set[int] = set()
        self.wanted = shortlist.worth_comparing((), effort)

    def take(self, scores: Mapping[int, float]) -> None:
        """Take in the scores of all that was wanted; documents deleted meanwhile have none."""
        passed = {key: score for key, score in scores.items() if score >= self._threshold}
        self._seen.update(self.wanted)
        self.passed |= passed
        self.is_cut = bool(passed) and not self.shortlist.is_whole
        self.wanted = self._unseen() if passed else []

    def extend(self, shortlist: Shortlist) -> None:
        """Go on with a longer shortlist."""
        self.shortlist = shortlist
        self.wanted = self._unseen()

    def look_for(self, parts: Mapping[int, str]) -> None:
        """Go on with documents that are not known yet."""
        self.parts = parts
        self.wanted = self._unseen()

    def known(self) -> set[int]:
        """Keys of the documents that were compared, or need not be."""
        return {*self.shortlist.same, *self._seen}

    def hashes_of(self, keys: Iterable[int]) -> dict[int, str]:
        """The content hashes of those that are still there."""
        hashes = {**self.parts, **self.shortlist.hashes}
        return {key: hashes[key] for key in keys if key in hashes}

    def _unseen(self) -> list[int]:
        near = self.shortlist.worth_comparing(self.passed, self._effort)
        parts = [key for key in self.parts if key not in self.passed][: self._effort.parts]
        return [key for key in dict.fromkeys((*near, *parts)) if key not in self._seen]
