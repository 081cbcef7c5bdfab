"""What a calibration leaves."""

from __future__ import annotations

from typing import Any

import numpy as np

from include.dedupe.calibrating.measure import Curve, error_rates
from include.dedupe.verdicts import Verdict


def calibration(detector: str = "d1", judged: int = 0) -> dict[str, Any]:
    curves = {name: Curve.of(np.array([0.97, 0.8, 0.6, 0.99])) for name in ("all", "exact", "near")}
    verdicts = [Verdict("right", ("a", "b"), "x", "now", score=0.9)] * judged
    return {
        "at": "2026-11-28T10:00:00+00:00",
        "detector": detector,
        "documents": {"asked": 4},
        "recall": {name: vars_of(curve) for name, curve in curves.items()},
        "errors": [vars_of(one) for one in error_rates(verdicts)],
    }


def vars_of(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
