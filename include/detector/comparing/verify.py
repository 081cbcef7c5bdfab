"""Verification of one candidate: align, measure, score.

A pair is always compared in the same order, so that it scores the same whichever of the two was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from include.detector.comparing.alignment import STRAIGHT, proposals, whole_onto_whole
from include.detector.comparing.closeness import hash_distance, similarity
from include.detector.comparing.difference import difference, equal_cells
from include.detector.comparing.evidence import measure, tried, weighed
from include.detector.comparing.refine import refine, sharpened
from include.detector.comparing.windows import nested, nested_mirrored

if TYPE_CHECKING:
    from collections.abc import Callable

    from include.detector.comparing.alignment import Alignment
    from include.detector.comparing.difference import Difference
    from include.detector.comparing.evidence import Evidence, Trial
    from include.detector.comparing.thumb import Thumb

GOOD_ENOUGH = 0.75
CLOSE_HASH = 60  # bits
SAME_LAYOUT = 0.35  # share of the cells with the same colours, beside one patch
LEAST_MIRRORED_SIMILARITY = 0.55  # cosine of the embeddings, which see a mirrored copy much like a copy
# Correlation of whole frames from which they are laid onto each other; studio backgrounds are symmetric.
LEAST_AGREEMENT, LEAST_MIRRORED_AGREEMENT = 0.4, 0.6
# What must be seen from far, agreement and ALIKE_COUNTS times the similarity, before keypoints are found; of
# promised kinds of copies the least had 1.36.
LEAST_SEEN, ALIKE_COUNTS = 1.3, 1.5
WELL_NESTED = 0.7  # agreement
MOVING = 0.4  # share of the difference
TURNED = 0.6  # degrees that a free fit would rotate, from which the alignment may rotate too
WORTH_TURNING = 0.01


@dataclass(frozen=True, eq=False)
class Comparison:
    """The best alignment of two pictures.

    `evidence` is measured in the frame of the second picture when `swapped`.
    """

    first: Thumb
    second: Thumb
    evidence: Evidence
    swapped: bool
    mirrored: bool
    similarity: float  # cosine of the embeddings
    hash_distance: int  # bits
    plain: float  # share of one brightness, in the picture that has less of it
    equal: float  # share of the frame's cells that have the same colours
    equal_beside: float  # the same of the cells with detail outside the patch that differs most

    @cached_property
    def difference(self) -> Difference | None:
        """How the colours of the frames differ; None of a mirrored picture."""
        return None if self.mirrored else difference(self.first, self.second, self.alignment())

    def alignment(self) -> Alignment:
        """The map from the first picture's pixels to the second's."""
        return self.evidence.alignment.inverse() if self.swapped else self.evidence.alignment


def in_order(first: Thumb, second: Thumb) -> tuple[Thumb, Thumb]:
    """The two pictures in the order in which they are always compared."""
    if first.content_hash <= second.content_hash:
        return first, second
    return second, first


def compare(
    first: Thumb, second: Thumb, *, mirror: bool = True, enough: Callable[[Comparison], bool] | None = None
) -> Comparison | None:
    """Find how `first` and `second` lie on each other; None if no alignment is worth measuring.

    Pictures with nearly the same hash, or with many cells of the same colours, are compared frame on frame
    even where nothing else proposes it. With `enough`, keypoints are the last resort: none are found of
    pictures for which less is enough, or of which nothing seen from far speaks for their being one.
    """
    bits = hash_distance(first.descriptor, second.descriptor)
    equal = equal_cells(first, second, blurred=bits <= CLOSE_HASH)
    same_frame = bits <= CLOSE_HASH or equal[1] > SAME_LAYOUT
    alike = similarity(first.descriptor, second.descriptor)
    may_mirror = mirror and alike > LEAST_MIRRORED_SIMILARITY

    def measured(best: tuple[Trial, bool], *, mirrored: bool) -> Comparison:
        plain = min(first.plain, second.plain)
        return Comparison(first, second, measure(best[0]), best[1], mirrored, alike, bits, plain, *equal)

    if enough is not None:
        laid = _laid(first, second) if same_frame else None
        if laid is None:
            agreement, start = nested(first, second)
            flipped = nested_mirrored(first, second) if may_mirror else -1.0
            if not same_frame and max(agreement, flipped) + ALIKE_COUNTS * alike < LEAST_SEEN:
                return None
            laid = _inside(first, second, start) if agreement > WELL_NESTED else None
        if laid and enough(comparison := measured(laid, mirrored=False)):
            return comparison
    best, mirrored = _best(first, second, same_frame=same_frame, least=LEAST_AGREEMENT), False
    if may_mirror and (best is None or not _convincing(best[0])):
        other = second.mirrored()
        flipped_equal = equal_cells(first, other)
        if not same_frame or flipped_equal[1] > equal[1]:
            turned = _best(first, other, same_frame=False, least=LEAST_MIRRORED_AGREEMENT)
            if turned and (best is None or turned[0].strength > best[0].strength):
                best, mirrored, equal = turned, True, flipped_equal
    return measured(best, mirrored=mirrored) if best else None


def _best(first: Thumb, second: Thumb, *, same_frame: bool, least: float) -> tuple[Trial, bool] | None:
    """The strongest of all trials, and whether it is in the second picture's frame."""
    best: tuple[Trial, bool] | None = None
    reached: list[Alignment] = []
    proposed = proposals(first, second, least)
    whole = whole_onto_whole(first, second) if same_frame else None
    if whole and not any(proposal.resembles(whole, first) for proposal in proposed):
        proposed.append(whole)
    for proposal in proposed:
        if any(proposal.resembles(alignment, first) for alignment in reached):
            continue
        swapped = proposal.scale() > 1
        one, two, start = (second, first, proposal.inverse()) if swapped else (first, second, proposal)
        trial = _refined(one, two, start)
        if trial is None and whole and proposal.resembles(whole, first):
            trial = tried(one, two, start)  # faint pictures and overlays all over cannot be refined
        if trial is None:
            continue
        reached.append(trial.alignment.inverse() if swapped else trial.alignment)
        if best is None or trial.strength > best[0].strength:
            best = trial, swapped
        if _convincing(best[0]):
            break
    return best


def _laid(first: Thumb, second: Thumb) -> tuple[Trial, bool] | None:
    """A convincing trial of one picture laid onto the other as it is, and whether in the second's frame."""
    start = whole_onto_whole(first, second)
    swapped = start.scale() > 1
    one, two, start = (second, first, start.inverse()) if swapped else (first, second, start)
    found = sharpened(one, two, start)
    if found is None:
        return None
    trial = weighed(one, two, *found)
    return (trial, swapped) if _convincing(trial) else None


def _inside(first: Thumb, second: Thumb, start: Alignment) -> tuple[Trial, bool] | None:
    """A convincing trial of one picture laid into the other, and whether in the second's frame."""
    swapped = start.scale() > 1
    one, two, start = (second, first, start.inverse()) if swapped else (first, second, start)
    trial = _refined(one, two, start)
    return (trial, swapped) if trial and _convincing(trial) else None


def _convincing(trial: Trial) -> bool:
    return trial.strength > GOOD_ENOUGH and trial.moved < MOVING


def _refined(first: Thumb, second: Thumb, start: Alignment) -> Trial | None:
    """Try the refined alignment; let it rotate too where that may explain what does not fit."""
    turning = start.turn() > STRAIGHT
    alignment = refine(first, second, start, turn=turning)
    if alignment is None:
        return None
    trial = tried(first, second, alignment)
    if turning or trial.turn < TURNED or trial.moved < MOVING:
        return trial
    turned = refine(first, second, alignment, turn=True)
    if turned is None:
        return trial
    turned_trial = tried(first, second, turned)
    return turned_trial if turned_trial.strength > trial.strength + WORTH_TURNING else trial
