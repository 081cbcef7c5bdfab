"""Samples of more than 8 bits, made visible: what most of them span becomes black to white.

Scientific rasters mark missing places with an extreme value, sensors have hot pixels, and many programs store
10 or 12 bits in 16. What lies beyond is cut for the eye only: whether two pictures are the same is told by
their samples as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[Any]

SCALES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
LEAST_SHARE = 1 / 16  # of a scale that a picture must span to be read on it
MOST_LOOKED_AT = 1 << 20
TAIL = 0.5  # per cent at each end that may be hot or dead
CHUNK = 1 << 22  # samples


def visible(samples: Samples) -> NDArray[np.uint8]:
    """8 bit of each sample of [height, width]; places that hold no number, or none of the others', are 0."""
    low, high, floor, ceiling = _span(samples)
    made = np.zeros(samples.shape, np.uint8)
    rows = max(1, CHUNK // max(1, samples.shape[1]))
    for top in range(0, len(samples), rows):
        part = samples[top : top + rows].astype(np.float64)
        there = np.isfinite(part) & (part >= floor) & (part <= ceiling)
        scaled = (np.where(there, part, low) - low) * (255.0 / (high - low))
        made[top : top + rows] = np.where(there, np.round(np.clip(scaled, 0, 255)), 0)
    return made


def plain(samples: Samples) -> NDArray[np.uint8] | None:
    """The picture of 8 bit that was only stored in wider samples, None if it is none."""
    made = np.empty(samples.shape, np.uint8)
    rows = max(1, CHUNK // max(1, samples.shape[1]))
    factors = {1, 256, 257} if samples.dtype == np.uint16 else {1}
    for top in range(0, len(samples), rows):
        part = samples[top : top + rows]
        if not np.isfinite(part).all() or part.min() < 0:
            return None
        factors = {one for one in factors if ((part % one == 0) & (part // one <= 255)).all()}
        if not factors:
            return None
    if samples.dtype.kind == "f" and not (samples == np.floor(samples)).all():
        return None
    np.floor_divide(samples, min(factors), out=made, casting="unsafe")
    return made


def scale_of(highest: float) -> float:
    """The smallest customary full scale above a sample; 65535 for all beyond."""
    return next((scale for scale in SCALES[1:] if highest <= scale), SCALES[-1])


def _span(samples: Samples) -> tuple[float, float, float, float]:
    """What is black, what is white, and the least and the greatest sample that is one of the picture's."""
    step = max(1, int(np.sqrt(samples.size / MOST_LOOKED_AT)))
    looked = samples[::step, ::step].astype(np.float64)
    values = np.sort(looked[np.isfinite(looked)])
    if not values.size:
        return 0.0, 1.0, 0.0, -1.0
    values = _without_lone_extremes(values)
    low, high = (float(one) for one in np.percentile(values, (TAIL, 100 - TAIL)))
    floor, ceiling = _bounds(values, low, high)
    full = next((scale for scale in SCALES if high <= scale), 0.0)
    if low >= 0 and high - low >= full * LEAST_SHARE and full:
        return 0.0, full, floor, ceiling
    if high > low:
        return low, high, floor, ceiling
    return min(0.0, low), max(full, high, 1.0), floor, ceiling


def _without_lone_extremes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sorted values without one repeated at an end and farther away than all others together span."""
    for _ in range(2):
        for end, inner in (
            (values[0], values[values > values[0]]),
            (values[-1], values[values < values[-1]]),
        ):
            if inner.size < 2:
                continue
            span = np.percentile(inner, 100 - TAIL) - np.percentile(inner, TAIL)
            gap = min(abs(end - inner[0]), abs(end - inner[-1]))
            if span > 0 and gap > 2 * span:
                values = inner
    return values


def _bounds(values: NDArray[np.float64], low: float, high: float) -> tuple[float, float]:
    """Beyond them a sample is missing, not dark or bright."""
    reach = 2 * (high - low)
    return min(float(values[0]), low) - reach, max(float(values[-1]), high) + reach
