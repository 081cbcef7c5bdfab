"""Effort: how hard Flow searches for the duplicates of one document, by scan mode and size of the collection.

The tables are those of Flow's documentation ("Scanning huge collections") and its scan script. Where the two
differ, above a million documents in balanced mode, the script's further step holds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from include.dedupe.settings.scan_settings import ScanMode


@dataclass(frozen=True, slots=True)
class Effort:
    """``approximate`` ranks only part of the candidates; ``smartfilter`` admits fewer of them."""

    approximate: bool
    smartfilter: str


_BY_SIZE: dict[ScanMode, list[tuple[float, Effort]]] = {
    "balanced": [
        (10_000, Effort(approximate=False, smartfilter="off")),
        (100_000, Effort(approximate=False, smartfilter="low")),
        (1_000_000, Effort(approximate=True, smartfilter="medium")),
        (math.inf, Effort(approximate=True, smartfilter="high")),
    ],
    "speed": [
        (100_000, Effort(approximate=False, smartfilter="high")),
        (math.inf, Effort(approximate=True, smartfilter="high")),
    ],
}


def choose_effort(mode: ScanMode, collection_documents: int) -> Effort:
    """Return the effort that ``mode`` means in a collection of that many documents."""
    return next(effort for limit, effort in _BY_SIZE[mode] if collection_documents <= limit)
