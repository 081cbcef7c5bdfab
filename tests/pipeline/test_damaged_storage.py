"""Every file of a storage of runs, damaged: what reads it names it, or comes to what it came to before."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from include.dedupe.acting.apply import read_outcomes
from include.dedupe.acting.archive import archived_runs, read_entries, read_tombstones
from include.dedupe.acting.check import require_check
from include.dedupe.acting.lease import hold_lease, meeting_place
from include.dedupe.acting.marker import Claim
from include.dedupe.acting.record import record
from include.dedupe.acting.wanted import Wanted
from include.dedupe.clustering.known_hubs import settle_hubs
from include.dedupe.clustering.known_ids import require_known
from include.dedupe.clustering.known_pairs import read_known_pairs
from include.dedupe.clustering.names import last_members
from include.dedupe.deciding.decide import current_decisions
from include.dedupe.deciding.decisions import read_decisions
from include.dedupe.deciding.refused import read_refusals
from include.dedupe.deciding.supersede import newest_decided, register_decisions
from include.dedupe.errors import DedupeError
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
from include.dedupe.scanning.coverage import measure_coverage
from include.dedupe.tables import HUBS, empty
from tests.support.acting import FIRST
from tests.support.library import LENIENT, Library, jpeg, library, library_server, photo, stamped

__all__ = ["library", "library_server"]
LATER = Attempt(9, 1)
DAMAGES: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut": lambda data: data[: len(data) // 2],
    "a list": lambda _: b"[[]]",
    "names": lambda _: b"{}",
    "one byte": lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
}
OF_TABLES = ("empty", "cut", "one byte")
OF_TEXTS = tuple(name for name in DAMAGES if name != "one byte")
"""Damages that are tried on Parquet files, which know their own bytes, and on JSON."""


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


def _readers(storage: Path) -> dict[str, Callable[[], Any]]:
    """Return, by name, all that reads the files of a storage; each returns what it came to."""
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

    return {
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
        "pairs": lambda: read_known_pairs(later, LATER, read_plan(later)),
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


def _told(value: Any) -> str:
    """Return a result as text; tables in full."""
    if isinstance(value, pd.DataFrame):
        return value.to_csv()
    if isinstance(value, dict):
        return str({name: _told(one) for name, one in value.items()})
    return repr(value)


def _came_to(read: Callable[[], Any], storage: Path) -> str:
    """Return what a reader comes to, or which error it ends with."""
    try:
        return _told(read()).replace(str(storage), "")
    except DedupeError as error:
        return f"{type(error).__name__}: {error}"


class Opened:
    """Notes the files that are opened, while it is asked to."""

    def __init__(self) -> None:
        self.paths: set[str] | None = None
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and self.paths is not None:
            self.paths.add(str(arguments[0]))

    def by(self, read: Callable[[], Any]) -> set[str]:
        self.paths = set()
        read()
        found, self.paths = self.paths, None
        return found


def test_no_damaged_file_is_read_as_something_else(library: Library, tmp_path: Path) -> None:
    storage, opened = lived(library), Opened()
    for read in _readers(storage).values():
        read()  # what is made by looking is there, too
    whole = Path(shutil.copytree(storage, tmp_path / "whole"))
    read_by = {name: opened.by(read) for name, read in _readers(whole).items()}
    before = {name: _came_to(read, whole) for name, read in _readers(whole).items()}
    assert not [told for told in before.values() if "Error" in told], before
    wrong = []
    for number, path in enumerate(path for path in sorted(whole.rglob("*")) if path.is_file()):
        file, readers = str(path.relative_to(whole)), [name for name in before if str(path) in read_by[name]]
        data = path.read_bytes()
        for kind in (OF_TABLES if path.suffix == ".parquet" else OF_TEXTS) if readers and data else ():
            copy = Path(shutil.copytree(whole, tmp_path / f"{number} {kind}"))
            (copy / file).write_bytes(DAMAGES[kind](data))
            shutil.copystat(path, copy / file)
            reading = _readers(copy)
            told = {name: _came_to(reading[name], copy) for name in readers}
            wrong += [
                (file, kind, name, words)
                for name, words in told.items()
                if words != before[name] and file not in words
            ]
            shutil.rmtree(copy)
    assert wrong == []
