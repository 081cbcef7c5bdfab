"""Bounds against scipy, and what edits and neighbours come to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from include.dedupe.calibrating.measure import (
    BINS,
    Curve,
    histogram,
    kinds_found,
    scores_by_class,
    wilson,
)
from include.dedupe.calibrating.tables import EDITED
from include.dedupe.calibration import THRESHOLDS
from include.detector.editing.kinds import KINDS


@given(st.integers(1, 5000).flatmap(lambda asked: st.tuples(st.integers(0, asked), st.just(asked))))
def test_bounds_are_those_of_scipy(counts: tuple[int, int]) -> None:
    found, asked = counts
    expected = binomtest(found, asked).proportion_ci(0.95, method="wilson")
    assert wilson(found, asked) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_of_nothing_nothing_is_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.lists(st.floats(0, 1), max_size=60))
def test_a_curve_counts_what_scores_at_least_so_much(scores: list[float]) -> None:
    curve = Curve.of(np.array(scores))
    assert curve.found == tuple(sum(score >= one for score in scores) for one in THRESHOLDS)
    assert list(curve.found) == sorted(curve.found, reverse=True)


@given(st.lists(st.floats(0, 1), max_size=60))
def test_a_histogram_holds_every_score_from_the_lowest_up_once(scores: list[float]) -> None:
    bins = histogram(np.array(scores, dtype=np.float64))
    assert len(bins) == len(BINS)
    assert sum(bins) == sum(score >= 0.5 for score in scores)


def test_scores_on_an_edge_belong_to_the_bin_that_begins_there() -> None:
    for place, edge in enumerate(BINS):
        assert histogram(np.array([edge]))[place] == 1
    assert histogram(np.array([1.0]))[-1] == 1


def test_kinds_are_counted_by_strength_and_together() -> None:
    kinds = (KINDS["gamma"], KINDS["icon"], KINDS["scale"])
    rows = [
        ("a", "gamma", "gamma 0.5", 0.9),
        ("b", "gamma", "gamma 2.0", 0.6),
        ("a", "scale", "scale 2", 0.99),
    ]
    edited = pd.DataFrame([(*row, "") for row in rows], columns=EDITED.names)
    gamma, icon, scale = kinds_found(edited, kinds, 0.95)
    assert [one.curve.asked for one in gamma.strengths] == [1, 1]
    assert gamma.curve.found[THRESHOLDS.index(0.7)] == 1
    assert (icon.curve.asked, icon.called_exact) == (0, 0.0)
    assert scale.called_exact == 1.0
    by_class = scores_by_class(edited, kinds)
    assert (sorted(by_class["near"]), list(by_class["exact"])) == ([0.6, 0.9], [0.99])
