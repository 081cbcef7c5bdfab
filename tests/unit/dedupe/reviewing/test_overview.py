from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import yaml

from include.dedupe.deciding.supersede import register_decisions
from include.dedupe.errors import UnknownError
from include.dedupe.parquet import to_parquet
from include.dedupe.planning.plan import read_plan
from include.dedupe.reviewing.asking import shown_hash
from include.dedupe.reviewing.overview import list_collections, list_runs, open_run, series, summarise_run
from include.dedupe.reviewing.state import open_state
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from include.dedupe.tables import ACTIONS, empty
from include.tools.made_run import SETTINGS
from tests.support.made import Made


@pytest.fixture
def listed(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    folder = tmp_path / "collections"
    folder.mkdir()
    (folder / "pictures.yaml").write_text(yaml.safe_dump({**SETTINGS, "description": "Some pictures"}))
    (folder / "wrong.yaml").write_text("flow: {}\n")
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(folder))
    monkeypatch.setenv(STORAGE_VARIABLE, str(made.storage))
    return made


def report(run: RunDir, *, acts: bool = True) -> None:
    """Let a run have reported, and, if it acts, have registered its decisions."""
    stage = run.stage("report", Attempt())
    stage.write_file("summary.json", json.dumps({"coverage": {"share": 1.0, "problems": []}}).encode())
    stage.finish({})
    if acts:
        register_decisions(run, read_plan(run), run.result("decide").result["hash"])
    open_state(run)


def act(run: RunDir) -> None:
    ids = (("b", "c-1", "a"), ("y", "c-2", "x"))
    rows = [(*names, "delete", "done", "", 1.0, "2026-01-05", "") for names in ids]
    stage = run.stage("apply", Attempt())
    stage.write_table("actions", pd.DataFrame(rows, columns=ACTIONS.names), ACTIONS)
    stage.finish({"done": 2})


def record(run: RunDir, answer: dict[str, object]) -> None:
    stage = run.stage("record", Attempt())
    stage.write_file("record.json", json.dumps({"answer": answer, "dry_run": False}).encode())
    stage.write_file("actions.parquet", to_parquet(empty(ACTIONS), ACTIONS))
    stage.finish({})


def test_runs_go_through_their_states(listed: Made) -> None:
    run = listed.make()
    assert summarise_run(run).state == "scanning"
    report(run)
    found = summarise_run(run)
    assert (found.state, found.clusters, found.documents, found.duplicates) == ("waiting", 3, 8, 5)
    assert (found.bytes_to_free, found.bytes_unknown, found.bytes_freed) == (1040, 1, None)
    assert found.decisions == {"keep": 3, "delete": 4, "tag": 1}
    assert summarise_run(run, failed=True).state == "failed"
    shown_hash(run, run.result("decide").result["hash"])
    assert summarise_run(run).state == "waiting"
    record(run, {"chosen_options": ["Reject"]})
    assert summarise_run(run).state == "rejected"
    act(run)
    found = summarise_run(run)
    assert (found.state, found.deleted, found.bytes_freed) == ("applied", 2, 1030)
    assert summarise_run(run) == found
    key = f"{run.run_id}\nb\n2026-01-05"
    run.lasting.write("restored/2026-01-06.json", json.dumps([key]).encode())
    assert (summarise_run(run).state, summarise_run(run).restored) == ("restored", 1)


def test_a_newer_run_a_guard_and_a_dry_run_are_told(listed: Made) -> None:
    older = listed.make()
    report(older)
    newer = listed.make(run_id="run-2", created_at="2026-01-02T00:00:00+00:00")
    report(newer)
    assert (summarise_run(older).state, summarise_run(older).superseded_by) == ("superseded", "run-2")
    dry = listed.make(run_id="run-3", created_at="2026-01-03T00:00:00+00:00")
    report(dry, acts=False)
    assert summarise_run(dry).state == "dry_run"
    tight = {"max_delete_count": 1, "max_delete_share": 1.0}
    blocked = listed.make(run_id="run-4", created_at="2026-01-04T00:00:00+00:00", guards=tight)
    report(blocked)
    assert summarise_run(blocked).state == "blocked"
    assert "max_delete_count" in summarise_run(blocked).problem
    plain = listed.make(run_id="run-5", created_at="2026-01-05T00:00:00+00:00", policies=None)
    stage = plain.stage("report", Attempt())
    stage.write_file("summary.json", json.dumps({"coverage": {"share": 1.0, "problems": []}}).encode())
    stage.finish({})
    assert summarise_run(plain).state == "report_only"


PARTS = ("plan/plan.json", "plan/manifest.json", "clusters/manifest.json", "decide/manifest.json")


def test_a_damaged_run_is_told_and_breaks_nothing_else(listed: Made) -> None:
    listed.make()
    broken = listed.make(run_id="run-2", created_at="2026-01-02T00:00:00+00:00")
    report(broken)
    for name in (*PARTS, "review/newest.json", "report/summary.json"):
        whole = broken.storage.read(name)
        for data in (b"", b"{", b"[]", b"\xff\x00", b'{"a": 1}'):
            broken.storage.write(name, data)
            page = list_runs("pictures")
            states = {one.run_id: one.state for one in page.runs}
            assert states == {"run-1": "scanning", "run-2": "damaged"}, (name, data)
            problem = next(one.problem for one in page.runs if one.state == "damaged")
            assert broken.storage.path(name) in problem, (name, data, problem)
            assert series(page.runs) == []
        broken.storage.write(name, whole)


def test_collections_are_listed_with_what_is_wrong_with_them(listed: Made) -> None:
    report(listed.make(run_id="manual__2026-01-01T00:00:00+00:00"))
    good, wrong = list_collections()
    assert (good.name, good.dag_id, good.description, good.runs) == (
        "pictures",
        "dedupe_pictures",
        "Some pictures",
        1,
    )
    assert good.newest[0].run_id == "manual__2026-01-01T00:00:00+00:00"
    assert "connection" in wrong.problem
    assert open_run("pictures", "manual__2026-01-01T00:00:00+00:00").collection == "pictures"
    for collection, run_id in (("pictures", "run-9"), ("nothing", "run-1"), ("../pictures", "run-1")):
        with pytest.raises(UnknownError):
            open_run(collection, run_id)


def test_runs_come_page_by_page_the_newest_first(listed: Made) -> None:
    for number in range(1, 6):
        run = listed.make(run_id=f"run-{number}", created_at=f"2026-01-0{number}T00:00:00+00:00")
        run.lasting.write(f"pairs/2026-01-0{number}T00-00-00+00-00--run-{number}-g0.parquet", b"")
    found: list[str] = []
    mark = ""
    while True:
        page = list_runs("pictures", after=mark, limit=2)
        assert page.total == 5
        found += [one.run_id for one in page.runs]
        mark = page.next
        if not mark:
            break
    assert found == [f"run-{number}" for number in (5, 4, 3, 2, 1)]
    with pytest.raises(UnknownError):
        list_runs("pictures", after="nowhere")
