"""The kinds of edits are made of manipulations that exist, each in one kind."""

from __future__ import annotations

from collections import Counter

from include.detector.editing.kinds import KINDS, MORE, PROMISED
from include.detector.editing.manipulations import ALL, EXACT, HARSH


def test_every_strength_is_a_manipulation_of_one_kind_only() -> None:
    strengths = Counter(name for kind in KINDS.values() for name in kind.strengths)
    assert set(strengths) <= set(ALL)
    assert set(strengths.values()) == {1}
    assert len(KINDS) == len(PROMISED) + len(MORE)


def test_copies_that_are_exact_are_those_of_the_exact_manipulations() -> None:
    named = {name for kind in KINDS.values() if kind.expected == "exact" for name in kind.strengths}
    assert named <= {*EXACT, *HARSH}
