"""What is measured of two pictures on their best alignment: what a score rests on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from include.detector.comparing.alignment import Alignment
from include.detector.comparing.difference import difference
from include.detector.comparing.orientation import UPRIGHT
from include.detector.comparing.refine import overlay

if TYPE_CHECKING:
    from include.detector.comparing.difference import Difference
    from include.detector.comparing.evidence import Evidence
    from include.detector.comparing.ink import Ink
    from include.detector.comparing.orientation import Orientation
    from include.detector.comparing.thumb import Thumb


@dataclass(frozen=True, eq=False)
class Comparison:
    """The best alignment of two pictures, the second `shown` in one of the eight orientations.

    `evidence` is measured in the frame of the second picture, so shown, when `swapped`.
    """

    first: Thumb
    second: Thumb
    evidence: Evidence
    swapped: bool
    shown: Orientation
    similarity: float  # cosine of the embeddings
    hash_distance: int  # bits
    plain: float  # share of one brightness, in the picture that has less of it
    equal: float  # share of the frame's cells that have the same colours
    equal_beside: float  # the same of the cells with detail outside the patch that differs most
    ink: Ink | None  # of pages; None of other pictures
    same_thing: bool = False  # before another backdrop

    @cached_property
    def difference(self) -> Difference | None:
        """How the colours of the frames differ; None if one is mirrored, turned or seen in perspective."""
        if self.shown != UPRIGHT or self.evidence.straightened:
            return None
        alignment = self.alignment()
        laid = overlay(self.first, self.second, alignment) if self.swapped else self.evidence.trial.laid
        return difference(self.first, self.second, alignment, laid)

    def alignment(self) -> Alignment:
        """The map from the first picture's pixels to the second's."""
        found = self.evidence.alignment.inverse() if self.swapped else self.evidence.alignment
        own = Alignment(self.shown.matrix(self.second.width, self.second.height)).inverse()
        return found if self.shown == UPRIGHT else own.after(found)
