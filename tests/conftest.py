"""What all tests share: how examples are made, and which tests may be skipped."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

# A busy machine is no failure; and in CI the same examples come every time.
settings.register_profile("tests", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("tests")

FORBID_SKIPS = "FORBID_SKIPS"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Where all is installed that can be, a skipped test is a failed one, unless it is marked elsewhere."""
    outcome = yield
    report = outcome.get_result()
    may_skip = item.get_closest_marker("elsewhere") or hasattr(report, "wasxfail")
    if report.skipped and os.environ.get(FORBID_SKIPS) and not may_skip:
        report.outcome = "failed"
        report.longrepr = f"skipped although {FORBID_SKIPS} is set: {report.longrepr}"


@pytest.hookimpl(wrapper=True)
def pytest_xdist_auto_num_workers() -> Generator[None, int, int]:
    """One process more than there are cores: many tests wait for servers that they start."""
    cores = yield
    return cores + 1
