"""Alerts: what a run found that somebody should look at soon, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from include.dedupe.clustering.names import NAMES_FOLDER
from include.dedupe.clustering.news import News
from include.dedupe.planning.plan import Plan
from include.dedupe.rundir import RunDir
from include.dedupe.scanning.coverage import Coverage

Kind = Literal["surge", "coverage"]


@dataclass(frozen=True, slots=True)
class Alert:
    kind: Kind
    text: str


def find_alerts(run: RunDir, plan: Plan, coverage: Coverage) -> Iterator[Alert]:
    """Yield what the settings of alerts call one."""
    settings, name = plan.config.alerts, f"{run.collection}, run {plan.run_id}"
    if coverage.share < settings.min_coverage:
        yield Alert(
            "coverage",
            f"{name}: {coverage.scanned} of {coverage.expected} documents were scanned, less than the share "
            f"alerts.min_coverage {settings.min_coverage:g}. {' '.join(coverage.problems[:3])}",
        )
    news = News.read(run.result("clusters").result)
    is_first = len(run.lasting.names(NAMES_FOLDER)) < 2
    if news and not is_first and news.new_documents > settings.surge_share * max(coverage.scanned, 1):
        yield Alert(
            "surge",
            f"{name}: {news.new_documents} of {coverage.scanned} scanned documents are in clusters and were "
            f"in none before, more than the share alerts.surge_share {settings.surge_share:g}. {news}",
        )
