from __future__ import annotations

from pathlib import Path

import pytest

from include.dedupe.planning.plan import read_plan
from include.dedupe.reporting.alerts import find_alerts
from include.dedupe.scanning.coverage import Coverage
from tests.support.made import ALL, PAIR, Made


def coverage(scanned: int) -> Coverage:
    problems = () if scanned == 10 else ("Partition p1 (10 documents) was not scanned in full.",)
    counts = dict.fromkeys(("failed", "vanished", "skipped", "missing", "hubs"), 0)
    return Coverage(10, scanned, share=scanned / 10, problems=problems, partitions=(), **counts)


@pytest.mark.parametrize(("scanned", "share", "told"), [(10, 1.0, False), (9, 1.0, True), (9, 0.9, False)])
def test_what_was_not_scanned_is_told_below_the_share_of_the_settings(
    scanned: int, share: float, told: bool, tmp_path: Path
) -> None:
    run = Made(tmp_path).make(PAIR, alerts={"min_coverage": share})
    found = list(find_alerts(run, read_plan(run), coverage(scanned)))
    assert [one.kind for one in found] == ["coverage"] * told
    assert all("9 of 10 documents were scanned" in one.text for one in found)
    assert all("Partition p1 (10 documents) was not scanned in full." in one.text for one in found)


def test_many_new_documents_in_clusters_are_a_surge_but_not_in_the_first_run(tmp_path: Path) -> None:
    made = Made(tmp_path)
    first = made.make(PAIR)
    assert list(find_alerts(first, read_plan(first), coverage(10))) == []
    second = made.make(ALL, "run-2", "2026-01-02T00:00:00+00:00")
    (surge,) = find_alerts(second, read_plan(second), coverage(10))
    assert (surge.kind, "6 of 10 scanned documents" in surge.text) == ("surge", True)
