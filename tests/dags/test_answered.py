"""Whole runs that ask a person, and what becomes of the answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.acting import Acting
from tests.support.acting_dag import DOCUMENTS, SETTINGS, load_dag, record, run, states

pytestmark = pytest.mark.airflow


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
    acting.run().lasting.write("decided/999999999999--run-9.json", json.dumps(newer).encode())
    dag_run = run(load_dag(acting), scope="full", dry_run="no")
    assert not asked
    assert (states(dag_run)["apply"], states(dag_run)["record"]) == ("skipped", "success")
    assert record(acting, dag_run)["answer"]["superseded_by"] == "run-9"
    assert set(acting.documents()) == set(DOCUMENTS)


def test_an_approval_of_other_decisions_does_nothing_and_fails_the_run(
    acting: Acting, answer: Callable[..., list[str]]
) -> None:
    answer("Approve", decisions="0123456789abcdef")
    dag_run = run(load_dag(acting), scope="full", dry_run="no")
    assert (dag_run.state, states(dag_run)["apply"]) == ("failed", "failed")
    assert states(dag_run)["record"] == "success"
    assert set(acting.documents()) == set(DOCUMENTS)


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
    empty = {"value": None, "description": "Approve only this class.", "schema": {}, "source": "task"}
    answer("Approve", only_decisions=["delete"], score_from=0.5, only_clusters=None, only_class=empty)
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
        acting.run().lasting.write("decided/999999999999--run-9.json", json.dumps(newer).encode())
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
