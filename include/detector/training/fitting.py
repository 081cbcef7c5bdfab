"""Fits the small functions of the score: one hidden layer of monotone units, by L-BFGS from a fixed start."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

HIDDEN = 12
ROUNDS = 1500
SEED = 0

Array = NDArray[np.float64]


def fit(
    values: Array, truth: Array, weight: Array, signs: NDArray[np.int64], *, decay: float
) -> dict[str, Any]:
    """Fit log odds of `truth`, monotone in the features that have a sign.

    Args:
        values: features [rows, features].
        truth: 0 or 1 [rows].
        weight: how much each row counts [rows].
        signs: 1 where the odds rise with the feature, -1 where they fall, 0 where they may do either.
        decay: how strongly weights are drawn to zero.

    Returns:
        The weights as `include.detector.comparing.score.Fitted` reads them, with `zero` at 0.
    """
    mean, spread = values.mean(axis=0), values.std(axis=0) + 1e-6
    scaled = (values - mean) / spread
    weight = weight / weight.sum()
    shapes = ((values.shape[1], HIDDEN), (HIDDEN,), (HIDDEN,), ())

    def loss(flat: Array) -> tuple[float, Array]:
        return _loss(_unpack(flat, shapes), scaled, truth, weight, signs, decay=decay)

    random = np.random.default_rng(SEED)
    size = sum(int(np.prod(shape)) for shape in shapes)
    found = minimize(
        loss, random.normal(-1, 1, size), jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS}
    )
    hidden, offset, out, bias = _unpack(found.x, shapes)
    return {
        "mean": _rounded(mean),
        "spread": _rounded(spread),
        "hidden": _rounded(_signed(hidden, signs)),
        "offset": _rounded(offset),
        "out": _rounded(_positive(out)),
        "bias": float(bias),
        "zero": 0.0,
    }


def _loss(
    parts: list[Array], scaled: Array, truth: Array, weight: Array, signs: NDArray[np.int64], *, decay: float
) -> tuple[float, Array]:
    """The loss of the weights `parts`, and its slope along each of them."""
    hidden, offset, out, bias = parts
    signed, gain = _signed(hidden, signs), _positive(out)
    active = np.tanh(scaled @ signed + offset)
    odds = active @ gain + bias
    value = (weight * np.logaddexp(0, np.where(truth > 0, -odds, odds))).sum()
    value += decay * ((signed**2).sum() + (gain**2).sum())
    slope = weight * (1 / (1 + np.exp(-odds)) - truth)
    inner = slope[:, None] * gain * (1 - active**2)
    gradient = [
        (scaled.T @ inner + 2 * decay * signed) * _signed_slope(hidden, signs),
        inner.sum(axis=0),
        (active.T @ slope + 2 * decay * gain) * _slope(out),
        slope.sum(),
    ]
    return float(value), np.concatenate([np.ravel(part) for part in gradient])


def _signed(raw: Array, signs: NDArray[np.int64]) -> Array:
    """Weights [features, units] of the wanted signs."""
    wanted = signs[:, None]
    return np.where(wanted == 0, raw + 1, wanted * _positive(raw))


def _signed_slope(raw: Array, signs: NDArray[np.int64]) -> Array:
    wanted = signs[:, None]
    return np.where(wanted == 0, 1.0, wanted * _slope(raw))


def _positive(raw: Array) -> Array:
    """Softplus: any number to a positive one."""
    return np.logaddexp(0, raw)


def _slope(raw: Array) -> Array:
    slope: Array = 1 / (1 + np.exp(-raw))
    return slope


def _rounded(values: Array) -> Any:
    return np.round(values, 6).tolist()


def _unpack(flat: Array, shapes: tuple[tuple[int, ...], ...]) -> list[Array]:
    parts, place = [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        parts.append(flat[place : place + size].reshape(shape))
        place += size
    return parts
