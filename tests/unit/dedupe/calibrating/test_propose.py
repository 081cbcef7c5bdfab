"""Thresholds that are proposed, or the sentence why none fits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from include.dedupe.calibrating.judged import Errors, Known, error_rates
from include.dedupe.calibrating.measure import Curve, KindFound
from include.dedupe.calibrating.propose import Proposal, Wanted, propose_exact, propose_near
from include.dedupe.verdicts import Verdict
from include.detector.editing.kinds import Expected

WANTED = Wanted(0.95, 0.01)


def kind(name: str, scores: Sequence[float], expected: Expected = "near", exact: float = 0.95) -> KindFound:
    array = np.array(scores)
    return KindFound(name, expected, Curve.of(array), float((array >= exact).mean()), ())


def judged(right: Sequence[float], wrong: Sequence[float] = ()) -> list[Verdict]:
    scored = [("right", one) for one in right] + [("wrong", one) for one in wrong]
    return [Verdict(said, ("a", "b"), "x", "now", score=score) for said, score in scored]  # type: ignore[arg-type]


def errors(verdicts: Sequence[Verdict]) -> list[Errors]:
    """Judgements of a collection of which no other pairs are known."""
    return error_rates(verdicts, Known(np.zeros(0), 0.5), ())


def near(
    kinds: Sequence[tuple[str, Sequence[float]]],
    neighbours: Sequence[float] = (),
    verdicts: Sequence[Verdict] = (),
    wanted: Wanted = WANTED,
) -> Proposal:
    every = np.array([score for _, scores in kinds for score in scores])
    found = [kind(name, scores) for name, scores in kinds]
    return propose_near(Curve.of(every), found, np.array(neighbours), errors(verdicts), wanted)


def test_the_middle_of_the_gap_between_copies_and_others_is_proposed_without_a_proof_of_errors() -> None:
    told = near([("crop", [0.84] * 200)], [0.52, 0.55, 0.9, 0.97])
    assert (told.value, told.lowest, told.highest, told.is_proven) == (0.7, 0.56, 0.84, False)
    assert "more right judgements" in told.says


def test_a_kind_that_is_missed_leaves_no_threshold_even_where_the_others_outweigh_it() -> None:
    told = near([("crop", [0.85] * 2000), ("logo", [0.0] * 40)])
    assert told.value is None
    assert "logo (0 %)" in told.says


def test_a_kind_of_which_fewer_are_found_is_named_beside_the_threshold() -> None:
    told = near([("crop", [0.85] * 2000), ("logo", [0.85] * 90 + [0.6] * 10)], [0.55])
    assert told.highest == 0.85
    assert "Fewer are found of: logo (90 %)" in told.says


def test_too_small_a_sample_is_called_so() -> None:
    told = near([("crop", [0.85] * 20)])
    assert told.value is None
    assert "too few" in told.says
    assert "at least 73" in told.says


def test_without_a_gap_people_are_asked_to_judge() -> None:
    told = near([("crop", [0.85] * 200)], list(np.arange(0.5, 0.86, 0.01)))
    assert told.value is None
    assert "Judge a sample" in told.says


def test_enough_right_judgements_prove_a_threshold() -> None:
    told = near([("crop", [0.85] * 200)], [0.55], judged([0.9] * 400))
    assert told.is_proven
    assert "400 judged pairs" in told.says


def test_wrong_judgements_lift_the_threshold() -> None:
    told = near([("crop", [0.85] * 200)], [0.55], judged([0.9] * 50, [0.7] * 5))
    assert told.lowest == 0.71
    assert told.value == 0.78


def test_wrong_pairs_above_the_copies_leave_no_threshold() -> None:
    told = near([("crop", [0.85] * 200)], [0.55], judged([0.99], [0.9] * 5))
    assert told.value is None
    assert "only up to 0.85" in told.says


def exact(
    exact_scores: Sequence[float], near_scores: Sequence[float], verdicts: Sequence[Verdict] = ()
) -> Proposal:
    kinds = [kind("scale", exact_scores, "exact"), kind("gamma", near_scores)]
    curve = Curve.of(np.array(exact_scores))
    return propose_exact(curve, kinds, np.array(near_scores), errors(verdicts), WANTED)


def test_the_threshold_of_exact_copies_lies_between_them_and_those_that_show_a_change() -> None:
    told = exact([0.985] * 200, [0.92] * 200)
    assert (told.value, told.lowest, told.highest) == (0.96, 0.93, 0.98)
    assert not told.is_proven
    assert "is not shown (0 pairs judged; 300 more right judgements would show it)" in told.says


def test_an_exact_threshold_is_proven_by_judgements_too() -> None:
    told = exact([0.985] * 200, [0.92] * 200, judged([0.97] * 400))
    assert (told.value, told.is_proven) == (0.96, True)
    assert "below 1 %, as 400 judged pairs show" in told.says


def test_the_proven_exact_threshold_nearest_to_the_middle_is_taken() -> None:
    told = exact([0.985] * 200, [0.92] * 200, judged([0.98] * 400, [0.965]))
    assert (told.value, told.is_proven) == (0.97, True)


def test_wrong_judgements_lift_an_exact_threshold() -> None:
    told = exact([0.985] * 200, [0.92] * 200, judged([0.98] * 50, [0.955] * 9))
    assert (told.value, told.lowest) == (0.97, 0.96)
    assert "judged pairs are wrong too often below 0.96" in told.says


def test_wrong_pairs_among_the_highest_scores_leave_no_exact_threshold() -> None:
    told = exact([0.985] * 200, [0.92] * 200, judged([0.99], [0.985] * 9))
    assert told.value is None
    assert "None fits: below 0.99 judged pairs are wrong too often" in told.says


def test_where_changed_copies_score_as_exact_ones_no_threshold_fits_and_they_are_named() -> None:
    told = exact([0.96] * 200, [0.97] * 200)
    assert told.value is None
    assert "gamma (100 %)" in told.says


def test_without_exact_kinds_there_is_nothing_to_say() -> None:
    none = Curve.of(np.zeros(0))
    told = propose_exact(none, [kind("gamma", [0.9])], np.array([0.9]), errors([]), WANTED)
    assert told.value is None
