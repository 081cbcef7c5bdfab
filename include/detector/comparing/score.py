"""From measurements to a score: below 0.70 something else, to 0.95 near, above exact.

Two small fitted functions decide: one whether two pictures are one, one whether nothing but coding and
scale lies between them. Their weights come from `include.tools.fit_detector`, which states in
the weights file what they were fitted on and what they reach. The score is piecewise monotone in both, so
that the two thresholds mean the two classes by construction.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from include.detector.comparing.orientation import UPRIGHT
from include.detector.comparing.verify import CLOSE_HASH, before_another_backdrop, compare, in_order
from include.detector.imaging import DESCRIPTOR_VERSION

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from include.detector.comparing.comparison import Comparison
    from include.detector.comparing.difference import Difference
    from include.detector.comparing.thumb import Thumb

WEIGHTS = Path(__file__).with_name("score-weights.json")
NEAR, EXACT = 0.70, 0.95
JUST_BELOW = 0.0001
RULES = 6  # raised whenever a rule of this package changes what pictures score
LAST = 8  # comparisons whose certainty is kept: it is asked for while they are made, and for their score
SURE = 5.0  # log odds of being one picture that an exact copy has; of the fitted ones the least had 7.4
LARGEST_REST_TURN, SETTLED = 1.0, 0.45  # degrees; share of the blocks that must fit for that to mean anything
LARGEST_MOVED, WELL_FITTING = 0.46, 0.85  # shares of the difference and of the blocks
LEAST_OVERLAP = 0.5  # share of the frame
LEAST_UNFOUNDED = 0.65  # correlation
# Of a copy seen in perspective: what no tone curve explains (levels), and ten times what still moves.
LARGEST_UNEXPLAINED = 4.0
# Pictures under one label have at most so much beside it; copies that are half hidden show no plain label.
AGREEING_ALL_OVER, LABEL, LARGEST_BESIDE_LABEL = 0.8, 0.45, 0.4  # correlation, share, correlation
LEAST_INK, LEAST_INK_BESIDE_PATCH = 0.69, 0.78  # correlations
# Frame on frame, as wide and as sharp as it was, a page has more of its ink in the same place: of copies that
# keep so many of their colours beside one patch, all that had less were stretched, or had hardly any pixels.
LEAST_INK_IN_PLACE, LARGEST_STRETCH, FEWEST_PIXELS = 0.75, 1.1, 128**2
# Where paper takes so much of both (share), so much of the same ink is as good as these log odds: all over
# where so many of the blocks fit, or beside one patch, such as a stamp or a caption, where fewer do. Of 780
# pairs of other forms of one template the most had 0.65 all over, and two more than 0.96 beside a patch; of
# other charts the most had 0.85 and 0.80.
PAPER, SURELY_WRITTEN = 0.5, 1.5
SAME_INK, PAGES_FITTING = 0.8, 0.8
SAME_INK_BESIDE_PATCH, FITTING_BESIDE_PATCH = 0.96, 0.7
SAME_THING = 2.5  # log odds, of one thing before another backdrop
FOUNDED = 0.65  # share of the cells with the same colours, beside one patch
# An exact copy stays inside all of these, whatever the fitted function says.
LARGEST_DIFFERENCE = {
    "aspect": 0.008,
    "luma_cell": 20.0,
    "chroma_cell": 36.0,
    "luma_mean": 2.5,
    "outstanding": 7.2,
}
# Where both originals are so much larger than the thumbnail (log ratio), coding and scaling leave the detail
# as it is (log ratio below 0.06), a visible blur does not.
RESOLVED, LARGEST_SHARPNESS_GAIN = 0.6, 0.27
# What a page has under a watermark, both of it: skewness and ratio. Of exact copies of drawn pages charts at
# half the size come closest, with one or the other.
LOPSIDED, OUTSTANDING = 1.4, 4.0
# Which features speak for (1) and against (-1); 0 where that depends on the others. The fitted functions rise
# or fall accordingly, so that they stay sensible for pictures unlike those they were fitted on.
SAME_SIGNS = (*(1,) * 13, 0, 0, -1, 1, 0, 0, -1, -1, -1, 1, 1, 1, 0, 0, 0, 1, 1, 0, 1, 1)
EXACT_SIGNS = (*(-1,) * 10, 1, 0, -1, -1, -1)


class Fitted:
    """A fitted function: standardise, one hidden layer of tanh, sum."""

    def __init__(self, weights: dict[str, Any]) -> None:
        self.mean, self.spread, self.hidden, self.offset, self.out = (
            np.array(weights[name]) for name in ("mean", "spread", "hidden", "offset", "out")
        )
        self.bias, self.zero = float(weights["bias"]), float(weights["zero"])

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log odds above the operating point, for one row or many."""
        hidden = np.tanh((values - self.mean) / self.spread @ self.hidden + self.offset)
        odds: NDArray[np.float64] = hidden @ self.out + self.bias - self.zero
        return odds


def score_pair(first: Thumb, second: Thumb, *, mirror: bool, turn: bool = True) -> float:
    """Score of two pictures, 0..1, the same in either order; equal pixels are the caller's business.

    Files that hold other things beside their first frame are near at most, however much that one agrees.
    """
    comparison = compared(first, second, mirror=mirror, turn=turn)
    found = score(comparison) if comparison else 0.0
    return found if first.beside == second.beside else min(found, EXACT - JUST_BELOW)


def compared(first: Thumb, second: Thumb, *, mirror: bool, turn: bool = True) -> Comparison | None:
    """What the score of two pictures rests on; None if no alignment was found.

    Keypoints can only make two pictures more certain to be one, so none are found where that is sure already.
    """
    pair = in_order(first, second)
    found = compare(*pair, mirror=mirror, turn=turn, enough=lambda laid: certainty(laid) > SURE)
    if found and certainty(found) > 0:
        return found
    return before_another_backdrop(*pair) or found


def score(comparison: Comparison) -> float:
    """Score of two aligned pictures, 0..1."""
    sure = certainty(comparison)
    if sure <= 0:
        return NEAR - JUST_BELOW - 0.2 * float(np.tanh(-sure / 4))
    closeness = exactness(comparison.difference) if comparison.difference and sure > SURE else 0.0
    if closeness > 0:
        return EXACT + (1 - EXACT - JUST_BELOW) * float(np.tanh(closeness / 6))
    return NEAR + (EXACT - NEAR - JUST_BELOW) * float(np.tanh(sure / 6))


@lru_cache(LAST)
def certainty(comparison: Comparison) -> float:
    """Log odds that two aligned pictures are one; > 0 = they are."""
    if comparison.same_thing:
        return SAME_THING
    odds = float(_weights()["same"](same_features(comparison)))
    written = same_words(comparison)
    if unlike_any_copy(comparison) or ((odds > 0 or written) and labelled_alike(comparison)):
        return min(odds, -1.0)
    return max(odds, SURELY_WRITTEN) if written else odds


def unlike_any_copy(comparison: Comparison) -> bool:
    """What at most one fitted copy in a thousand shows, and many other pairs.

    The pictures would still rotate after refinement; they fit well and yet their parts move (a burst); they
    share less than half a frame; or no keypoint, no hash and hardly a block speaks for them, as with two
    things before a white background. Where most cells with detail have the same colours, only a burst counts.
    Of pages the words must be the same, but for a stamp. What was bent to fit must fit in light and place.
    """
    evidence = comparison.evidence
    if otherwise_written(comparison):
        return True
    if evidence.straightened and evidence.tone_tail + 10 * evidence.moved > LARGEST_UNEXPLAINED:
        return True
    burst = evidence.moved > LARGEST_MOVED and evidence.fitting > WELL_FITTING
    unfounded = evidence.alignment.votes == 0 and comparison.hash_distance > CLOSE_HASH
    if burst or comparison.equal_beside > FOUNDED:
        return burst
    return (
        (evidence.turn > LARGEST_REST_TURN and evidence.fitting > SETTLED)
        or evidence.overlap < LEAST_OVERLAP
        or (unfounded and evidence.weighted < LEAST_UNFOUNDED)
    )


def labelled_alike(comparison: Comparison) -> bool:
    """Whether only one place agrees, as of two pictures with the same label, however large that is."""
    evidence = comparison.evidence
    if evidence.weighted > AGREEING_ALL_OVER:
        return False
    return evidence.label.plain > LABEL and evidence.label.beside < LARGEST_BESIDE_LABEL


def same_words(comparison: Comparison) -> bool:
    """Whether two pages lie well on each other and hold the same words, all over or beside one patch."""
    ink, fitting = comparison.ink, comparison.evidence.fitting
    if ink is None or comparison.plain <= PAPER:
        return False
    if fitting > PAGES_FITTING and min(ink.everywhere, ink.beside_patch) > SAME_INK:
        return True
    return fitting > FITTING_BESIDE_PATCH and ink.beside_patch > SAME_INK_BESIDE_PATCH


def otherwise_written(comparison: Comparison) -> bool:
    """Whether two pages hold other words than each other."""
    ink = comparison.ink
    if ink is None or ink.beside_patch >= LEAST_INK_BESIDE_PATCH:
        return False
    return ink.everywhere < (LEAST_INK_IN_PLACE if lies_in_place(comparison) else LEAST_INK)


def lies_in_place(comparison: Comparison) -> bool:
    """Whether two pages lie frame on frame, and neither was stretched, blurred or made tiny."""
    ink, sizes = comparison.ink, (comparison.first.descriptor, comparison.second.descriptor)
    if comparison.equal_beside <= FOUNDED or ink is None or not ink.equally_sharp:
        return False
    if min(size.width * size.height for size in sizes) < FEWEST_PIXELS:
        return False
    return comparison.evidence.alignment.stretch() < LARGEST_STRETCH


def exactness(difference: Difference) -> float:
    """Log odds that nothing but coding and scale lies between two pictures; > 0 = exact."""
    if any(getattr(difference, name) > most for name, most in LARGEST_DIFFERENCE.items()):
        return -1.0
    if difference.resolution > RESOLVED and difference.sharpness_gain > LARGEST_SHARPNESS_GAIN:
        return -1.0
    if difference.lopsided > LOPSIDED and difference.outstanding > OUTSTANDING:
        return -1.0
    return float(_weights()["exact"](exact_features(difference)))


def same_features(comparison: Comparison) -> NDArray[np.float64]:
    """What the question "are these one picture?" is decided by; SAME_SIGNS says what speaks for it."""
    evidence = comparison.evidence
    turn = evidence.alignment.turn()
    return np.array(
        [
            evidence.weighted,
            evidence.beside_patch,
            *evidence.quantiles,
            evidence.agreeing,
            evidence.well_agreeing,
            evidence.closely_agreeing,
            *evidence.coarse_quantiles,
            np.log1p(evidence.blocks),
            np.log1p(evidence.alignment.votes),
            min(evidence.moved, 1.0),
            evidence.fitting,
            min(turn, 6.0),
            float(turn > 0.3),
            min(evidence.turn, 3.0),
            np.log1p(evidence.tone_median),
            np.log1p(evidence.tone_tail),
            evidence.chroma,
            evidence.agreeing_chroma,
            evidence.overlap,
            abs(np.log(max(evidence.alignment.scale(), 0.01))),
            min(np.log(evidence.alignment.stretch()), 1.0),
            float(comparison.shown != UPRIGHT),
            comparison.similarity,
            max(0.0, 1 - comparison.hash_distance / 128),
            comparison.plain,
            comparison.equal,
            -np.log(1.1 - comparison.equal_beside) * (1 - comparison.plain),
        ]
    )


def exact_features(difference: Difference) -> NDArray[np.float64]:
    """What the question "exact or near?" is decided by: logarithms, since coding noise is multiplicative.

    EXACT_SIGNS says what speaks for exact.
    """
    found = difference
    return np.array(
        [
            np.log(found.aspect + 0.01),
            np.log(found.luma_cell + 1),
            np.log(found.chroma_cell + 1),
            np.log(found.luma_tail + 1),
            np.log(found.chroma_tail + 1),
            np.log(found.luma_mean + 0.3),
            np.log(found.chroma_mean + 0.3),
            np.log(found.contrast_gain + 0.01),
            np.log(found.chroma_gain + 0.03),
            np.log(1.0005 - min(1.0, found.correlation)),
            np.log(found.texture + 0.3),
            found.resolution,
            np.log(found.offset + 0.004),
            np.log((found.luma_cell + 1) / (found.luma_mean + 0.3)),
            np.log((found.chroma_cell + 1) / (found.chroma_mean + 0.3)),
        ]
    )


@cache
def detector_version() -> str:
    """What scores depend on: the analysis of a picture, the weights and the rules of comparing two."""
    weights = hashlib.sha256(WEIGHTS.read_bytes()).hexdigest()
    return f"{DESCRIPTOR_VERSION}/{weights[:8]}.{RULES}"


@cache
def _weights() -> dict[str, Fitted]:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return {name: Fitted(stored[name]) for name in ("same", "exact")}
