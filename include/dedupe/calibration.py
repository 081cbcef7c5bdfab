"""Calibration: what the newest one of a collection says of a threshold. Its file lies beside the runs.

``calibrating`` measures and writes it; reports and people read it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from include.dedupe.storage import Storage, named

FILE = "calibration.json"
ANEW = "put back its copy, or remove it and calibrate again"
LOWEST = 0.5
"""Lowest score that a calibration asks for."""
THRESHOLDS = tuple(number / 100 for number in range(50, 100))


def read_calibration(lasting: Storage) -> dict[str, Any] | None:
    """Return the newest calibration of a collection as it was written; None if there is none."""
    return lasting.read_json(FILE, sound, ANEW) if lasting.exists(FILE) else None


def sound(value: Any) -> dict[str, Any]:
    """Return a calibration of which everything can be said; ``LookupError`` or ``TypeError`` for others."""
    calibration = named(value)
    for threshold in THRESHOLDS:
        said_of(calibration, calibration["detector"], threshold, threshold)
    return calibration


def keep_calibration(lasting: Storage, calibration: Mapping[str, Any]) -> None:
    """Let a calibration be the newest one."""
    lasting.write(FILE, json.dumps(calibration, indent=2, ensure_ascii=False).encode())


def said_of(
    calibration: Mapping[str, Any] | None, detector: str, threshold: float, exact_threshold: float
) -> tuple[str, ...]:
    """Return sentences: what a calibration says of two thresholds of a run with this detector."""
    if calibration is None:
        return ("Nobody has measured what these thresholds find here: the collection has no calibration.",)
    at, known = calibration["at"][:10], calibration["detector"]
    if known != detector:
        told = (
            f"The calibration of {at} is of another version of the detector ({known or 'not told'}, this "
            f"run: {detector or 'not told'}) and says nothing of these thresholds: calibrate again."
        )
        return (told,)
    sentences = [
        _recall(calibration, "all", threshold, "copies are found"),
        _recall(calibration, "exact", exact_threshold, "exact copies are called exact"),
        _errors(calibration, threshold),
    ]
    asked = calibration["documents"]["asked"]
    return (f"Calibrated {at} on {asked} document{'' if asked == 1 else 's'}.", *filter(None, sentences))


def place_of(threshold: float) -> int | None:
    """Return the place of a threshold in THRESHOLDS, or of the next higher one; None outside of them."""
    if not LOWEST <= threshold <= THRESHOLDS[-1]:
        return None
    return next(place for place, one in enumerate(THRESHOLDS) if one >= threshold - 1e-9)


def percent(share: float) -> str:
    """Return a share for people, to a tenth of a percent; never rounded to 0 or 100 where it is not."""
    if 0 < share < 0.0005 or 0.9995 <= share < 1:
        return "under 0.1 %" if share < 0.5 else "over 99.9 %"
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def _recall(calibration: Mapping[str, Any], of: str, threshold: float, told: str) -> str:
    curve, place = calibration["recall"][of], place_of(threshold)
    if place is None or not curve["asked"]:
        return ""
    found, low, high = (curve[name][place] for name in ("found", "low", "high"))
    share = percent(found / curve["asked"])
    return f"At {threshold:g}, {share} of edited {told} ({percent(low)} to {percent(high)})."


def _errors(calibration: Mapping[str, Any], threshold: float) -> str:
    place = place_of(threshold)
    if place is None:
        return ""
    one = calibration["errors"][place]
    if not one["judged"]:
        return "How many pairs are wrong is not known: nobody has judged a sample."
    return (
        f"Of {one['judged']} judged pairs from {threshold:g} up, {one['wrong']} were wrong: weighted by how "
        f"many pairs are known of each score, the error rate is below {percent(one['upper_bound'])} "
        f"with 95 % confidence."
    )
