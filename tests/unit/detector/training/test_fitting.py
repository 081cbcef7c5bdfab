"""The fitted functions separate what can be separated and never turn a feature around."""

from __future__ import annotations

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from include.detector.comparing.score import EXACT_SIGNS, SAME_SIGNS, WEIGHTS, Fitted
from include.detector.training.fitting import fit
from include.tools.detection_benchmark import upper_bound


def test_a_fit_separates_two_classes() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, (600, 3))
    truth = (values[:, 0] - 2 * values[:, 1] > 0).astype(float)
    weights = fit(values, truth, np.ones(600), np.array([1, -1, 0]), decay=1e-5)
    assert ((Fitted(weights)(values) > 0) == truth).mean() > 0.97


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), feature=st.integers(0, 27), step=st.floats(0.01, 2))
def test_no_feature_speaks_against_its_sign(seed: int, feature: int, step: float) -> None:
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    for name, signs in (("same", SAME_SIGNS), ("exact", EXACT_SIGNS)):
        if feature >= len(signs) or signs[feature] == 0:
            continue
        fitted = Fitted(stored[name])
        assert len(fitted.mean) == len(signs)
        values = fitted.mean + fitted.spread * np.random.default_rng(seed).normal(0, 1.5, len(signs))
        moved = values.copy()
        moved[feature] += step * fitted.spread[feature] * signs[feature]
        assert fitted(moved) >= fitted(values) - 1e-9


def test_the_upper_bound_of_no_event_is_three() -> None:
    assert 2.9 < upper_bound(0) < 3.1
    assert 10 < upper_bound(5) < 11
