"""The commands that change something, as a shell runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from include.dedupe.__main__ import main
from include.dedupe.acting.lease import STOP_FILE
from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from include.dedupe.reviewing.speaking import say
from include.dedupe.settings.config import COLLECTIONS_VARIABLE
from include.dedupe.storage import STORAGE_VARIABLE
from include.dedupe.verdicts import not_undone, read_verdicts
from tests.pipeline.acting_fixture import acting, policies
from tests.support.acting import FIRST, Acting

__all__ = ["acting"]
FLOW = "flow: {connection: flow_reader, collection: plain%s}\npolicies: {exact: {do: delete}}\n"
SETTINGS = FLOW % ", write_connection: flow_writer"
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def shell(acting: Acting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pictures.yaml").write_text(SETTINGS)
    monkeypatch.setenv(COLLECTIONS_VARIABLE, str(tmp_path))
    monkeypatch.setenv(STORAGE_VARIABLE, str(acting.storage))
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_READER", acting.server.base)
    monkeypatch.setenv("AIRFLOW_CONN_FLOW_WRITER", acting.server.base)
    monkeypatch.setattr("include.dedupe.acting.client_writer.has_airflow", lambda: False)


def test_check_says_what_it_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "pictures"]) == 0
    assert capsys.readouterr().out.count("ok ") == 10


def test_restore_is_dry_unless_it_is_to_write(acting: Acting, capsys: pytest.CaptureFixture[str]) -> None:
    before = acting.documents()
    acting.act(**policies("delete"))
    assert main(["restore", "pictures", "--runs", "run-1"]) == 0
    assert "planned   delete   cat copy" in capsys.readouterr().out
    assert "cat copy" not in acting.documents()
    assert main(["restore", "pictures", "--since", "2999-01-01"]) == 0
    assert "There is nothing to take back." in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["restore", "pictures", "--since", "yesterday"])
    assert "'yesterday' is no ISO date" in capsys.readouterr().err
    assert main(["restore", "pictures", "--ids", "cat copy", "--dry-run", "no"]) == 0
    assert acting.documents() == before


def test_a_run_goes_by_its_id_or_its_folder(acting: Acting, capsys: pytest.CaptureFixture[str]) -> None:
    acting.act("manual__2026-11-25T09:30:00+00:00", **policies("delete"))
    for name in ("manual__2026-11-25T09:30:00+00:00", "manual__2026-11-25T09-30-00-00-00"):
        assert main(["restore", "pictures", "--runs", name]) == 0
        assert "planned   delete   cat copy" in capsys.readouterr().out


class TestAfterARestore:
    @pytest.fixture(autouse=True)
    def restored(self, acting: Acting, capsys: pytest.CaptureFixture[str]) -> str:
        acting.act(**policies("delete"))
        assert main(["restore", "pictures", "--runs", "run-1", "--dry-run", "no"]) == 0
        return capsys.readouterr().out

    @pytest.fixture
    def page(self, acting: Acting) -> Callable[[str], str]:
        def page(run_id: str) -> str:
            run = acting.run(run_id)
            acting.decide(run, acting.config(**policies("delete")))
            report(run, FIRST, WebPictures(acting.server.base, ()))
            return " ".join(run.storage.read("report/report.html").decode().split())

        return page

    def test_it_says_how_to_take_back_what_it_remembers(
        self, restored: str, page: Callable[[str], str]
    ) -> None:
        assert "1 pair is left out, because a person said: no duplicates." in page("run-2")
        undo = restored.splitlines()[-1].partition("include.dedupe ")[2].split()
        assert undo[:3] == ["verdict", "pictures", "undo"]
        assert main(undo) == 0
        assert "left out" not in page("run-3")

    def test_a_document_names_what_was_said_of_it(
        self, page: Callable[[str], str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["verdict", "pictures", "undo", "cat copy"]) == 0
        assert "left out" not in page("run-2")
        assert main(["verdict", "pictures", "undo", "cat copy"]) == 2
        assert "There is no verdict 'cat copy' to undo" in capsys.readouterr().err


class TestWriteConnection:
    WRITING = (("check", "pictures"), ("restore", "pictures", "--runs", "run-1", "--dry-run", "no"))

    @pytest.fixture(autouse=True)
    def a_run(self, acting: Acting) -> None:
        acting.act(**policies("delete"))

    @pytest.mark.parametrize("command", WRITING)
    def test_what_writes_goes_by_it(
        self, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_FLOW_READER", NOWHERE)
        assert main(command) == 0
        monkeypatch.delenv("AIRFLOW_CONN_FLOW_WRITER")
        assert main(command) == 2
        assert "Set AIRFLOW_CONN_FLOW_WRITER" in capsys.readouterr().err

    def test_a_dry_restore_does_not_need_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("AIRFLOW_CONN_FLOW_WRITER")
        assert main(["restore", "pictures", "--runs", "run-1"]) == 0

    @pytest.mark.parametrize("command", WRITING)
    def test_without_it_the_collection_is_only_read(
        self, command: tuple[str, ...], acting: Acting, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "pictures.yaml").write_text(FLOW % "")
        before = acting.documents()
        assert main([*command, "--flow", acting.server.base]) == 2
        assert "is only read: name flow.write_connection" in capsys.readouterr().err
        assert acting.documents() == before


def test_a_verdict_decides_a_run_anew(acting: Acting, capsys: pytest.CaptureFixture[str]) -> None:
    first = acting.decide(acting.run(), acting.config(**policies("delete"))).hash
    assert main(["verdict", "pictures", "reject", "cat copy", "--run", "run-1"]) == 0
    assert first not in capsys.readouterr().out
    assert (
        main(["verdict", "pictures", "undo", acting.run().lasting.names("verdicts")[0], "--run", "run-1"])
        == 0
    )
    told = capsys.readouterr()
    assert first in told.out
    assert told.err == ""


def test_what_makes_no_sense_is_said_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verdict", "pictures", "keep", "a", "b"]) == 2
    assert main(["restore", "pictures"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_stop_and_allow_say_where(acting: Acting, capsys: pytest.CaptureFixture[str]) -> None:
    acting.decide(acting.run(), acting.config(**policies("delete")))
    assert main(["stop", "pictures"]) == 0
    said = capsys.readouterr()
    assert f"Stopped all writing to plain (in {acting.writers.root})." in said.out
    assert not said.err
    assert main(["check", "pictures"]) == 2
    assert main(["allow", "pictures"]) == 0
    assert f"allowed (in {acting.writers.root})" in capsys.readouterr().out
    assert main(["check", "pictures"]) == 0


def test_restore_takes_the_word_of_the_parameter(acting: Acting) -> None:
    before = acting.documents()
    acting.act(**policies("delete"))
    assert main(["restore", "pictures", "--runs", "run-1", "--dry-run", "yes"]) == 0
    assert "cat copy" not in acting.documents()
    assert main(["restore", "pictures", "--runs", "run-1", "--dry-run", "no"]) == 0
    assert acting.documents() == before


class TestLooking:
    def test_list_shows_each_collection_and_what_is_wrong_with_it(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        (tmp_path / "wrong.yaml").write_text("flow: 3")
        assert main(["list"]) == 0
        first, second = capsys.readouterr().out.splitlines()
        assert " ".join(first.split()) == "pictures by hand exact delete, near report (dry run)"
        assert second.startswith("wrong")
        assert "wrong.yaml: flow: settings" in second

    def test_validate_asks_nobody_and_names_what_is_wrong(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("AIRFLOW_CONN_FLOW_READER")
        assert main(["validate"]) == 0
        assert capsys.readouterr().out == f"ok     pictures: {tmp_path}/pictures.yaml\n"
        (tmp_path / "wrong.yaml").write_text(f"{SETTINGS}scan: {{treshold: 1}}\n")
        assert main(["validate", "wrong"]) == 1
        assert "WRONG  wrong: " in capsys.readouterr().out
        assert main(["validate", "pictures"]) == 0
        assert main(["validate", "nobody"]) == 2
        assert "known collections: pictures, wrong" in capsys.readouterr().err

    def test_status_tells_the_newest_runs_and_whether_writing_is_stopped(
        self, acting: Acting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["status", "pictures"]) == 0
        assert "runs     0" in capsys.readouterr().out
        acting.act(**policies("delete"))
        report(acting.run(), FIRST, WebPictures(acting.server.base, ()))
        assert main(["stop", "pictures"]) == 0
        capsys.readouterr()
        assert main(["status", "pictures"]) == 0
        told = capsys.readouterr().out
        assert "writing  stopped: " in told
        assert "runs     1, the newest first:" in told
        assert "run-1\n  all documents; 1 cluster with 3 documents" in told
        assert "outcome: 1 done" in told

    def test_what_is_damaged_is_told_in_a_line_and_by_the_exit_code(
        self, acting: Acting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        acting.writers.write(STOP_FILE, b"")
        assert main(["status", "pictures"]) == 2
        told = capsys.readouterr().out
        assert f"writing  stopped: {acting.writers.path(STOP_FILE)} is damaged" in told
        assert "runs     0" in told

    def test_a_storage_that_cannot_be_read_is_told_in_a_line(
        self, acting: Acting, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        acting.storage.write_bytes(b"a file")
        for words in (["status", "pictures"], ["restore", "pictures", "--runs", "x"], ["stop", "pictures"]):
            assert main(words) == 2, words
            lines = capsys.readouterr().err.splitlines()
            assert len(lines) == 1, lines


class TestAfterwards:
    def test_a_dry_restore_asks_what_is_to_come_of_it(
        self, acting: Acting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        acting.act(**policies("delete"))
        assert main(["restore", "pictures", "--runs", "run-1"]) == 0
        told = capsys.readouterr().out
        assert "--afterwards remember" in told
        assert "--afterwards try-again" in told

    def test_what_is_to_be_tried_again_is_judged_anew(
        self, acting: Acting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        acting.act(**policies("delete"))
        words = ["restore", "pictures", "--runs", "run-1", "--dry-run", "no", "--afterwards", "try-again"]
        assert main(words) == 0
        assert "Later runs judge it anew." in capsys.readouterr().out
        assert "cat copy" in acting.documents()
        config = acting.config(**policies("delete"))
        assert acting.decide(acting.run("run-2"), config).counts["delete"] == 1

    def test_what_was_remembered_is_undone_by_the_restore_and_what_was_said_by_the_run(
        self, acting: Acting, capsys: pytest.CaptureFixture[str]
    ) -> None:
        acting.act(**policies("delete", "tag"))
        config = acting.config(**policies("delete", "tag"))
        said, _ = say(acting.run(), "keep", ("cat small",), "a test")
        assert main(["restore", "pictures", "--runs", "run-1", "--dry-run", "no"]) == 0
        assert acting.decide(acting.run("run-2"), config).counts.get("delete", 0) == 0
        assert main(["verdict", "pictures", "undo", "--of-restore", "run-1"]) == 0
        assert said.name in {one.name for one in not_undone(read_verdicts(acting.run().lasting))}
        assert main(["verdict", "pictures", "undo", "--of-run", "run-1"]) == 0
        assert acting.decide(acting.run("run-3"), config).counts["delete"] == 1
        capsys.readouterr()
        for option in ("--of-restore", "--of-run"):
            assert main(["verdict", "pictures", "undo", option, "run-1"]) == 2
        assert main(["verdict", "pictures", "keep", "cat", "--of-run", "run-1"]) == 2
        assert "say what to undo" in capsys.readouterr().err
