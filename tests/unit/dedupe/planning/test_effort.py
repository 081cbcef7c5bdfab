from __future__ import annotations

import pytest

from include.dedupe.planning.effort import Effort, choose_effort
from include.dedupe.settings.scan_settings import ScanMode


@pytest.mark.parametrize(
    ("mode", "documents", "approximate", "smartfilter"),
    [
        ("balanced", 10_000, False, "off"),
        ("balanced", 10_001, False, "low"),
        ("balanced", 100_001, True, "medium"),
        ("balanced", 1_000_001, True, "high"),
        ("speed", 100_000, False, "high"),
        ("speed", 100_001, True, "high"),
    ],
)
def test_effort_follows_the_table_of_flows_documentation(
    mode: ScanMode, documents: int, approximate: bool, smartfilter: str
) -> None:
    assert choose_effort(mode, documents) == Effort(approximate, smartfilter)
