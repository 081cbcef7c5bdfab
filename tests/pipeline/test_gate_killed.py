"""The gate killed (SIGKILL) after every call that changes or reads the collection, and started again."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.acting.wanted import Wanted
from include.dedupe.gating.analyze import analyze
from include.dedupe.gating.check import check
from include.dedupe.gating.decide import decide
from include.dedupe.gating.index import index
from include.dedupe.gating.report import read_outcomes
from include.dedupe.rundir import Attempt, RunDir
from tests.pipeline.gating_fixture import DOCUMENTS, gating
from tests.support.acting import FIRST
from tests.support.gating import CHELSEA, Gating
from tests.support.killing import kill_after

__all__ = ["gating"]
SECOND = Attempt(0, 2)
BIGGER = {"keeper": {"rules": [{"rule": "highest", "field": "width_i"}]}}


def at(gating: Gating, template: Path, run: RunDir) -> RunDir:
    """Put the collection and the storage back to where indexing begins."""
    shutil.rmtree(gating.acting.storage, ignore_errors=True)
    shutil.copytree(template, gating.acting.storage)
    gating.acting.client(lambda client: client.delete(query="-id:(cat coffee moose)", commit=True))
    return run


def prepared(
    gating: Gating, rows: list[dict[str, Any]], tmp_path: Path, **settings: Any
) -> tuple[RunDir, Path]:
    """Run all steps before indexing on a manifest of ``rows``, and keep the storage as it is then."""
    by_analysis = settings.pop("by_analysis", True)
    run = gating.take(gating.manifest(rows), gating.config(**settings), by_analysis=by_analysis)
    gating.acting.ask(lambda writer: analyze(writer, run, FIRST, "00000"))
    gating.acting.ask(lambda writer: check(writer.reader, run, FIRST, "00000"))
    decide(run, FIRST)
    shutil.copytree(gating.acting.storage, tmp_path / "template")
    return run, tmp_path / "template"


def found(run: RunDir) -> dict[str, tuple[str, str]]:
    return {row.id: (row.outcome, row.match_id) for row in read_outcomes(run)}


@pytest.mark.parametrize("by_analysis", [True, False])
def test_killed_anywhere_and_tried_again_it_ends_as_one_that_was_not(
    gating: Gating, tmp_path: Path, by_analysis: bool
) -> None:
    rows = [
        {"id": "new", "image": gating.picture("new.png", seed=1)},
        {"id": "twin", "image": gating.picture("twin.png", seed=1)},
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
    ]
    of_new = {"field": "id", "values": ["new"], "do": "reject"}
    gate = {"exact": "link", "by_field": [of_new]}
    before = gating.acting.documents()
    run, template = prepared(gating, rows, tmp_path, gate=gate, by_analysis=by_analysis)
    gating.acting.ask(lambda writer: index(writer, run, FIRST))
    expected, done = gating.acting.documents(), found(run)
    assert done == {"new": ("indexed", ""), "twin": ("rejected", "new"), "cat 2": ("linked", "cat")}
    for calls in itertools.count(1):
        at(gating, template, run)
        was_killed = kill_after(gating, calls, lambda writer: index(writer, run, FIRST))
        gating.acting.ask(lambda writer: index(writer, run, SECOND))
        assert (gating.acting.documents(), found(run)) == (expected, done), calls
        if not was_killed:
            break
    assert calls > 8
    gating.acting.restore(Wanted(runs=(run.run_id,)))
    assert gating.acting.documents() == before


def test_what_a_killed_run_has_left_pending_the_next_one_releases_or_removes(
    gating: Gating, tmp_path: Path
) -> None:
    rows = [
        {"id": "new", "image": gating.picture("new.png", seed=1)},
        {"id": "twin", "image": gating.picture("twin.png", seed=1)},
    ]
    run, template = prepared(gating, rows, tmp_path, gate={"chunk_documents": 2})
    later = gating.take(gating.manifest([]), gating.config(), "run-2")
    gating.go_on(later)
    shutil.rmtree(template)
    shutil.copytree(gating.acting.storage, template)
    gating.acting.ask(lambda writer: index(writer, run, FIRST))
    expected = gating.acting.documents()
    was_left = 0
    for calls in itertools.count(1):
        at(gating, template, run)
        was_killed = kill_after(gating, calls, lambda writer: index(writer, run, FIRST))
        gating.acting.client(lambda client: client.commit())
        count = gating.acting.client(lambda client: client.count(["gate_pending_s:[* TO *]"]))
        was_left += bool(count)
        shutil.rmtree(later.storage.path("index"))
        expire_lease(gating)
        gating.acting.ask(lambda writer: index(writer, later, SECOND))
        documents = gating.acting.documents()
        assert not [one for one in documents.values() if "gate_pending_s" in one], calls
        assert "twin" not in documents, calls
        gating.acting.ask(lambda writer: index(writer, run, SECOND))
        assert gating.acting.documents() == expected, calls
        if not was_killed:
            break
    assert was_left > 2


def expire_lease(gating: Gating) -> None:
    """Let the silence of one that was killed be long enough for others."""
    for path in Path(gating.acting.writers.path("lease")).glob("*.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "alive": 0.0}))


def test_killed_while_it_overwrites_it_overwrites_once_and_restores_whole(
    gating: Gating, tmp_path: Path
) -> None:
    rows = [{"id": "large", "image": gating.picture("large.png", CHELSEA, 1.5), "title_s": "large"}]
    before = gating.acting.documents()
    run, template = prepared(gating, rows, tmp_path, gate={"exact": "overwrite"}, **BIGGER)
    gating.acting.ask(lambda writer: index(writer, run, FIRST))
    expected = gating.acting.documents()
    for calls in itertools.count(1):
        at(gating, template, run)
        gating.acting.fill(DOCUMENTS)
        was_killed = kill_after(gating, calls, lambda writer: index(writer, run, FIRST))
        gating.acting.ask(lambda writer: index(writer, run, SECOND))
        assert gating.acting.documents() == expected, calls
        assert found(run) == {"large": ("overwritten", "cat")}, calls
        gating.acting.restore(Wanted(runs=(run.run_id,)))
        assert gating.acting.documents() == before, calls
        if not was_killed:
            return


def test_killed_while_it_analyses_it_analyses_nothing_again(gating: Gating) -> None:
    rows = [{"id": f"{n}", "image": gating.picture(f"{n}.png", seed=n)} for n in range(4)]
    run = gating.take(gating.manifest(rows), gating.config({"in_flight": 1}))
    for calls in (1, 2, 2):
        assert kill_after(gating, calls, lambda writer: analyze(writer, run, FIRST, "00000"))
    kept = len(run.storage.names("analyses/g0"))
    gating.acting.server.clear_counts()
    gating.acting.ask(lambda writer: analyze(writer, run, SECOND, "00000"))
    assert gating.acting.server.counts().get("analyze", 0) == 4 - kept
    assert kept >= 2
