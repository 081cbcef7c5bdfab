"""Verification of one candidate: align, measure, score.

A pair is always compared in the same order, so that it scores the same whichever of the two was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from include.detector.comparing.alignment import STRAIGHT, Alignment, proposals, whole_onto_whole
from include.detector.comparing.backdrop import is_same_thing
from include.detector.comparing.closeness import hash_distance, similarity
from include.detector.comparing.comparison import Comparison
from include.detector.comparing.difference import equal_cells, same_colours
from include.detector.comparing.evidence import measure, tried, weighed
from include.detector.comparing.ink import ink
from include.detector.comparing.orientation import (
    MIRRORED,
    UPRIGHT,
    Orientation,
    orientations,
    turned_distances,
)
from include.detector.comparing.parts import shared_part
from include.detector.comparing.perspective import straightened
from include.detector.comparing.refine import refine, sharpened
from include.detector.comparing.spectra import by_spectra
from include.detector.comparing.windows import nested, nested_otherwise

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from include.detector.comparing.evidence import Trial
    from include.detector.comparing.thumb import Thumb

GOOD_ENOUGH = 0.75
CLOSE_HASH = 60  # bits
SAME_LAYOUT = 0.35  # share of the cells with the same colours, beside one patch
LEAST_OTHER_SIMILARITY = 0.42  # cosine of the embeddings, which see a mirrored copy much like a copy
CLOSE_TURNED_HASH = 76  # bits; of plain turned copies the most had 42
# Correlation of whole frames from which they are laid onto each other; studio backgrounds are symmetric.
LEAST_AGREEMENT, LEAST_OTHER_AGREEMENT = 0.4, 0.6
# What must be seen from far before keypoints are found: agreement, similarity and COLOURS_COUNT times the
# shared colours. Of 657 copies that need keypoints the least had 1.31, with similarities of crops 0.1 larger;
# of pairs of other photographs of one kind five in six have less than LEAST_SEEN, of one shop's shelves half.
LEAST_SEEN, COLOURS_COUNT = 1.17, 0.4
WELL_NESTED, WELL_TURNED = 0.7, 0.75  # agreement
PAGE = 0.35  # share of one brightness that pages have at least
MOVING = 0.4  # share of the difference
LEAST_MOVED = 12.0  # pixels between where a part and where the whole would have its corners
TURNED = 0.6  # degrees that a free fit would rotate, from which the alignment may rotate too
WORTH_TURNING = 0.01
# A perspective may explain what moves where so much of the difference does, and so many of the blocks nearly
# fit; it does where less than this share of the movement is left.
TILTED, NEARLY_FITTING, SETTLES = 0.25, 0.55, 0.6


def in_order(first: Thumb, second: Thumb) -> tuple[Thumb, Thumb]:
    """The two pictures in the order in which they are always compared."""
    if first.content_hash <= second.content_hash:
        return first, second
    return second, first


def compare(
    first: Thumb,
    second: Thumb,
    *,
    mirror: bool = True,
    turn: bool = True,
    enough: Callable[[Comparison], bool] | None = None,
) -> Comparison | None:
    """Find how `first` and `second` lie on each other; None if no alignment is worth measuring.

    Pictures with nearly the same hash, or with many cells of the same colours, are compared frame on frame
    even where nothing else proposes it. With `enough`, keypoints are the last resort: none are found of
    pictures for which less is enough, or of which neither what is seen from far nor a part speaks for one.
    `mirror` and `turn`: whether the second may be shown mirrored, and turned by quarter turns.
    """
    pair = _Pair(first, second, orientations(mirror=mirror, turn=turn))
    if enough is not None:
        laid = _laid(first, second, whole_onto_whole(first, second)) if pair.same_frame else None
        if laid is None:
            agreement, start = nested(first, second)
            if not pair.same_frame and not pair.is_seen(agreement):
                return pair.part()
            laid = _inside(first, second, start) if agreement > WELL_NESTED else None
        if laid and enough(comparison := pair.measured(laid)):
            return comparison
        laid = _laid(first, pair.turned, whole_onto_whole(first, pair.turned)) if pair.turned else None
        if laid and pair.hashed and enough(comparison := pair.measured(laid, pair.hashed)):
            return comparison
    best = _best(first, second, same_frame=pair.same_frame, least=LEAST_AGREEMENT)
    shown = UPRIGHT
    if best is None or not _convincing(best[0]):
        for orientation in pair.otherwise():
            other = _best(first, second.shown(orientation), same_frame=False, least=LEAST_OTHER_AGREEMENT)
            if other and (best is None or other[0].strength > best[0].strength):
                best, shown = other, orientation
    return pair.measured(best, shown) if best else None


def before_another_backdrop(first: Thumb, second: Thumb) -> Comparison | None:
    """How two pictures lie on each other that differ in what is behind the thing they show; else None."""
    if not is_same_thing(first, second):
        return None
    start = whole_onto_whole(first, second)
    swapped = start.scale() > 1
    laid = tried(second, first, start.inverse()) if swapped else tried(first, second, start)
    return replace(_Pair(first, second, ()).measured((laid, swapped)), same_thing=True)


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two pictures and what is known of them before any alignment; `others` are orientations that count."""

    first: Thumb
    second: Thumb
    others: tuple[Orientation, ...]

    @cached_property
    def bits(self) -> int:
        return hash_distance(self.first.descriptor, self.second.descriptor)

    @cached_property
    def equal(self) -> tuple[float, float]:
        return equal_cells(self.first, self.second, blurred=self.bits <= CLOSE_HASH)

    @cached_property
    def same_frame(self) -> bool:
        return self.bits <= CLOSE_HASH or self.equal[1] > SAME_LAYOUT

    @cached_property
    def alike(self) -> float:
        return similarity(self.first.descriptor, self.second.descriptor)

    @cached_property
    def distances(self) -> NDArray[np.int64]:
        """Bits between the hashes with the second shown in each of the other orientations."""
        found = turned_distances(self.second.hashes, self.first.hashes[:, 0], self.others)
        least: NDArray[np.int64] = found.min(axis=0)
        return least

    @cached_property
    def hashed(self) -> Orientation | None:
        """The other orientation in which the hashes say that the frames are the same."""
        if not self.others or self.bits <= CLOSE_HASH:
            return None
        place = int(self.distances.argmin())
        return self.others[place] if self.distances[place] <= CLOSE_TURNED_HASH else None

    @cached_property
    def turned(self) -> Thumb | None:
        """The second shown so."""
        return self.second.shown(self.hashed) if self.hashed else None

    @cached_property
    def nested(self) -> NDArray[np.float32]:
        """How well one lies in the other, seen from far, in each of the other orientations."""
        return nested_otherwise(self.first, self.second, self.others)

    @cached_property
    def may_be_shown(self) -> bool:
        """Whether they are alike enough to be held against each other in other orientations."""
        return bool(self.others) and self.alike > LEAST_OTHER_SIMILARITY

    def is_seen(self, agreement: float) -> bool:
        """Whether enough seen from far speaks for their being one, where upright so much agrees."""
        if self.hashed:
            return True
        beside = self.alike + COLOURS_COUNT * same_colours(self.first, self.second)
        if agreement + beside >= LEAST_SEEN:
            return True
        return self.may_be_shown and float(self.nested.max()) + beside >= LEAST_SEEN

    def part(self) -> Comparison | None:
        """How one is a part of the other, where landmarks say that it may be.

        Never frame on frame: what agrees there of pictures that look unlike each other is a template.
        """
        part = shared_part(self.first.descriptor, self.second.descriptor)
        shown = Orientation(flipped=False, quarters=part.quarters) if part else UPRIGHT
        if part is None or shown not in (UPRIGHT, *self.others):
            return None
        second = self.second.shown(shown) if part.quarters else self.second
        best = _laid(self.first, second, part.alignment) if part.alignment else None
        best = best or _best(self.first, second, same_frame=False, least=LEAST_AGREEMENT)
        found = self.measured(best, shown) if best else None
        if found is None or part.quarters:
            return found
        whole = whole_onto_whole(self.first, self.second)
        return found if found.alignment().apart(whole, self.first) > LEAST_MOVED else None

    def otherwise(self) -> list[Orientation]:
        """Other orientations worth a closer look: those of the hashes, mirrored, best nested."""
        found = [self.hashed] if self.hashed else []
        if self.may_be_shown:
            best = int(self.nested.argmax())
            found += [MIRRORED] if MIRRORED in self.others else []
            found += [self.others[best]] if self.nested[best] > WELL_TURNED else []
        return [
            one
            for one in dict.fromkeys(found)
            if not self.same_frame or equal_cells(self.first, self.second.shown(one))[1] > self.equal[1]
        ]

    def measured(self, best: tuple[Trial, bool], shown: Orientation = UPRIGHT) -> Comparison:
        """All that can be said of the strongest trial, with the second shown so."""
        trial, swapped = best
        plain = min(self.first.plain, self.second.plain)
        bits, equal = self.bits, self.equal
        if shown != UPRIGHT:
            bits = int(self.distances[self.others.index(shown)])
            equal = equal_cells(self.first, self.second.shown(shown))
        written = ink(trial.laid) if plain > PAGE else None
        return Comparison(
            self.first, self.second, measure(trial), swapped, shown, self.alike, bits, plain, *equal, written
        )


def _best(first: Thumb, second: Thumb, *, same_frame: bool, least: float) -> tuple[Trial, bool] | None:
    """The strongest of all trials, and whether it is in the second picture's frame."""
    best: tuple[Trial, bool] | None = None
    reached: list[Alignment] = []
    proposed = proposals(first, second, least)
    whole = whole_onto_whole(first, second) if same_frame else None
    if whole and not any(proposal.resembles(whole, first) for proposal in proposed):
        proposed.append(whole)
    for proposal in _with_page(proposed, first, second):
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


def _with_page(proposed: Sequence[Alignment], first: Thumb, second: Thumb) -> Iterator[Alignment]:
    """All that is proposed, and at last how a page lies that was turned or cropped."""
    yield from proposed
    if min(first.plain, second.plain) > PAGE:
        yield by_spectra(first, second)


def _laid(first: Thumb, second: Thumb, start: Alignment) -> tuple[Trial, bool] | None:
    """A convincing trial of one picture laid onto the other about so, and whether in the second's frame."""
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
    """Try the refined alignment; let it rotate, or tilt, where that may explain what does not fit."""
    turning = start.turn() > STRAIGHT
    alignment = refine(first, second, start, turn=turning)
    if alignment is None:
        return None
    trial = tried(first, second, alignment)
    if not turning and trial.turn >= TURNED and trial.moved >= MOVING:
        turned = refine(first, second, alignment, turn=True)
        other = turned and tried(first, second, turned)
        trial = other if other and other.strength > trial.strength + WORTH_TURNING else trial
    if trial.moved < TILTED or trial.fitting < NEARLY_FITTING:
        return trial
    straight = straightened(first, second, trial.alignment)
    upright = straight and tried(first, *straight)
    settled = upright and upright.strength > trial.strength and upright.moved < SETTLES * trial.moved
    return upright if upright and settled else trial
