from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from include.dedupe.deciding.proof import (
    Band,
    bands_of,
    count_errors,
    judged_pairs,
    more_needed,
    unproven_bands,
    upper_bound,
)
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.verdicts import Verdict


def config(**sections: object) -> CollectionConfig:
    flow = {"connection": "flow_test", "collection": "pictures"}
    return CollectionConfig.model_validate({"flow": flow, **sections})


def judged(kind: str, score: float, number: int, detector: str = "d1") -> Verdict:
    ids = (f"a{number}", f"b{number}")
    at = f"2026-01-01T00:00:00.{number:06}+00:00"
    return Verdict(kind, ids, "me", at, name=at, score=score, detector=detector)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rate", "wrong", "right"), [(0.01, 0, 299), (0.05, 0, 59), (0.1, 0, 29), (0.5, 0, 5), (0.01, 1, 472)]
)
def test_so_many_right_judgements_prove_a_rate(rate: float, wrong: int, right: int) -> None:
    assert more_needed(wrong, wrong, rate) == right
    assert upper_bound(right + wrong, wrong) < rate <= upper_bound(right + wrong - 1, wrong)


@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_the_bound_is_that_of_scipy(counts: tuple[int, int]) -> None:
    judged, wrong = counts
    known = binomtest(wrong, judged, alternative="less").proportion_ci(0.95, method="exact")
    assert upper_bound(judged, wrong) == pytest.approx(known.high, abs=1e-9)


@given(st.integers(0, 400), st.integers(0, 20), st.sampled_from([0.005, 0.01, 0.05, 0.3]))
def test_so_many_more_are_enough_and_one_less_is_not(right: int, wrong: int, rate: float) -> None:
    judged = right + wrong
    more = more_needed(judged, wrong, rate)
    assert more is not None
    assert upper_bound(judged + more, wrong) < rate
    assert more == 0 or upper_bound(judged + more - 1, wrong) >= rate


def test_nothing_is_known_before_anything_is_judged() -> None:
    assert upper_bound(0, 0) == 1.0
    assert upper_bound(7, 7) == 1.0


@given(
    st.lists(st.floats(0, 1), max_size=4),
    st.floats(0, 0.9),
    st.lists(st.floats(0, 1), min_size=1, max_size=9),
)
def test_every_score_of_a_pair_is_in_exactly_one_band(
    starts: list[float], threshold: float, scores: list[float]
) -> None:
    bands = bands_of(config(scan={"threshold": threshold}, guards={"error_bands": starts}))
    pairs = np.array([score for score in scores if score >= threshold])
    counts = np.sum([band.holds(pairs) for band in bands], axis=0)
    assert (counts == 1).all()


def test_the_last_word_on_a_pair_counts_and_only_of_its_detector() -> None:
    first, later = judged("right", 0.97, 1), judged("wrong", 0.97, 1)
    later = Verdict(**{**{name: getattr(later, name) for name in Verdict.__slots__}, "name": "later"})
    undo = Verdict("undo", ("later",), "me", "2026-01-02", name="undo")
    other = judged("right", 0.97, 2, detector="d2")
    found = judged_pairs([first, later, other], "d1")
    assert [one.kind for one in found.values()] == ["wrong"]
    assert [one.kind for one in judged_pairs([first, later, other, undo], "d1").values()] == ["right"]
    (errors,) = count_errors(found.values(), [Band(0.95, 0.99)])
    assert (errors.judged, errors.wrong) == (1, 1)


def test_a_band_is_unproven_until_its_own_bound_is_below_the_rate() -> None:
    settings = config(guards={"max_error_rate": 0.1, "error_bands": [0.9, 0.95]})
    said = [judged("right", 0.97, number) for number in range(28)]
    assert [band.lowest for band in unproven_bands(said, "d1", settings)] == [0.7, 0.9, 0.95]
    said.append(judged("right", 1.0, 28))
    assert [band.lowest for band in unproven_bands(said, "d1", settings)] == [0.7, 0.9]
    assert [band.lowest for band in unproven_bands(said, "d2", settings)] == [0.7, 0.9, 0.95]
    assert unproven_bands(said, "d2", config()) == ()
