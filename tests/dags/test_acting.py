"""Whole runs with policies that ask nobody: dry, without a question, refused, and taken back."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest
from airflow.sdk.exceptions import ParamValidationError

from include.dedupe.acting.check import check
from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import find_collection
from include.orchestration.result import result_lines
from include.orchestration.run_once import run_once
from tests.support.acting import Acting
from tests.support.acting_dag import DOCUMENTS, SETTINGS, load_dag, record, run, states

pytestmark = pytest.mark.airflow

ACTING_STAGES = ["cluster", "decide", "report", "approve", "apply", "record"]


def test_without_policies_a_run_ends_with_its_report(acting: Acting) -> None:
    (acting.storage.parent / "collections").joinpath("plain.yaml").write_text(
        "flow: {connection: flow_demo, write_connection: flow_demo, collection: plain}"
    )
    dag = load_dag(acting, name="dedupe_plain")
    assert sorted(dag.task_ids) == ["cluster", "merge", "plan", "report", "scan"]


def test_with_policies_the_stages_follow_in_order_and_record_always_runs(acting: Acting) -> None:
    dag = load_dag(acting)
    for before, after in itertools.pairwise(ACTING_STAGES):
        assert after in dag.get_task(before).downstream_task_ids
    assert dag.get_task("record").is_teardown


def test_a_dry_run_asks_nobody_and_makes_no_update_call(acting: Acting) -> None:
    dag_run = run(load_dag(acting), scope="full")
    assert dag_run.state == "success"
    assert acting.server.counts().get("update", 0) == 0
    recorded = record(acting, dag_run)
    assert (recorded["outcomes"], recorded["dry_run"], recorded["answer"]) == ({"planned": 1}, True, None)
    assert list(result_lines(acting.run(dag_run.run_id)))[-3:] == [
        "decisions    1 delete, 1 keep",
        "planned      1 delete",
        "written      nothing: this was a dry run",
    ]


def test_a_run_under_the_id_of_a_deleted_one_neither_uses_nor_changes_what_that_has_found(
    acting: Acting,
) -> None:
    """``dag.test`` deletes a run of the same date, and lets the next begin at that date."""
    dag, later = load_dag(acting), dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    for task in dag.tasks:
        task.retries = 0
    when: dict[str, Any] = {"logical_date": later, "run_after": later}
    first = dag.test(run_conf={"scope": "full"}, **when)
    files = {path: path.read_bytes() for path in acting.storage.rglob("*") if path.is_file()}
    second = dag.test(run_conf={"scope": "full"}, **when)
    assert (first.run_id, first.state) == (second.run_id, "success")
    assert (states(second)["plan"], states(second)["record"]) == ("failed", "failed")
    left = {path: path.read_bytes() for path in acting.storage.rglob("*") if path.is_file()}
    mark = left.keys() - files.keys()
    assert {path.name for path in mark} == {"taken"}
    assert {path: data for path, data in left.items() if path not in mark} == files


def test_a_run_that_need_not_ask_deletes_and_can_be_taken_back(acting: Acting) -> None:
    before = acting.documents()
    settings = "dry_run: false\napproval: {mode: none}"
    dag_run = run(load_dag(acting, settings), scope="full")
    assert dag_run.state == "success", states(dag_run)
    assert set(acting.documents()) == {"cat", "moose"}
    recorded = record(acting, dag_run)
    assert (recorded["outcomes"], recorded["dry_run"]) == ({"done": 1}, False)
    assert list(result_lines(acting.run(dag_run.run_id)))[-2:] == [
        "done         1 delete",
        f"undo         .venv/bin/python -m include.dedupe restore pictures --runs {dag_run.run_id}",
    ]
    assert b"cat copy,cat,1.0,delete" in acting.run(dag_run.run_id).storage.read("record/redirects.csv")
    wanted = {"collection": "pictures", "runs": [dag_run.run_id]}
    run(load_dag(acting, settings, "dedupe_restore"), **wanted)
    assert set(acting.documents()) == {"cat", "moose"}
    misspelt = run(load_dag(acting, settings, "dedupe_restore"), **wanted, dryrun="no")
    assert misspelt.state == "failed"
    taken_back = {**wanted, "dry_run": "no"}
    restore = load_dag(acting, settings, "dedupe_restore")
    assert run(restore, **taken_back, afterwards="try-again").state == "success"
    assert acting.documents() == before
    again = run(load_dag(acting, settings), scope="known")
    assert record(acting, again)["outcomes"] == {"done": 1}
    taken_back["runs"] = [again.run_id]
    assert run(load_dag(acting, settings, "dedupe_restore"), **taken_back).state == "success"
    assert acting.documents() == before
    remembered = run(load_dag(acting, settings), scope="known")
    assert record(acting, remembered)["outcomes"] == {}
    assert acting.documents() == before


def test_true_and_false_for_dry_run_are_refused_before_anything_runs(acting: Acting) -> None:
    for name, words in (
        ("dedupe_pictures", "'as configured', 'yes', 'no'"),
        ("dedupe_restore", "'yes', 'no'"),
    ):
        dag = load_dag(acting, name=name)
        for boolean in (True, False):
            with pytest.raises(ParamValidationError, match=rf"(?s)dry_run: {boolean} is not o.*\[{words}\]"):
                run(dag, dry_run=boolean)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("tests.support.notifier.Nobody", "has no attribute 'Nobody'"),
        ("tests.support.notifier.nothing", "returns 'nothing', which is no notifier"),
        ("nowhere.at_all", "No module named 'nowhere'"),
        ("Slack", "Empty module name"),
    ],
)
def test_a_notifier_that_cannot_be_used_is_said_in_the_dag(acting: Acting, name: str, reason: str) -> None:
    for section in ("approval", "alerts"):
        dag = load_dag(acting, f"{section}: {{notifiers: [{name}]}}")
        assert sorted(dag.task_ids) == ["settings_error"]
        assert f"{section}.notifiers: {name}" in dag.description
        assert reason in dag.description


def test_a_dry_run_over_the_guards_warns_and_is_not_red(acting: Acting) -> None:
    dag = load_dag(acting, base=SETTINGS.replace("max_delete_share: 1.0", "max_delete_share: 0.3"))
    dag_run = run(dag)
    assert dag_run.state == "success", states(dag_run)
    folder = acting.run(dag_run.run_id)
    page = folder.storage.read("report/report.html").decode()
    assert "A run that writes would stop here." in page
    assert any(line.startswith("guard ") for line in result_lines(folder))


@pytest.mark.parametrize("connection", ["", "write_connection: nobody, "])
def test_without_a_connection_for_writing_a_run_that_writes_ends_with_its_plan(
    acting: Acting, connection: str
) -> None:
    dag = load_dag(acting)
    settings = SETTINGS.replace("write_connection: flow_demo, ", connection)
    (acting.storage.parent / "collections" / "pictures.yaml").write_text(settings)
    dag_run = run(dag, scope="full", dry_run="no")
    assert dag_run.state == "failed"
    assert states(dag_run)["plan"] == "failed"
    counts = acting.server.counts()
    assert (counts.get("update", 0), counts.get("duplicate", 0), counts.get("duplicates", 0)) == (0, 0, 0)


def test_a_run_that_takes_a_sample_only_reports_whatever_it_is_told(acting: Acting) -> None:
    settings = "dry_run: false\napproval: {mode: none}"
    dag_run = run(load_dag(acting, settings), scope="full", sample=2, dry_run="no")
    assert set(acting.documents()) == set(DOCUMENTS)
    assert acting.server.counts().get("update", 0) == 0
    assert "done" not in record(acting, dag_run)["outcomes"]


def test_what_could_not_be_carried_out_fails_the_run_and_is_recorded(acting: Acting) -> None:
    dag = load_dag(acting, "dry_run: false\napproval: {mode: none}")
    config, lasting = find_collection("pictures"), acting.run().lasting
    acting.ask(lambda writer: check(writer, lasting, config))
    acting.server.fault("malformed", handler="update", skip=2, times=1)  # the deletion, after two commits
    dag_run = run(dag, scope="full")
    assert (states(dag_run)["apply"], states(dag_run)["record"], dag_run.state) == (
        "failed",
        "success",
        "failed",
    )
    assert record(acting, dag_run)["outcomes"] == {"failed": 1}
    assert set(acting.documents()) == set(DOCUMENTS)


def test_an_export_writes_files_and_nothing_to_the_collection(acting: Acting) -> None:
    settings = "dry_run: false\n"
    path = acting.storage.parent / "collections" / "pictures.yaml"
    dag = load_dag(acting, settings)
    path.write_text(SETTINGS.replace("delete}}", "export}}") + settings)
    dag_run = run(dag, scope="full")
    assert dag_run.state == "success", states(dag_run)
    assert acting.server.counts().get("update", 0) == 0
    redirects = acting.run(dag_run.run_id).storage.read("report/redirects.csv")
    assert b"cat copy,cat,1.0,exact" in redirects


def test_without_a_scheduler_a_run_that_would_ask_does_not_begin(acting: Acting) -> None:
    load_dag(acting, "dry_run: false")
    with pytest.raises(ConfigError, match="nobody can answer here"):
        run_once("pictures", {"scope": "full"})
    assert acting.server.counts().get("update", 0) == 0
