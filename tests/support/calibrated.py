"""What a calibration leaves."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from include.dedupe.calibrating.judged import Known, error_rates
from include.dedupe.calibrating.measure import Curve
from include.dedupe.verdicts import Verdict


def calibration(detector: str = "d1", judged: int = 0) -> dict[str, Any]:
    curves = {name: Curve.of(np.array([0.97, 0.8, 0.6, 0.99])) for name in ("all", "exact", "near")}
    verdicts = [Verdict("right", ("a", "b"), "x", "now", score=0.9)] * judged
    errors = error_rates(verdicts, Known(np.full(1000, 0.9), 0.6), ())
    return {
        "at": "2026-11-28T10:00:00+00:00",
        "detector": detector,
        "documents": {"asked": 4},
        "recall": {name: asdict(curve) for name, curve in curves.items()},
        "errors": [asdict(one) for one in errors],
    }
