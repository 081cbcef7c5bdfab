"""Error rates of samples that were drawn band by band, against scipy and against drawing again and again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2

from include.dedupe.calibrating.judged import Errors, Known, Stratum, error_rates, lower_bound, upper_bound
from include.dedupe.deciding.proof import Band
from include.dedupe.verdicts import Verdict

BANDS = (Band(0.7, 0.8), Band(0.8, 0.9), Band(0.9, 1.0))
counts = st.integers(1, 2000).flatmap(lambda judged: st.tuples(st.integers(0, judged), st.just(judged)))


def judged(right: dict[float, int], wrong: dict[float, int] | None = None) -> list[Verdict]:
    said = [("right", score) for score, count in right.items() for _ in range(count)]
    said += [("wrong", score) for score, count in (wrong or {}).items() for _ in range(count)]
    return [Verdict(kind, ("a", "b"), "x", "now", score=score) for kind, score in said]  # type: ignore[arg-type]


def errors_at(threshold: float, verdicts: list[Verdict], known: Known) -> Errors:
    return next(one for one in error_rates(verdicts, known, BANDS) if one.threshold == threshold)


def scores(**pairs: int) -> np.ndarray:
    return np.concatenate([np.full(count, float(score[1:]) / 100) for score, count in pairs.items()])


@given(counts, st.integers(1, 100))
def test_the_bounds_of_one_band_are_those_of_a_count_in_scipy(found: tuple[int, int], times: int) -> None:
    wrong, number = found
    one = [Stratum(number * times, number, wrong)]
    assert upper_bound(one) == pytest.approx(min(1.0, chi2.ppf(0.95, 2 * wrong + 2) / (2 * number)))
    assert lower_bound(one) == pytest.approx(chi2.ppf(0.05, 2 * wrong) / (2 * number) if wrong else 0.0)
    clopper = binomtest(wrong, number, alternative="less").proportion_ci(0.95, method="exact")
    assert upper_bound(one) >= clopper.high - 1e-12


@given(counts, st.integers(2, 4))
def test_bands_that_stand_for_the_same_are_as_one(found: tuple[int, int], bands: int) -> None:
    wrong, number = found
    apart = [Stratum(5000, number, wrong)] * bands
    together = [Stratum(5000 * bands, number * bands, wrong * bands)]
    assert upper_bound(apart) == pytest.approx(upper_bound(together))
    assert lower_bound(apart) == pytest.approx(lower_bound(together))


@pytest.mark.parametrize(
    "strata", [((9000, 0.001), (900, 0.05), (100, 0.3)), ((500, 0.2), (500, 0.0)), ((20, 0.5), (10**5, 0.01))]
)
def test_the_bounds_hold_in_95_of_100_draws(strata: tuple[tuple[int, float], ...]) -> None:
    rng, draws, number = np.random.default_rng(5), 1500, 60
    every = sum(pairs for pairs, _ in strata)
    true = sum(pairs * rate for pairs, rate in strata) / every
    above = below = 0
    for _ in range(draws):
        sample = [Stratum(pairs, number, int(rng.binomial(number, rate))) for pairs, rate in strata]
        above += upper_bound(sample) < true
        below += lower_bound(sample) > true
    assert above / draws <= 0.06
    assert below / draws <= 0.06


def test_a_judged_pair_stands_for_the_known_pairs_of_its_band() -> None:
    known = Known(scores(_75=100, _95=9900), 0.7)
    told = errors_at(0.7, judged({0.75: 10, 0.95: 20}, {0.75: 10}), known)
    assert (told.judged, told.wrong) == (40, 10)
    assert told.rate == pytest.approx(0.5 * 0.01)  # not 10 of 40
    assert 0.005 < told.upper_bound < 0.25
    rare = errors_at(0.7, judged({0.75: 20, 0.95: 10}, {0.95: 10}), known)
    assert rare.rate == pytest.approx(0.5 * 0.99)


def test_a_band_is_cut_where_the_threshold_lies() -> None:
    known = Known(scores(_72=500, _78=500, _95=10), 0.7)
    told = errors_at(0.75, judged({0.78: 5, 0.72: 5, 0.95: 1}), known)
    assert told.strata == (Stratum(500, 5, 0), Stratum(10, 1, 0))


def test_pairs_of_a_band_in_which_none_was_judged_count_as_wrong_in_the_bound() -> None:
    known = Known(scores(_75=3000, _95=7000), 0.7)
    told = errors_at(0.7, judged({0.95: 3000}), known)
    assert told.rate == 0.0
    assert 0.3 < told.upper_bound < 0.302


def test_below_the_score_down_to_which_pairs_are_known_nothing_is_shown() -> None:
    told = error_rates(judged({0.95: 400}, {0.95: 9}), Known(scores(_95=500), 0.8), BANDS)
    unknown = [one for one in told if one.threshold < 0.8]
    assert {(one.lower_bound, one.upper_bound) for one in unknown} == {(0.0, 1.0)}
    assert told[30].upper_bound < 0.05


def test_of_nothing_nothing_is_shown() -> None:
    told = errors_at(0.7, [], Known(np.zeros(0), 0.7))
    assert (told.rate, told.lower_bound, told.upper_bound, told.more_needed(0.01)) == (None, 0.0, 1.0, 300)


def test_so_many_more_judgements_of_all_bands_bring_the_bound_down() -> None:
    told = errors_at(0.7, judged({0.75: 9, 0.95: 9}), Known(scores(_75=50, _95=9000), 0.7))
    more = told.more_needed(0.01)
    assert more is not None
    after = [Stratum(one.pairs, one.judged + more // 2, one.wrong) for one in told.strata]
    before = [Stratum(one.pairs, one.judged + more // 2 - 1, one.wrong) for one in told.strata]
    assert upper_bound(after) <= 0.01 < upper_bound(before)
