"""Propose: the thresholds that give what the settings want, or why there is none.

A threshold has room between what it must not let through and what it must find; the middle of that room is
proposed. What it must find are copies of the collection's own pictures. What it must not let through are
other pictures, as people judged them; for the threshold of near duplicates also as a gap in the scores tells,
and for that of exact ones copies on which one sees a change, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from include.dedupe.calibrating.judged import Errors
from include.dedupe.calibrating.measure import Curve, KindFound, Scores, wilson
from include.dedupe.calibration import LOWEST, THRESHOLDS, percent

LEAST_GAP = 0.05
"""A gap in the scores that is no wider tells nothing."""
LEAST_OF_A_KIND = 0.75
"""Share of the copies of each kind that is found at least, where more of all copies is wanted."""
ENOUGH = 1_000_000


@dataclass(frozen=True, slots=True)
class Proposal:
    """A threshold, or None, and in words why.

    ``lowest`` and ``highest``: the room that it has. ``is_proven``: judgements show that the error rate is as
    wanted.
    """

    value: float | None
    says: str
    lowest: float | None = None
    highest: float | None = None
    is_proven: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Share of the copies that are to be found, and of the pairs that may be wrong."""

    recall: float
    max_error_rate: float


def propose_near(
    together: Curve, kinds: Sequence[KindFound], neighbours: Scores, errors: Sequence[Errors], wanted: Wanted
) -> Proposal:
    """Return a threshold for near duplicates.

    Args:
        together: all edits.
        kinds: the same by kind.
        neighbours: scores of other documents that nobody has called copies.
        errors: at each of THRESHOLDS.
        wanted: what it is to give.
    """
    highest = _highest(together, kinds, wanted.recall)
    if highest is None:
        return Proposal(None, _why_not_found(together, kinds, wanted.recall, "found"))
    lowest, told = _above_gap(neighbours, highest)
    if (refuted := _refuted(errors, wanted)) is not None:
        lowest = max(refuted, lowest or 0.0)
        told = f"judged pairs are wrong too often below {refuted:.2f}"
    if lowest is None:
        return Proposal(None, told, highest=highest)
    copies = "copies are found"
    if lowest > highest:
        return _too_many_wrong(lowest, highest, copies, wanted)
    found = _within(lowest, highest, f"{told}, and {_up_to(highest, copies, wanted)}", errors, wanted)
    return replace(found, says=f"{found.says}{_weaker(kinds, found.value, wanted.recall)}")


def propose_exact(
    exact: Curve, kinds: Sequence[KindFound], near: Scores, errors: Sequence[Errors], wanted: Wanted
) -> Proposal:
    """Return a threshold for exact duplicates; ``near`` are the scores of copies that show a change."""
    own = [kind for kind in kinds if kind.expected == "exact"]
    if not own:
        return Proposal(None, "No kind of edit was tried whose copies are exact.")
    highest = _highest(exact, own, wanted.recall)
    if highest is None:
        return Proposal(None, _why_not_found(exact, own, wanted.recall, "called exact"))
    under = [one for one in THRESHOLDS if not len(near) or (near < one).mean() >= wanted.recall]
    lowest = min(under, default=None)
    if lowest is None or lowest > highest:
        others = sorted(
            (kind for kind in kinds if kind.expected == "near"), key=lambda one: -_at(one, highest)
        )
        named = ", ".join(f"{kind.name} ({percent(_at(kind, highest))})" for kind in others[:3])
        why = (
            f"Up to {highest:.2f} at least {percent(wanted.recall)} of the exact copies are called exact, "
            f"but then so are copies that show a change: {named}."
        )
        return Proposal(None, why, lowest, highest)
    told = f"from {lowest:.2f} up at least {percent(wanted.recall)} of the copies that show a change are near"
    copies = "exact copies are called exact"
    refuted = _refuted(errors, wanted)
    if refuted is not None and refuted > highest:
        return _too_many_wrong(refuted, highest, copies, wanted)
    if refuted is not None and refuted > lowest:
        lowest, told = refuted, f"{told}, judged pairs are wrong too often below {refuted:.2f}"
    return _within(lowest, highest, f"{told}, and {_up_to(highest, copies, wanted)}", errors, wanted)


def _highest(curve: Curve, kinds: Sequence[KindFound], recall: float) -> float | None:
    """Return the highest threshold that finds enough of all copies, and not clearly too few of a kind."""
    least = min(recall, LEAST_OF_A_KIND)
    fits = [
        threshold
        for place, threshold in enumerate(THRESHOLDS)
        if curve.low[place] >= recall and all(kind.curve.high[place] >= least for kind in kinds)
    ]
    return max(fits, default=None)


def _why_not_found(curve: Curve, kinds: Sequence[KindFound], recall: float, told: str) -> str:
    if wilson(curve.asked, curve.asked)[0] < recall:
        needed = next(count for count in range(1, ENOUGH) if wilson(count, count)[0] >= recall)
        return (
            f"{curve.asked} copies are too few to show that {percent(recall)} are {told}: at least {needed} "
            f"are needed. Draw a larger calibrate.sample."
        )
    shares = {kind.name: _at(kind, LOWEST) for kind in kinds if kind.curve.asked}
    bad = sorted((share, name) for name, share in shares.items() if share < recall)
    named = ", ".join(f"{name} ({percent(share)})" for share, name in bad)
    kept = f"; what is missed most: {named}" if bad else ""
    return (
        f"None fits: even at {LOWEST:.2f} only {percent(curve.found[0] / max(curve.asked, 1))} of the copies "
        f"are {told} (at least {percent(curve.low[0])}), not {percent(recall)}{kept}."
    )


def _weaker(kinds: Sequence[KindFound], threshold: float | None, recall: float) -> str:
    """Return a sentence on the kinds of which fewer copies are found than of all."""
    if threshold is None:
        return ""
    shares = sorted((_at(kind, threshold), kind.name) for kind in kinds if kind.curve.asked)
    named = ", ".join(f"{name} ({percent(share)})" for share, name in shares if share < recall)
    return f" Fewer are found of: {named}." if named else ""


def _above_gap(neighbours: Scores, highest: float) -> tuple[float | None, str]:
    """Return where the widest gap in the scores of neighbours begins, below ``highest``, and words for it."""
    below = np.sort(neighbours[neighbours < highest])
    edges = np.r_[LOWEST, below, highest]
    widths = np.diff(edges)
    place = int(widths.argmax())
    if widths[place] < LEAST_GAP:
        return None, (
            "None fits that can be told from scores alone: those of other pictures leave no gap below "
            f"{highest:.2f}. Judge a sample on the review page, then calibrate again."
        )
    begin = float(edges[place])
    above = next((one for one in THRESHOLDS if one > begin), THRESHOLDS[-1])
    lowest = LOWEST if not place else above
    return lowest, f"no other document scores between {begin:.2f} and {edges[place + 1]:.2f}"


def _refuted(errors: Sequence[Errors], wanted: Wanted) -> float | None:
    """Return the lowest threshold above all those at which judgements show more errors than wanted."""
    bad = [one.threshold for one in errors if one.lower_bound > wanted.max_error_rate]
    return round(max(bad) + 0.01, 2) if bad else None


def _too_many_wrong(refuted: float, highest: float, copies: str, wanted: Wanted) -> Proposal:
    why = (
        f"None fits: below {refuted:.2f} judged pairs are wrong too often for an error rate of "
        f"{percent(wanted.max_error_rate)}, and only {_up_to(highest, copies, wanted)}."
    )
    return Proposal(None, why, refuted, highest)


def _up_to(highest: float, copies: str, wanted: Wanted) -> str:
    return f"up to {highest:.2f} at least {percent(wanted.recall)} of the {copies}"


def _within(lowest: float, highest: float, told: str, errors: Sequence[Errors], wanted: Wanted) -> Proposal:
    """Return the threshold in the middle of its room, or the one nearest to it that judgements prove."""
    middle = _middle(lowest, highest)
    proven = [
        one.threshold
        for one in errors
        if lowest <= one.threshold <= highest and one.upper_bound <= wanted.max_error_rate
    ]
    value = min(proven, key=lambda one: abs(one - middle)) if proven else middle
    at = next(one for one in errors if one.threshold == value)
    bound = percent(wanted.max_error_rate)
    if proven:
        proof = f"the error rate is below {bound}, as {at.judged} judged pairs show"
    else:
        more = at.more_needed(wanted.max_error_rate)
        missing = (
            "no sample could show it" if more is None else f"{more:,} more right judgements would show it"
        )
        proof = f"that the error rate is below {bound} is not shown ({at.judged} pairs judged; {missing})"
    return Proposal(value, f"{value:.2f}: {told}; {proof}.", lowest, highest, bool(proven))


def _middle(lowest: float, highest: float) -> float:
    return round((lowest + highest) / 2, 2)


def _at(kind: KindFound, threshold: float) -> float:
    return kind.curve.found[THRESHOLDS.index(threshold)] / max(kind.curve.asked, 1)
