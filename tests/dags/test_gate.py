"""The gate's DAGs: how they are wired, and whole runs against the live server."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.acting import Acting
from tests.support.acting_dag import load_dag, run, states
from tests.support.gating import CHELSEA, Gating

pytestmark = pytest.mark.airflow
STEPS = ["take", "analyze", "check", "decide", "index", "report", "ask", "settle"]


@pytest.fixture
def gating(acting: Acting, tmp_path: Path) -> Gating:
    return Gating(acting, tmp_path / "incoming")


def load(gating: Gating, gate: str = "{}", more: str = "") -> Any:
    return load_dag(gating.acting, f"gate: {gate}\n{more}", "gate_pictures")


def summary(gating: Gating, dag_run: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(gating.run_dir(dag_run.run_id).storage.read("report/summary.json"))
    return found


def test_only_a_collection_with_a_gate_has_one_and_its_steps_follow_in_order(gating: Gating) -> None:
    dag = load(gating, "{incoming: /in/%Y.jsonl, schedule: '@daily'}")
    assert sorted(dag.task_dict) == sorted(STEPS)
    for before, after in itertools.pairwise(STEPS):
        assert after in dag.get_task(before).downstream_task_ids
    assert type(dag.timetable).__name__ == "CronDataIntervalTimetable"
    (gating.acting.storage.parent / "collections" / "plain.yaml").write_text(
        "flow: {connection: flow_demo, collection: plain}"
    )
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415

    from include.orchestration import home  # noqa: PLC0415

    bag = DagBag(dag_folder=str(home.PROJECT / "dags"))
    assert {name for name in bag.dags if name.startswith("gate_")} == {"gate_pictures"}


def test_an_asset_starts_a_run(gating: Gating) -> None:
    dag = load(gating, "{asset: uploads}")
    assert "uploads" in str(dag.timetable.asset_condition)


def test_a_schedule_that_airflow_refuses_is_said_in_the_dag(gating: Gating) -> None:
    dag = load(gating, "{incoming: /in, schedule: 'now and then'}")
    assert list(dag.task_dict) == ["settings_error"]
    assert "gate: Airflow refuses it" in dag.description


def test_a_gate_whose_file_is_wrong_keeps_its_schedule_and_says_why(gating: Gating) -> None:
    dag = load(gating, "{incoming: /in, schedule: '@hourly', exakt: ask}")
    assert list(dag.task_dict) == ["settings_error"]
    assert "did you mean exact?" in dag.description
    assert dag.timetable.expression == "0 * * * *"
    assert "uploads" in str(load(gating, "{asset: uploads, near: 3}").timetable.asset_condition)


def test_a_run_lets_in_what_may_come_in_and_can_be_taken_back(gating: Gating) -> None:
    before = gating.acting.documents()
    rows = [
        {"id": "new", "image": gating.picture("new.png", seed=1)},
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
        {"id": "gone", "image": "nowhere.jpg"},
    ]
    place = gating.manifest(rows, dt.datetime.now(dt.UTC).strftime("%Y.jsonl"))
    gate = f"{{incoming: {gating.folder}/%Y.jsonl, chunk_documents: 2, max_failed_share: 0.4}}"
    dry = run(load(gating, gate))
    assert dry.state == "success", states(dry)
    assert summary(gating, dry)["outcomes"] == {"failed": 1, "index": 1, "reject": 1}
    assert summary(gating, dry)["incoming"] == [place]
    assert gating.acting.server.counts().get("update", 0) == 0
    dag_run = run(load(gating, gate), dry_run="no")
    assert (dag_run.state, states(dag_run)["settle"]) == ("success", "success")
    assert summary(gating, dag_run)["outcomes"] == {"failed": 1, "indexed": 1, "rejected": 1}
    assert set(gating.acting.documents()) == {*before, "new"}
    taken = {"collection": "pictures", "runs": [f"gate__{dag_run.run_id}"], "dry_run": "no"}
    assert run(load_dag(gating.acting, name="dedupe_restore"), **taken).state == "success"
    assert gating.acting.documents() == before


def test_more_failures_than_allowed_fail_the_run_after_the_rest_was_done(gating: Gating) -> None:
    rows = [
        {"id": "new", "image": gating.picture("new.png", seed=1)},
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
        {"id": "gone", "image": "nowhere.jpg"},
    ]
    failing = run(load(gating, "{exact: ask}"), incoming=gating.manifest(rows), dry_run="no")
    assert (failing.state, states(failing)["report"]) == ("failed", "failed")
    assert summary(gating, failing)["outcomes"] == {"failed": 1, "held": 1, "indexed": 1}


@pytest.mark.parametrize(
    ("option", "params", "left"),
    [
        ("Let in", {"let_in": [], "reject": ["cat 3"], "link": []}, {"indexed": 1, "rejected": 1}),
        ("Hold", {}, {"held": 2}),
    ],
)
def test_a_person_is_asked_about_what_is_held(
    gating: Gating, answer: Any, option: str, params: dict[str, Any], left: dict[str, int]
) -> None:
    asked = answer(option, **params)
    rows = [{"id": name, "image": gating.picture(f"{name}.jpg", CHELSEA)} for name in ("cat 2", "cat 3")]
    dag_run = run(load(gating, "{exact: ask}"), incoming=gating.manifest(rows), dry_run="no")
    assert dag_run.state == "success", states(dag_run)
    assert "- `cat 2`: exact duplicate of 'cat" in asked[0]
    assert f"/duplicates/gate_pictures/runs/{quote(dag_run.run_id, safe='')}/)" in asked[0]
    assert summary(gating, dag_run)["outcomes"] == left
    assert ("cat 2" in gating.acting.documents()) is (option == "Let in")


def test_nobody_is_asked_where_a_run_says_so_and_overwriting_is_checked_first(
    gating: Gating, answer: Any
) -> None:
    asked = answer("Let in")
    rows = [{"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)}]
    more = "keeper: {rules: [{rule: highest, field: width_i}], protected: ['id:[* TO *]']}\ndry_run: false"
    gate = "{exact: overwrite, by_field: [{field: title_s, values: [a cat], do: ask}]}"
    dag_run = run(load(gating, gate, more), incoming=gating.manifest(rows), ask="hold")
    assert (dag_run.state, summary(gating, dag_run)["outcomes"]) == ("success", {"held": 1})
    assert asked == []
    assert gating.acting.run().lasting.exists("check.json")


def test_without_a_place_or_with_an_unknown_parameter_a_run_ends_at_once(gating: Gating) -> None:
    for params in ({}, {"incomming": "/in"}):
        dag_run = run(load(gating), **params)
        assert (dag_run.state, states(dag_run)["take"]) == ("failed", "failed")
    assert gating.acting.server.counts().get("analyze", 0) == 0
