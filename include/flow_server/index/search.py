"""One search under way: which candidates are still to be compared, and what has been found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from include.flow_server.index.sieve import worth_comparing

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from include.detector.imaging.descriptor import Descriptor
    from include.flow_server.index.candidates import Candidate
    from include.flow_server.index.sieve import Effort


class Shortlist(NamedTuple):
    """Documents that a query may find: keys of those with the same pixels, and the nearest ones.

    `is_whole`: no others are close enough.
    """

    same: list[int]
    nearest: list[Candidate]
    is_whole: bool

    def worth_comparing(self, passed: Collection[int], effort: Effort) -> list[int]:
        """Keys to compare, where some have `passed` already."""
        found = {*passed, *self.same}
        others = [one for one in self.nearest if one.key not in found]
        return [others[place].key for place in worth_comparing([one.closeness for one in others], effort)]


@dataclass
class Search:
    """A query with its shortlist; `passed` are scores of at least `threshold` by key."""

    query: Descriptor
    shortlist: Shortlist
    effort: Effort
    threshold: float
    passed: dict[int, float] = field(default_factory=dict)
    is_cut: bool = False  # whether what passed last leaves room for candidates beyond the shortlist
    _seen: set[int] = field(default_factory=set)

    def wanted(self) -> list[int]:
        """Keys to compare next; none where the search has ended."""
        keys = self.shortlist.worth_comparing(self.passed, self.effort)
        return [key for key in keys if key not in self._seen]

    def take(self, scores: Mapping[int, float]) -> None:
        """Take in the scores of all that was wanted; documents deleted meanwhile have none."""
        passed = {key: score for key, score in scores.items() if score >= self.threshold}
        self._seen.update(self.wanted())
        self.passed |= passed
        self.is_cut = bool(passed) and not self.shortlist.is_whole
