"""What was exported and carried out elsewhere: the acknowledgement closes the run and holds in later ones."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from include.dedupe.__main__ import main
from include.dedupe.deciding.decisions import read_decisions
from include.dedupe.deciding.settled import Acknowledged
from include.dedupe.errors import VerdictError
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.dedupe.reviewing.speaking import acknowledge, say
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from tests.pipeline.acting_fixture import CAT, DOCUMENTS, SMALL_CAT, acting, policies
from tests.support.acting import FIRST, Acting

__all__ = ["acting"]
EXPORT = policies("export", "export")


def exported(acting: Acting, run_id: str, **settings: Any) -> set[str]:
    """Decide and return what a run exports."""
    run = acting.run(run_id)
    rows = read_decisions(run, acting.decide(run, acting.config(**{**EXPORT, **settings})).hash)
    return set(rows.loc[rows["decision"] == "export", "id"])


def recorded(acting: Acting, run_id: str = "run-1") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(acting.run(run_id).storage.read("record/acknowledged.json"))
    return found


def test_what_is_acknowledged_is_closed_and_not_exported_again(acting: Acting) -> None:
    before = acting.documents()
    assert exported(acting, "run-1") == {"cat copy", "cat small"}
    assert exported(acting, "run-2") == {"cat copy", "cat small"}
    assert acknowledge(acting.run(), "a test", note="all linked") == Acknowledged(settled=2, open=0)
    found = recorded(acting)
    assert (found["closed"], found["settled"], found["open"]) == (True, 2, 0)
    assert [(one["by"], one["note"]) for one in found["said"]] == [("a test", "all linked")]
    assert exported(acting, "run-3") == set()
    assert acting.documents() == before


def test_saying_it_again_changes_nothing(acting: Acting) -> None:
    exported(acting, "run-1")
    first = acknowledge(acting.run(), "a test"), recorded(acting)
    names = acting.run().lasting.names("verdicts")
    assert (acknowledge(acting.run(), "somebody else"), recorded(acting)) == first
    assert acting.run().lasting.names("verdicts") == names


def test_a_part_leaves_the_run_open_and_says_what_was_done(acting: Acting) -> None:
    exported(acting, "run-1")
    assert acknowledge(acting.run(), "a test", {"cat copy": "removed from the shop"}).open == 1
    assert exported(acting, "run-2") == {"cat small"}
    assert acknowledge(acting.run(), "a test", {"cat small": ""}).is_closed
    rows = acting.run().storage.read("record/acknowledged.csv").decode().splitlines()
    assert rows == ["duplicate,keeper,done", "cat copy,cat,removed from the shop", "cat small,cat,as decided"]
    assert exported(acting, "run-3") == set()


def test_what_joins_or_changes_later_is_exported(acting: Acting) -> None:
    exported(acting, "run-1")
    acknowledge(acting.run(), "a test")
    acting.fill({**DOCUMENTS, "cat 2": (CAT, {})})
    assert exported(acting, "run-2") == {"cat 2"}
    acting.fill({**DOCUMENTS, "cat 2": (CAT, {}), "cat copy": (SMALL_CAT, {})})
    assert exported(acting, "run-3") == {"cat 2", "cat copy"}


def test_it_holds_whichever_of_them_stays_and_only_for_exports(acting: Acting) -> None:
    exported(acting, "run-1")
    acknowledge(acting.run(), "a test")
    highest = {"keeper": {"rules": [{"rule": "highest", "field": "rating_i"}]}}
    assert exported(acting, "run-2", **highest) == set()
    stats = acting.decide(acting.run("run-3"), acting.config(**policies("delete", "report")))
    assert stats.counts["delete"] == 1


def test_an_undone_acknowledgement_opens_the_run_again(acting: Acting) -> None:
    exported(acting, "run-1")
    acknowledge(acting.run(), "a test")
    _, stats = say(acting.run(), "undo", (recorded(acting)["said"][0]["name"],), "a test")
    assert stats.counts["export"] == 2
    assert (recorded(acting)["closed"], recorded(acting)["said"]) == (False, [])
    assert exported(acting, "run-2") == {"cat copy", "cat small"}


def test_a_wrong_run_or_document_is_named(acting: Acting) -> None:
    exported(acting, "run-1")
    with pytest.raises(VerdictError, match=r"no run 'run-9' of 'pictures' that has decided.*run-1"):
        acknowledge(acting.run("run-9"), "a test")
    with pytest.raises(VerdictError, match=r"did not export 'cat', 'nothing'; name documents"):
        acknowledge(acting.run(), "a test", {"cat": "", "nothing": "", "cat copy": ""})
    acting.decide(acting.run("run-2"), acting.config(**policies("tag")))
    with pytest.raises(VerdictError, match="did not export anything"):
        acknowledge(acting.run("run-2"), "a test")
    assert not acting.run().lasting.names("verdicts")


class TestInAShell:
    @pytest.fixture(autouse=True)
    def shell(self, acting: Acting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = "flow: {connection: flow_shell, collection: plain}\npolicies: {exact: {do: export}}\n"
        (tmp_path / "pictures.yaml").write_text(settings)
        monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path))
        monkeypatch.setenv(STORAGE_VARIABLE, str(acting.storage))

    def test_redirects_come_back_with_what_was_done_whatever_the_ids_hold(
        self, acting: Acting, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        names = ["a", "b,1", 'c "2"', "d\n3", "🐟:4", "ü" * 1000]
        acting.fill(dict.fromkeys(names, (CAT, {})))
        assert exported(acting, "run-1") == set(names) - {"a"}
        report(acting.run(), FIRST, WebPictures(acting.server.base, ()))
        redirects = acting.run().storage.read("report/redirects.csv").decode()
        rows = list(csv.DictReader(io.StringIO(redirects, newline="")))
        with (tmp_path / "done.csv").open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0], "done"])
            writer.writeheader()
            writer.writerows({**row, "done": "removed"} for row in rows[1:])
        arguments = ["acknowledge", "pictures", "run-1"]
        assert main([*arguments, "--done", str(tmp_path / "done.csv")]) == 0
        assert "4 exported documents are settled, 1 are open" in capsys.readouterr().out
        assert exported(acting, "run-2") == {rows[0]["duplicate"]}
        assert main(arguments) == 0
        assert "0 are open: the run is closed" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("id,done\ncat copy,x\n", "needs a header with the column duplicate"),
            ("", "needs a header"),
            ("duplicate\ncat copy\ncat copy\n", "more than once"),
            ("duplicate,done\ncat copy\n", "row 2 has not as many values"),
            ("duplicate\ncat\n", "did not export 'cat'"),
        ],
    )
    def test_a_file_that_makes_no_sense_is_said_in_one_line(
        self, acting: Acting, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, reason: str
    ) -> None:
        exported(acting, "run-1")
        (tmp_path / "done.csv").write_text(text)
        assert main(["acknowledge", "pictures", "run-1", "--done", str(tmp_path / "done.csv")]) == 2
        error = capsys.readouterr().err
        assert reason in error
        assert error.count("\n") == 1


@pytest.mark.parametrize("as_text", [True, False])
def test_ids_that_a_spreadsheet_takes_for_formulas_are_acknowledged_as_what_they_are(
    acting: Acting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_text: bool
) -> None:
    ids = ["=cmd()", "+1", "-1", "@x", "'=x", "\uff1dx", "a;=b"]
    acting.fill({"!": (CAT, {}), **{name: (CAT, {}) for name in ids}})
    sections = f"policies: {{exact: {{do: export}}}}\nreport: {{cells_as_text: {as_text}}}\n"
    (tmp_path / "pictures.yaml").write_text(f"flow: {{connection: any, collection: plain}}\n{sections}")
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path))
    monkeypatch.setenv(STORAGE_VARIABLE, str(acting.storage))
    assert exported(acting, "run-1", report={"cells_as_text": as_text}) == set(ids)
    report(acting.run(), FIRST, WebPictures(acting.server.base, ()))
    table = acting.run().storage.read("report/redirects.csv")
    first = {row[0] for row in csv.reader(io.StringIO(table.decode(), newline=""))}
    assert ("=cmd()" in first) is not as_text
    assert first.isdisjoint(ids[:-1]) is as_text
    (tmp_path / "done.csv").write_bytes(table)
    assert main(["acknowledge", "pictures", "run-1", "--done", str(tmp_path / "done.csv")]) == 0
    assert recorded(acting)["closed"]
    assert set(read_decisions(acting.run(), acting.run().result("decide").result["hash"])["id"]) >= set(ids)
