"""From measurements to a score: below 0.70 something else, to 0.95 near, above exact.

The score is piecewise monotone, so that the two thresholds mean the two classes by construction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from include.flow_server.index.difference import Difference
    from include.flow_server.index.verify import Comparison

NEAR, EXACT = 0.70, 0.95
JUST_BELOW = 0.0001
LARGEST_ASPECT = 0.03
LARGEST_LUMA_CELL, LARGEST_CHROMA_CELL = 12.0, 12.0
LARGEST_LUMA_MEAN, LARGEST_CHROMA_MEAN = 3.0, 3.0
LARGEST_GAIN = 0.1


def score(comparison: Comparison) -> float:
    """Score of two aligned pictures, 0..1; equal pixels are the caller's business."""
    z = _certainty(comparison)
    if z <= 0:
        return NEAR - JUST_BELOW - 0.2 * float(np.tanh(-z / 2))
    if comparison.difference is not None and (room := exactness(comparison.difference)) > 0:
        return EXACT + (1 - EXACT - JUST_BELOW) * room
    return NEAR + (EXACT - NEAR - JUST_BELOW) * float(np.tanh(z / 2))


def exactness(found: Difference) -> float:
    """How far inside the bounds of an exact copy the pair lies: 1 = no difference, <= 0 = not exact."""
    return 1 - max(
        found.aspect / LARGEST_ASPECT,
        found.luma_cell / LARGEST_LUMA_CELL,
        found.chroma_cell / LARGEST_CHROMA_CELL,
        found.luma_mean / LARGEST_LUMA_MEAN,
        found.chroma_mean / LARGEST_CHROMA_MEAN,
        found.contrast_gain / LARGEST_GAIN,
        found.chroma_gain / (3 * LARGEST_GAIN),
    )


def _certainty(comparison: Comparison) -> float:
    """Log odds that both pictures are one; positive = duplicate."""
    evidence = comparison.evidence
    texture = min(1.0, evidence.blocks / 10)
    z = 12 * (evidence.strength - 0.42) + 6 * (evidence.agreeing - 0.4)
    z += 2 * min(1.0, evidence.alignment.votes / 12) - 1 - 3 * (1 - texture)
    free_hand = evidence.turn > 0.9 and evidence.strength < 0.8
    return z - (4 if free_hand else 0)
