"""A SolrCloud that ignores commits, as many do, and shows what was written a moment later by itself.

A run asks it through an alias of the collection.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from include.dedupe.acting import seeing
from include.dedupe.acting.archive import read_tombstones
from include.dedupe.acting.wanted import Wanted
from tests.contract.solr.gateways import Cloud
from tests.pipeline.acting_fixture import policies
from tests.support.acting import Acting
from tests.support.small_collection import PHOTOS

LATE_MS = 150
IGNORED = (
    '<processor class="solr.IgnoreCommitOptimizeUpdateProcessorFactory">'
    '<int name="statusCode">200</int></processor>'
)


def late(configuration: str) -> str:
    """Return a solrconfig.xml by which commits do nothing, and soft ones come by themselves."""
    first = '<processor class="solr.LogUpdateProcessorFactory"/>'
    by_itself = "<autoSoftCommit><maxTime>15000</maxTime></autoSoftCommit>"
    assert first in configuration
    assert by_itself in configuration
    return configuration.replace(first, f"{IGNORED}{first}").replace(
        by_itself, by_itself.replace("15000", str(LATE_MS))
    )


@pytest.fixture
def acting(cloud: Cloud, tmp_path: Path) -> Acting:
    name = cloud.alias("seen_late", cloud.collection("late_commits", late))
    made = Acting(cloud.gateway(name, images=PHOTOS), tmp_path / "storage", name)
    photo = min(path.name for path in PHOTOS.glob("*.jpg"))
    made.fill({f"copy {number}": (photo, {"rating_i": number}) for number in range(6)})
    deadline = time.monotonic() + 60
    while len(made.documents()) < 6 and time.monotonic() < deadline:
        time.sleep(0.1)
    return made


def test_a_run_and_its_restore_wait_until_what_they_wrote_is_seen(
    acting: Acting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeing, "LOOK_EACH_S", 0.05)
    before = acting.documents()
    stats = acting.act(**policies("delete"))
    assert (stats.done, stats.failed) == (5, 0)
    assert len(acting.documents()) == 1
    assert len(read_tombstones(acting.run().lasting)) == 5
    assert {one.outcome for one in acting.restore(Wanted(runs=("run-1",)))} == {"restored"}
    assert acting.documents() == before
