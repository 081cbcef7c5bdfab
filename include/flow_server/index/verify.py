"""Verification of one candidate: align, measure, score.

The order of the two pictures is fixed by their content hashes, so that a pair scores the same whichever of
the two was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.flow_server.index.alignment import proposals
from include.flow_server.index.difference import Difference, difference
from include.flow_server.index.evidence import Evidence, measure
from include.flow_server.index.refine import refine

if TYPE_CHECKING:
    from include.flow_server.index.alignment import Alignment
    from include.flow_server.index.thumb import Thumb

GOOD_ENOUGH = 0.75


@dataclass(frozen=True, slots=True)
class Comparison:
    """The best alignment of two pictures and, if they share a frame, how their colours differ.

    `evidence` is measured in the frame of the second picture when `swapped`.
    """

    evidence: Evidence
    swapped: bool
    mirrored: bool
    difference: Difference | None

    def alignment(self) -> Alignment:
        """The map from the first picture's pixels to the second's."""
        return self.evidence.alignment.inverse() if self.swapped else self.evidence.alignment


def compare(first: Thumb, second: Thumb, *, mirror: bool = True) -> Comparison | None:
    """Find how `first` and `second` lie on each other; None if no alignment is worth measuring."""
    best = _best(first, second, mirrored=False)
    if mirror and (best is None or best.evidence.strength < GOOD_ENOUGH):
        flipped = _best(first, second.mirrored(), mirrored=True)
        if flipped and (best is None or flipped.evidence.strength > best.evidence.strength):
            best = flipped
    return best


def _best(first: Thumb, second: Thumb, *, mirrored: bool) -> Comparison | None:
    best: tuple[Evidence, bool] | None = None
    for proposal in proposals(first, second):
        swapped = proposal.scale() > 1
        one, two, start = (second, first, proposal.inverse()) if swapped else (first, second, proposal)
        evidence = measure(one, two, refine(one.contrast, two.contrast, start, turn=False))
        if best is None or evidence.strength > best[0].strength:
            best = evidence, swapped
        if best[0].strength > GOOD_ENOUGH:
            break
    if best is None:
        return None
    return Comparison(*best, mirrored=mirrored, difference=None if mirrored else difference(first, second))
