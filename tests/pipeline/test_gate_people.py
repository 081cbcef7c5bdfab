"""What the gate holds until a person decides, and the one picture that other people's code asks about."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from include.dedupe.__main__ import main
from include.dedupe.errors import ApprovalError, GateError
from include.dedupe.gate import check, open_gate
from include.dedupe.gating.report import read_held, read_outcomes
from include.dedupe.gating.settle import Said, ask, read_question, settle
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from tests.pipeline.gating_fixture import gating
from tests.support.gating import CHELSEA, COFFEE_CUP, ROCKET, Gating, outcomes
from tests.support.small_collection import PHOTOS

__all__ = ["gating"]
HOLDING = {"exact": "ask", "near": "ask"}


def test_what_is_held_is_let_in_or_rejected_as_a_person_says(gating: Gating) -> None:
    rows = [
        {"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)},
        {"id": "cup", "image": gating.picture("cup.png", COFFEE_CUP, 0.5)},
        {"id": "cat 3", "image": gating.picture("cat 3.jpg", CHELSEA)},
    ]
    assert set(outcomes(gating.go(rows, HOLDING)).values()) == {"held"}
    gating.acting.server.clear_counts()
    run = gating.run_dir()
    question = ask(run)
    said = Said(let=frozenset({"cat 2", "cat 3"}), reject=frozenset({"cup"}))
    counts = gating.acting.ask(lambda writer: settle(writer, run, question, "anna", said))
    assert counts == {"held": 1, "indexed": 1, "rejected": 1}
    found = {row.id: row for row in read_outcomes(run)}
    assert found["cup"].reason.endswith("; anna has rejected it")
    assert (found["cat 3"].outcome, found["cat 3"].match_id) == ("held", "cat 2")
    assert "cat 2" in gating.acting.documents()
    assert gating.acting.server.counts().get("analyze", 0) == 0
    assert list(read_held(run)) == ["cat 3"]
    said = Said(let=frozenset({"cat 2"}))
    again = gating.acting.ask(lambda writer: settle(writer, run, question, "anna", said))
    assert again == {"indexed": 1}
    later = gating.go([{"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)}], run_id="run-2")
    assert outcomes(later) == {"cat 2": "present"}


def test_an_answer_to_what_was_not_asked_changes_nothing(gating: Gating) -> None:
    gating.go([{"id": "cat 2", "image": gating.picture("cat 2.jpg", CHELSEA)}], HOLDING)
    run = gating.run_dir()
    with pytest.raises(ApprovalError, match="never asked"):
        read_question(run, "0123456789abcdef")
    question = ask(run)
    cat, moose = frozenset({"cat 2"}), frozenset({"moose"})
    for said, problem in ((Said(let=moose), "'moose' is not held"), (Said(cat, cat), "named twice")):
        with pytest.raises(GateError, match=problem):
            gating.acting.ask(lambda writer, said=said: settle(writer, run, question, "anna", said))


def test_what_is_linked_by_a_person_is_indexed_with_what_was_seen_and_nothing_else(gating: Gating) -> None:
    rows = [
        {"id": name, "image": gating.picture(f"{name}.jpg", CHELSEA)} for name in ("cat 2", "cat 3", "cat 4")
    ]
    gating.go(rows, HOLDING)
    run = gating.run_dir()
    question = ask(run)
    for names in ({"cat 2"}, {"cat 3"}):
        said = Said(link=frozenset(names))
        gating.acting.ask(lambda writer, said=said: settle(writer, run, question, "anna", said))
    found = {row.id: row for row in read_outcomes(run)}
    assert (found["cat 2"].outcome, found["cat 2"].matched_ids) == ("linked", ("cat",))
    assert (found["cat 3"].outcome, found["cat 3"].match_id) == ("held", "cat 2")
    assert gating.acting.documents()["cat 2"]["duplicates_ss"] == ["cat"]
    assert run.lasting.names("verdicts") == []
    said = Said(link=frozenset({"cat 3"}))
    gating.acting.ask(lambda writer: settle(writer, run, ask(run), "anna", said))
    assert gating.acting.documents()["cat 3"]["duplicates_ss"] == ["cat", "cat 2"]


@pytest.fixture
def photos(gating: Gating, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gating:
    """The settings of the collection as a YAML file, and Flow in the environment."""
    (tmp_path / "collections").mkdir()
    (tmp_path / "collections" / "pictures.yaml").write_text(
        "flow: {connection: flow_test, write_connection: flow_test, collection: plain}\n"
        "gate: {exact: ask, near: link}\n"
    )
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path / "collections"))
    monkeypatch.setenv(STORAGE_VARIABLE, str(tmp_path / "storage"))
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_TEST", gating.acting.server.base)
    return gating


def test_one_picture_is_asked_about_from_other_peoples_code(photos: Gating) -> None:
    outcome = check(PHOTOS / CHELSEA, "pictures")
    assert (outcome.decision, outcome.match_id, [one.id for one in outcome.matches]) == (
        "ask",
        "cat",
        ["cat"],
    )
    assert outcome.matches[0].kind == "exact"
    address = f"{photos.acting.server.base}/images/things/coffee.jpg"
    assert check(address, "pictures").match_id == "coffee"
    photos.acting.server.clear_counts()

    async def two() -> list[str]:
        async with open_gate("pictures") as gate:
            asked = ((PHOTOS / ROCKET).read_bytes(), (PHOTOS / CHELSEA).read_bytes())
            found = await asyncio.gather(gate.check(asked[0]), gate.check(asked[1], "cat"))
            return [one.decision for one in found]

    assert asyncio.run(two()) == ["index", "present"]
    counts = photos.acting.server.counts()
    assert (counts["analyze"], counts.get("update", 0)) == (2, 0)
    with pytest.raises(GateError, match="cannot be read"):
        check(Path("nowhere.jpg"), "pictures")


def test_one_picture_and_what_is_held_in_a_shell(photos: Gating, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gate", "pictures", str(PHOTOS / CHELSEA)]) == 0
    assert "ask: exact duplicate of 'cat' (score 1.000)" in capsys.readouterr().out
    assert main(["gate", "pictures", str(PHOTOS / CHELSEA), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["decision"] == "ask"
    assert main(["gate", "pictures", "nowhere.jpg"]) == 2
    photos.go([{"id": "cat 2", "image": photos.picture("cat 2.jpg", CHELSEA)}], HOLDING)
    assert main(["held", "pictures", "run-1"]) == 0
    assert "cat 2  exact duplicate of 'cat'" in capsys.readouterr().out
    assert main(["held", "pictures", "run-1", "--let-in", "cat 2"]) == 0
    assert main(["held", "pictures", "run-1"]) == 0
    assert capsys.readouterr().out.endswith("1 indexed\nNothing is held.\n")
