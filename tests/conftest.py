"""What all tests share: an Airflow home of their own, and the rule for skips."""

from __future__ import annotations

import os

import pytest

FORBID_SKIPS = "FORBID_SKIPS"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    """Where everything is installed that a test may need, a skipped test is a failed one."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get(FORBID_SKIPS) and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped although {FORBID_SKIPS} is set: {report.longrepr}"
