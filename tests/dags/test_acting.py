"""Whole runs with policies: dry, approved, rejected, without asking, and taken back."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.acting.check import check
from include.dedupe.errors import ConfigError
from include.dedupe.settings.config import COLLECTIONS_VARIABLE, find_collection
from include.dedupe.storage import STORAGE_VARIABLE
from include.orchestration import home
from include.orchestration.result import result_lines
from include.orchestration.run_once import run_once
from tests.support.acting import Acting
from tests.support.embedded_server import EmbeddedServer

pytestmark = pytest.mark.airflow

SETTINGS = """
flow: {connection: flow_demo, write_connection: flow_demo, collection: plain}
policies: {exact: {do: delete}}
guards: {max_delete_share: 1.0}
"""
DOCUMENTS = {
    "cat": ("animals/cat.jpg", {"title_s": "a cat"}),
    "cat copy": ("animals/cat.jpg", {}),
    "moose": ("animals/moose.jpg", {}),
}
ACTING_STAGES = ["cluster", "decide", "report", "approve", "apply", "record"]


@pytest.fixture
def acting(
    airflow: Path, flow_server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Acting:
    (tmp_path / "collections").mkdir()
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path / "collections"))
    monkeypatch.setenv(STORAGE_VARIABLE, str(tmp_path / "storage"))
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_DEMO", flow_server.base)
    made = Acting(flow_server, tmp_path / "storage")
    made.fill(DOCUMENTS)
    flow_server.clear_counts()
    return made


def load_dag(acting: Acting, settings: str = "", name: str = "dedupe_pictures", base: str = SETTINGS) -> Any:
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 - after the settings are in place

    (acting.storage.parent / "collections" / "pictures.yaml").write_text(base + settings)
    bag = DagBag(dag_folder=str(home.PROJECT / "dags"))
    assert bag.import_errors == {}
    return bag.dags[name]


def run(dag: Any, **params: Any) -> Any:
    for task in dag.tasks:
        task.retries = 0
    return dag.test(run_conf=params, logical_date=dt.datetime.now(dt.UTC))


def states(dag_run: Any) -> dict[str, str]:
    return {ti.task_id: str(ti.state) for ti in dag_run.get_task_instances()}


def record(acting: Acting, dag_run: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(acting.run(dag_run.run_id).storage.read("record/record.json"))
    return found


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Answer the question at once, as the scheduler would resume the task; returns the questions."""

    def prepare(option: str, **params_input: Any) -> list[str]:
        from airflow.providers.standard.operators.hitl import HITLOperator  # noqa: PLC0415

        asked: list[str] = []

        def execute(self: Any, context: Any) -> Any:
            asked.append(self.body)
            event = {
                "chosen_options": [option],
                "params_input": params_input,
                "responded_at": dt.datetime.now(dt.UTC),
                "responded_by_user": {"id": "1", "name": "somebody"},
            }
            return self.execute_complete(context, event)

        monkeypatch.setattr(HITLOperator, "execute", execute)
        return asked

    return prepare


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
    misspelt = run(load_dag(acting, settings, "dedupe_restore"), **wanted, dryrun=False)
    assert misspelt.state == "failed"
    assert run(load_dag(acting, settings, "dedupe_restore"), **wanted, dry_run=False).state == "success"
    assert acting.documents() == before
    again = run(load_dag(acting, settings), scope="full")
    assert record(acting, again)["outcomes"] == {}
    assert acting.documents() == before


def test_what_a_person_approves_is_done(acting: Acting, answer: Callable[..., list[str]]) -> None:
    asked = answer("Approve")
    dag_run = run(load_dag(acting), scope="full", dry_run="no")
    assert dag_run.state == "success", states(dag_run)
    assert set(acting.documents()) == {"cat", "moose"}
    assert "| delete | exact | 1 |" in asked[0]
    assert "`cat copy`" in asked[0]
    assert record(acting, dag_run)["answer"]["responded_by_user"]["name"] == "somebody"


def test_what_a_person_rejects_is_not_done_and_recorded(
    acting: Acting, answer: Callable[..., list[str]]
) -> None:
    answer("Reject")
    dag_run = run(load_dag(acting), scope="full", dry_run="no")
    assert (states(dag_run)["apply"], states(dag_run)["record"]) == ("skipped", "success")
    assert record(acting, dag_run)["answer"]["chosen_options"] == ["Reject"]
    assert set(acting.documents()) == set(DOCUMENTS)


def test_a_question_that_a_newer_run_has_overtaken_closes_itself(
    acting: Acting, answer: Callable[..., list[str]]
) -> None:
    asked = answer("Approve")
    newer = {"run_id": "run-9", "folder": "run-9", "hash": "0", "at": "2999-01-01T00:00:00+00:00"}
    acting.run().lasting.write("decided/2999-01-01--run-9.json", json.dumps(newer).encode())
    dag_run = run(load_dag(acting), scope="full", dry_run="no")
    assert not asked
    assert (states(dag_run)["apply"], states(dag_run)["record"]) == ("skipped", "success")
    assert record(acting, dag_run)["answer"]["superseded_by"] == "run-9"
    assert set(acting.documents()) == set(DOCUMENTS)


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
    dag = load_dag(acting, f"approval: {{notifiers: [{name}]}}")
    assert sorted(dag.task_ids) == ["settings_error"]
    assert f"approval.notifiers: {name}" in dag.description
    assert reason in dag.description


def test_an_approval_of_other_decisions_does_nothing_and_fails_the_run(
    acting: Acting, answer: Callable[..., list[str]]
) -> None:
    answer("Approve", decisions="0123456789abcdef")
    dag_run = run(load_dag(acting), scope="full", dry_run="no")
    assert (dag_run.state, states(dag_run)["apply"]) == ("failed", "failed")
    assert states(dag_run)["record"] == "success"
    assert set(acting.documents()) == set(DOCUMENTS)


def test_a_dry_run_over_the_guards_warns_and_is_not_red(acting: Acting) -> None:
    dag = load_dag(acting, base=SETTINGS.replace("max_delete_share: 1.0", "max_delete_share: 0.3"))
    dag_run = run(dag)
    assert dag_run.state == "success", states(dag_run)
    folder = acting.run(dag_run.run_id)
    page = folder.storage.read("report/report.html").decode()
    assert "A run that writes would stop here." in page
    assert any(line.startswith("guard ") for line in result_lines(folder))


def test_only_the_part_that_a_person_approves_is_done(
    acting: Acting, answer: Callable[..., list[str]]
) -> None:
    acting.fill({**DOCUMENTS, "moose copy": ("animals/moose.jpg", {})})
    settings = SETTINGS.replace("{exact: {do: delete}}", "{exact: {do: delete}, near: {do: tag}}")
    asked = answer("Approve", only_decisions=["tag"])
    refused = run(load_dag(acting, base=settings), scope="full", dry_run="no")
    assert (refused.state, states(refused)["apply"]) == ("failed", "failed")
    assert "2 documents would be deleted" in asked[0]
    assert "The weakest deletions" in asked[0]
    answer("Approve", only_decisions=["delete"], score_from=0.5, only_clusters=None)
    assert run(load_dag(acting, base=settings), scope="full", dry_run="no").state == "success"
    assert set(acting.documents()) == {"cat", "moose"}


def test_an_approval_that_did_nothing_is_skipped_and_not_green(
    acting: Acting, answer: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer("Approve")
    dag = load_dag(acting)
    from include.orchestration import acting as tasks  # noqa: PLC0415 - after the settings are in place

    decided = tasks.read_answer

    def overtaken(context: Any) -> Any:
        newer = {"run_id": "run-9", "folder": "run-9", "hash": "0", "at": "2000-01-01T00:00:00+00:00"}
        acting.run().lasting.write("decided/2999-01-01--run-9.json", json.dumps(newer).encode())
        return decided(context)

    monkeypatch.setattr(tasks, "read_answer", overtaken)
    dag_run = run(dag, scope="full", dry_run="no")
    assert len(asked) == 1
    assert (states(dag_run)["apply"], states(dag_run)["record"]) == ("skipped", "success")
    assert record(acting, dag_run)["outcomes"] == {"skipped": 1}
    assert set(acting.documents()) == set(DOCUMENTS)


def test_what_was_skipped_for_a_reason_to_know_fails_the_run(
    acting: Acting, answer: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer("Approve")
    dag = load_dag(acting, base=SETTINGS + "keeper: {rules: [{rule: highest, field: rank_i}]}\n")
    acting.change({"id": "cat", "rank_i": {"set": 2}}, {"id": "cat copy", "rank_i": {"set": 1}})
    from include.orchestration import acting as tasks  # noqa: PLC0415 - after the settings are in place

    decided = tasks.read_answer

    def changed(context: Any) -> Any:
        acting.change({"id": "cat copy", "rank_i": {"set": 3}})
        return decided(context)

    monkeypatch.setattr(tasks, "read_answer", changed)
    dag_run = run(dag, scope="full", dry_run="no")
    assert (states(dag_run)["apply"], dag_run.state) == ("failed", "failed")
    assert record(acting, dag_run)["outcomes"] == {"skipped": 1}
    assert "cat copy" in acting.documents()


def test_a_run_that_would_delete_too_much_stops_before_it_asks(
    acting: Acting, answer: Callable[..., list[str]]
) -> None:
    asked = answer("Approve")
    dag = load_dag(acting, base=SETTINGS.replace("max_delete_share: 1.0", "max_delete_share: 0.3"))
    dag_run = run(dag, scope="full", dry_run="no")
    assert states(dag_run)["report"] == "failed"
    assert not asked
    assert set(acting.documents()) == set(DOCUMENTS)


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
