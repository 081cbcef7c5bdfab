"""Each step of the gate killed (SIGKILL) after every file that it writes, and what people decide later."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

from include.dedupe.acting.wanted import Wanted
from include.dedupe.gating.report import read_held, read_outcomes, report
from include.dedupe.gating.settle import Said, ask, read_question, settle
from include.dedupe.rundir import Attempt, RunDir
from tests.pipeline.gating_fixture import gating
from tests.support.acting import FIRST
from tests.support.gating import CHELSEA, COFFEE_CUP, Gating, steps
from tests.support.killing import kill_after, kill_after_writes

__all__ = ["gating"]
SECOND = Attempt(0, 2)
HOLDING = {"exact": "ask", "near": "ask"}
ONLY_OWN = "-id:(cat coffee moose)"


def clean(gating: Gating) -> None:
    gating.acting.client(lambda client: client.delete(query=ONLY_OWN, commit=True))


def expire_lease(gating: Gating) -> None:
    """Let the silence of one that was killed be long enough for others."""
    for path in Path(gating.acting.writers.path("lease")).glob("*.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "alive": 0.0}))


def found(run: RunDir) -> dict[str, tuple[str, str]]:
    return {row.id: (row.outcome, row.match_id) for row in read_outcomes(run)}


def test_every_step_killed_after_any_file_and_tried_again_ends_as_one_that_was_not(gating: Gating) -> None:
    rows = [
        {"id": "new", "image": gating.picture("new.png", seed=1)},
        {"id": "twin", "image": gating.picture("twin.png", seed=1)},
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
    ]
    place, config = gating.manifest(rows), gating.config({"chunk_documents": 2, "exact": "ask"})

    def whole(attempt: Attempt) -> None:
        run = gating.take(place, config)
        gating.acting.ask(lambda writer: steps(writer, run, attempt))

    expected = {"new": ("indexed", ""), "twin": ("held", "new"), "cat 2": ("held", "cat")}
    for writes in itertools.count(1):
        shutil.rmtree(gating.acting.storage, ignore_errors=True)
        clean(gating)
        was_killed = kill_after_writes(writes, lambda: whole(FIRST))
        whole(SECOND)
        run = gating.run_dir()
        assert found(run) == expected, writes
        assert set(gating.acting.documents()) == {"cat", "coffee", "moose", "new"}, writes
        assert json.loads(run.storage.read("report/summary.json"))["outcomes"] == {"held": 2, "indexed": 1}
        if not was_killed:
            break
    assert writes > 20


def test_what_a_person_said_is_carried_out_once_however_often_it_is_killed(
    gating: Gating, tmp_path: Path
) -> None:
    before = gating.acting.documents()
    rows = [
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
        {"id": "cup", "image": gating.picture("cup.png", COFFEE_CUP, 0.5)},
        {"id": "cup 2", "image": gating.picture("cup 2.png", COFFEE_CUP, 0.6)},
    ]
    gating.go(rows, HOLDING)
    run = gating.run_dir()
    question = ask(run)
    shutil.copytree(gating.acting.storage, tmp_path / "template")
    said = Said(let=frozenset({"cat 2"}), reject=frozenset({"cup 2"}), link=frozenset({"cup"}))
    expected = {"cat 2": "indexed", "cup": "linked", "cup 2": "rejected"}

    def again() -> None:
        gating.acting.ask(
            lambda writer: settle(writer, run, read_question(run, question.digest), "anna", said)
        )

    def put_back() -> None:
        shutil.rmtree(gating.acting.storage)
        shutil.copytree(tmp_path / "template", gating.acting.storage)
        clean(gating)

    def killed_after_calls(calls: int) -> bool:
        return kill_after(gating, calls, lambda writer: settle(writer, run, question, "anna", said))

    for killed in (lambda writes: kill_after_writes(writes, again), killed_after_calls):
        for number in itertools.count(1):
            put_back()
            was_killed = killed(number)
            again()
            assert {row.id: row.outcome for row in read_outcomes(run)} == expected, number
            documents = gating.acting.documents()
            assert set(documents) == {*before, "cat 2", "cup"}, number
            assert documents["cup"]["duplicates_ss"] == ["coffee"], number
            assert len(run.lasting.names("verdicts")) == 1, number
            if not was_killed:
                break
        assert number > 5
    gating.acting.restore(Wanted(runs=(run.run_id,)))
    assert gating.acting.documents() == before


def test_what_a_killed_run_has_left_and_the_next_one_holds_can_be_decided(gating: Gating) -> None:
    rows = [
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
        {"id": "cup", "image": gating.picture("cup.png", COFFEE_CUP, 0.5)},
    ]
    place, config = gating.manifest(rows), gating.config(HOLDING)
    run = gating.take(place, config, by_analysis=False)
    assert kill_after(gating, 6, lambda writer: steps(writer, run, FIRST))
    gating.acting.client(lambda client: client.commit())
    assert gating.acting.client(lambda client: client.count(["gate_pending_s:[* TO *]"])) > 0
    expire_lease(gating)
    later = gating.take(gating.manifest([], "later.jsonl"), config, "run-2")
    gating.go_on(later)
    held = read_held(later)
    assert set(held) == {"cat 2", "cup"}
    assert {mark for mark, _ in held.values()} == {"pictures/gate__run-1"}
    said = Said(let=frozenset({"cat 2"}), reject=frozenset({"cup"}))
    counts = gating.acting.ask(lambda writer: settle(writer, later, ask(later), "anna", said))
    assert counts == {"indexed": 1, "rejected": 1}
    assert read_held(later) == {}
    assert set(gating.acting.documents()) == {"cat", "coffee", "moose", "cat 2"}
    report(later, SECOND)
    summary = json.loads(later.storage.read("report/summary.json"))
    assert (summary["orphans"], summary["held"]) == ({"indexed": 1, "rejected": 1}, None)


def test_what_a_run_held_before_it_was_killed_can_be_decided(gating: Gating) -> None:
    rows = [{"id": f"cat {n}", "image": gating.picture(f"cat {n}.jpg", CHELSEA)} for n in range(2, 6)]
    place, config = gating.manifest(rows), gating.config({**HOLDING, "batch_documents": 1})
    run = gating.take(place, config)
    for writes in itertools.count(1):
        assert kill_after_writes(writes, lambda: gating.go_on(run))
        if len(run.storage.names("index/batches-g0")) == 2:
            break
    assert set(read_held(run)) == {"cat 2", "cat 3"}
    expire_lease(gating)
    said = Said(let=frozenset({"cat 2"}))
    assert gating.acting.ask(lambda writer: settle(writer, run, ask(run), "anna", said)) == {"indexed": 1}
    gating.go_on(run, SECOND)
    assert {name: outcome for name, (outcome, _) in found(run).items()} == {
        "cat 2": "indexed",
        "cat 3": "held",
        "cat 4": "held",
        "cat 5": "held",
    }
