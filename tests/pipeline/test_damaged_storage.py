"""Every file of a storage of runs, damaged: what reads it names it, or comes to what it came to before."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from include.dedupe.acting.apply import EVERYTHING, _orders, read_outcomes
from include.dedupe.acting.archive import archived_runs, read_entries, read_tombstones
from include.dedupe.acting.check import require_check
from include.dedupe.acting.lease import hold_lease, meeting_place
from include.dedupe.acting.marker import Claim
from include.dedupe.acting.record import record
from include.dedupe.acting.wanted import Wanted
from include.dedupe.clustering.known_hubs import settle_hubs
from include.dedupe.clustering.known_ids import require_known
from include.dedupe.clustering.known_pairs import known_tables
from include.dedupe.clustering.merge import _read_scans
from include.dedupe.clustering.names import last_members
from include.dedupe.deciding.decide import current_decisions
from include.dedupe.deciding.decisions import read_decisions
from include.dedupe.deciding.refused import read_refusals
from include.dedupe.deciding.supersede import newest_decided, register_decisions
from include.dedupe.gating.buried import read_buried
from include.dedupe.planning.plan import read_plan
from include.dedupe.prune import Ages, prune
from include.dedupe.reporting.findings import read_findings
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.dedupe.reviewing.cluster import read_cluster
from include.dedupe.reviewing.judging import history
from include.dedupe.reviewing.speaking import say
from include.dedupe.reviewing.state import open_state
from include.dedupe.reviewing.summary import restored_of, summarise
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.checkpoint import Checkpoint
from include.dedupe.scanning.coverage import measure_coverage, scanned_partitions
from include.dedupe.scanning.found import TABLES
from include.dedupe.tables import HUBS, empty
from tests.support.acting import FIRST
from tests.support.damaging import Readers, misread
from tests.support.library import LENIENT, Library, jpeg, library, library_server, photo, stamped

__all__ = ["library", "library_server"]
LATER = Attempt(9, 1)


def lived(library: Library) -> Path:
    """Return the storage of a collection to which everything has happened that leaves files."""
    library.fill({"a.jpg": jpeg(photo()), "b.jpg": jpeg(photo(), 40), "c.jpg": jpeg(stamped())})
    digest = library.decided(**LENIENT)
    acting, run = library.acting, library.acting.run()
    register_decisions(run, read_plan(run), digest)
    report(run, FIRST, WebPictures(acting.server.base, ()))
    assert (stats := library.apply(digest)).done == stats.review == 1
    record(run, FIRST, {"chosen_options": ["Approve"]})
    acting.restore(Wanted(ids=("b.jpg",)), remember=False)
    later = acting.run("run-2")
    second = acting.decide(later, acting.config(**library.settings(**LENIENT)))
    register_decisions(later, read_plan(later), second.hash)
    say(later, "keep", ("c.jpg",), "a test")
    return acting.storage


def _readers(storage: Path) -> Readers:
    first, later = (RunDir(str(storage), "pictures", run_id) for run_id in ("run-1", "run-2"))
    lasting = first.lasting
    nothing = empty(HUBS)

    def place() -> Any:
        return meeting_place(lasting, read_plan(first).config)

    def lease() -> int:
        with hold_lease(place(), "A test", clock=lambda: 0.0):
            return 1

    def cluster() -> Any:
        return read_cluster(first, open_state(first).name(0))

    def orders() -> Any:
        plan, digest = read_plan(first), first.result("decide").result["hash"]
        return _orders(first, Attempt(0, 2), plan, digest, EVERYTHING, dry_run=False)

    def edges() -> Any:
        with TemporaryDirectory() as folder:
            found = _read_scans(first, read_plan(first), Path(folder))
            return [found.edges, found.prints.tolist(), *(one.to_frame().to_csv() for one in found.pairs)]

    def scans() -> Any:
        plan = read_plan(first)
        (name,) = scanned_partitions(first, plan)
        begun = Checkpoint(first.stage(name, Attempt(0, 2)), plan.digest)
        parts = [begun.read(index, what) for index in range(len(begun.parts)) for what in TABLES]
        return [begun.position.cursor, *map(pd.DataFrame.to_csv, parts)]

    return {
        "orders": orders,
        "scans": scans,
        "edges": edges,
        "plan": lambda: read_plan(first),
        "coverage": lambda: measure_coverage(first, read_plan(first)),
        "findings": lambda: vars_of(read_findings(first, read_plan(first))),
        "decisions": lambda: read_decisions(first, first.result("decide").result["hash"]),
        "current": lambda: current_decisions(later),
        "cluster": cluster,
        "summary": lambda: summarise(first, restored_of(lasting), lambda _: False),
        "history": lambda: history(later),
        "outcomes": lambda: read_outcomes(first),
        "entries": lambda: [read_entries(lasting, name) for name in archived_runs(lasting)],
        "tombstones": lambda: read_tombstones(lasting),
        "refusals": lambda: read_refusals(lasting),
        "buried": lambda: read_buried(lasting),
        "pairs": lambda: [each.to_pandas() for each in known_tables(later, LATER, read_plan(later))],
        "hubs": lambda: settle_hubs(later, LATER, read_plan(later), nothing, ()),
        "names": lambda: last_members(lasting, ["c-0"]),
        "ids": lambda: require_known(lasting, ["a.jpg"]),
        "newest": lambda: newest_decided(first, read_plan(first)),
        "check": lambda: require_check(lasting, read_plan(first).config),
        "claim": lambda: Claim.of(place()),
        "lease": lease,
        "prune": lambda: [
            (one.kind, one.name, one.stays)
            for one in prune(str(storage), "pictures", read_plan(first).config, Ages(0, 0, 0), "a test")
        ],
    }


def vars_of(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def test_no_damaged_file_is_read_as_something_else(library: Library, tmp_path: Path) -> None:
    assert misread(lived(library), _readers, tmp_path) == []
